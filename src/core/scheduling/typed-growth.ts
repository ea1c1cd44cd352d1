/** Growing the typed arrays of a struct-of-arrays table. */

/** The typed arrays that tables here are made of. */
export type Column = Float64Array | Int32Array | Uint16Array | Uint8Array;

/** A copy of `column` with room for `capacity` entries; what is new is 0. */
export function grown<T extends Column>(column: T, capacity: number): T {
  const larger = new (column.constructor as new (length: number) => T)(capacity);
  larger.set(column);
  return larger;
}
