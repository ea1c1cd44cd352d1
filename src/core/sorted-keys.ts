/** Keys in order, put into order when they are read: many may join before anybody lists them. */
export class SortedKeys {
  private readonly keys: string[] = [];
  private inOrder = true;

  /** The caller sees to it that the key is not there. */
  add(key: string): void {
    const last = this.keys.at(-1);
    if (last !== undefined && last > key) this.inOrder = false;
    this.keys.push(key);
  }

  delete(key: string): void {
    const at = this.firstFrom(key);
    if (this.keys[at] === key) this.keys.splice(at, 1);
  }

  /** Keys after `key`, in order. */
  *after(key: string): Iterable<string> {
    const at = this.firstFrom(key);
    for (let i = this.keys[at] === key ? at + 1 : at; i < this.keys.length; i++) yield this.keys[i]!;
  }

  private firstFrom(key: string): number {
    if (!this.inOrder) {
      this.keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      this.inOrder = true;
    }
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
