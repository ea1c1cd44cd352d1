/**
 * From the I/O priority that a guest's kernel puts into a request to a tag below the disk's own. What
 * the guest says chooses among its own sub-tags and nothing else: one that lies divides its own part.
 *
 * Names by default: `be-0` … `be-7`, `rt-0` … `rt-7`, `idle`, `none`. A map names them otherwise, the
 * most exact key that fits; hints are looked at only where the map has a key with one.
 */
import {
  PRIORITY_CLASSES,
  PRIORITY_HINTS,
  PRIORITY_KEY,
  PRIORITY_LEVELS,
  type PriorityClass,
  type PriorityNames,
} from '../../core/model/disk.js';

const CLASS_NAMES = Object.keys(PRIORITY_CLASSES) as PriorityClass[];

export class PriorityMap {
  /** By class and level. */
  readonly #plain: readonly string[];
  /** By class, level and hint, for the hints that the map names. */
  readonly #hinted = new Map<number, string>();

  /** @param names as checkDisk has found them good */
  constructor(tag: string, names: PriorityNames) {
    const below = (name: string): string => `${tag}/${name}`;
    this.#plain = CLASS_NAMES.flatMap((name) =>
      Array.from({ length: PRIORITY_LEVELS }, (_, level) => {
        // The two others have no levels, whatever the bits say.
        const own = name === 'rt' || name === 'be' ? `${name}-${String(level)}` : name;
        return below(names[`${name}:${String(level)}`] ?? names[name] ?? names['*'] ?? own);
      }),
    );
    for (const [key, name] of Object.entries(names)) {
      const { name: className, level, hint } = PRIORITY_KEY.exec(key)!.groups!;
      if (hint === undefined) continue;
      this.#hinted.set(keyOf(PRIORITY_CLASSES[className as PriorityClass], Number(level), Number(hint)), below(name));
    }
  }

  /** @param ioprio as in the request's header; classes 4 to 7 do not exist and count as none */
  tagOf(ioprio: number): string {
    const number = (ioprio >>> 13) & 7;
    const level = ioprio & (PRIORITY_LEVELS - 1);
    if (this.#hinted.size > 0) {
      const hinted = this.#hinted.get(keyOf(number, level, (ioprio >>> 3) & (PRIORITY_HINTS - 1)));
      if (hinted !== undefined) return hinted;
    }
    return this.#plain[number < CLASS_NAMES.length ? number * PRIORITY_LEVELS + level : 0]!;
  }
}

function keyOf(number: number, level: number, hint: number): number {
  return (number << 13) | (hint << 3) | level;
}
