/**
 * Many indexed min-heaps in three typed arrays: one heap a parent, most of them tiny, a few with
 * 100,000 entries. Each heap owns a block of the arena, a power of two long; a heap that outgrows
 * its block moves to one twice as long, and the old block waits on a free list for the next heap
 * of that size. So a heap costs three numbers and its block, no object.
 *
 *   heap h:   base[h] ─┐
 *   keys   … │ k0 │ k1 k2 │ k3 k4 k5 k6 │ … │      children of slot i: 2i+1, 2i+2
 *   orders … │ o0 │ o1 o2 │ …                      ties of keys: the lower goes first
 *   ids    … │ n0 │ n1 n2 │ …                      the entry's node
 *
 * Measured, not guessed: which child is lower is as good as random, so a branch on it is mispredicted
 * half the time and costs more than the rest of the level. Two children compare without a
 * branch, ties included (they are common: equal shares, whole costs). Four children a slot halve
 * the levels, but took twice the time at 1,000 and at 100,000 entries.
 */
import { grown } from './typed-growth.js';

/** What heaps need of the nodes in them; the array may be replaced by a larger one at any time. */
export interface HeapNodes {
  /** Written by the heaps: slot in its heap, -1 outside. A node is in one heap at a time. */
  position: Int32Array;
}

const FIRST_BLOCK_LOG2 = 2;
const NO_BLOCK = -1;

export class Heaps {
  private keys = new Float64Array(64);
  private orders = new Float64Array(64);
  private ids = new Int32Array(64);
  /** End of the part of the arena that was ever handed out. */
  private arenaEnd = 0;
  /** freeBlocks[k]: bases of unused blocks of 2^k slots. */
  private readonly freeBlocks: number[][] = [];

  private base = new Int32Array(16);
  private blockLog2 = new Int32Array(16);
  private lengths = new Int32Array(16);
  private readonly nodes: HeapNodes;

  constructor(nodes: HeapNodes) {
    this.nodes = nodes;
  }

  /** Makes heap h an empty one. Numbers are the caller's, dense from 0. */
  create(h: number): void {
    if (h >= this.base.length) {
      const capacity = Math.max(h + 1, this.base.length * 2);
      this.base = grown(this.base, capacity);
      this.blockLog2 = grown(this.blockLog2, capacity);
      this.lengths = grown(this.lengths, capacity);
    }
    this.base[h] = NO_BLOCK;
    this.blockLog2[h] = FIRST_BLOCK_LOG2 - 1;
    this.lengths[h] = 0;
  }

  /** Takes back the block of an empty heap. */
  release(h: number): void {
    if (this.base[h]! !== NO_BLOCK) this.freeBlock(this.blockLog2[h]!, this.base[h]!);
    this.base[h] = NO_BLOCK;
    this.blockLog2[h] = FIRST_BLOCK_LOG2 - 1;
  }

  /** Slots of the arena that were ever handed out. */
  get arenaSlots(): number {
    return this.arenaEnd;
  }

  size(h: number): number {
    return this.lengths[h]!;
  }

  /** The node that goes first. The heap must not be empty. */
  top(h: number): number {
    return this.ids[this.base[h]!]!;
  }

  topKey(h: number): number {
    return this.keys[this.base[h]!]!;
  }

  push(h: number, id: number, key: number, order: number): void {
    const slot = this.lengths[h]!;
    if (slot === 1 << this.blockLog2[h]! || this.base[h]! === NO_BLOCK) this.moveToLargerBlock(h);
    this.lengths[h] = slot + 1;
    this.siftUp(this.base[h]!, slot, id, key, order);
  }

  /** Takes the top away. */
  pop(h: number): void {
    const base = this.base[h]!;
    const count = this.lengths[h]! - 1;
    this.lengths[h] = count;
    this.nodes.position[this.ids[base]!] = -1;
    const last = base + count;
    if (count > 0) this.siftDown(base, count, 0, this.ids[last]!, this.keys[last]!, this.orders[last]!);
  }

  /** Gives the top a key that is no lower than its present one. */
  raiseTop(h: number, key: number): void {
    const base = this.base[h]!;
    this.siftDown(base, this.lengths[h]!, 0, this.ids[base]!, key, this.orders[base]!);
  }

  /** Takes a node away from wherever it stands. */
  remove(h: number, id: number): void {
    const base = this.base[h]!;
    const slot = this.nodes.position[id]!;
    const count = this.lengths[h]! - 1;
    this.lengths[h] = count;
    this.nodes.position[id] = -1;
    const last = base + count;
    if (slot < count) this.place(base, count, slot, this.ids[last]!, this.keys[last]!, this.orders[last]!);
  }

  /** Gives a node that is in the heap another key, lower or higher. */
  update(h: number, id: number, key: number): void {
    const base = this.base[h]!;
    const slot = this.nodes.position[id]!;
    this.place(base, this.lengths[h]!, slot, id, key, this.orders[base + slot]!);
  }

  /** Puts `id` where `old` stands: same key, same order. */
  substitute(h: number, old: number, id: number): void {
    const slot = this.nodes.position[old]!;
    this.ids[this.base[h]! + slot] = id;
    this.nodes.position[id] = slot;
    this.nodes.position[old] = -1;
  }

  /** Reads all keys anew from `keyOf`, which must order the nodes as they are ordered now. */
  rekey(h: number, keyOf: Float64Array): void {
    const base = this.base[h]!;
    for (let at = base; at < base + this.lengths[h]!; at++) this.keys[at] = keyOf[this.ids[at]!]!;
  }

  /** Gives all entries the same key, so that their order alone decides. */
  level(h: number, key: number): void {
    const base = this.base[h]!;
    const count = this.lengths[h]!;
    this.keys.fill(key, base, base + count);
    // Floyd's construction: sift down from the last parent on; O(count).
    for (let slot = (count >> 1) - 1; slot >= 0; slot--) {
      this.siftDown(base, count, slot, this.ids[base + slot]!, key, this.orders[base + slot]!);
    }
  }

  private place(base: number, count: number, slot: number, id: number, key: number, order: number): void {
    if (slot > 0 && this.goesBefore(base + ((slot - 1) >> 1), key, order)) this.siftUp(base, slot, id, key, order);
    else this.siftDown(base, count, slot, id, key, order);
  }

  /** Whether an entry of this key and order goes before the one at `at`. */
  private goesBefore(at: number, key: number, order: number): boolean {
    const other = this.keys[at]!;
    return key < other || (key === other && order < this.orders[at]!);
  }

  private siftUp(base: number, start: number, id: number, key: number, order: number): void {
    const { keys, orders, ids } = this;
    const { position } = this.nodes;
    let slot = start;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      const from = base + parent;
      if (!this.goesBefore(from, key, order)) break;
      const to = base + slot;
      keys[to] = keys[from]!;
      orders[to] = orders[from]!;
      ids[to] = ids[from]!;
      position[ids[from]!] = slot;
      slot = parent;
    }
    keys[base + slot] = key;
    orders[base + slot] = order;
    ids[base + slot] = id;
    position[id] = slot;
  }

  private siftDown(base: number, count: number, start: number, id: number, key: number, order: number): void {
    const { keys, orders, ids } = this;
    const { position } = this.nodes;
    let slot = start;
    for (let left = 2 * slot + 1; left < count; left = 2 * slot + 1) {
      const at = base + left;
      const leftKey = keys[at]!;
      const rightKey = keys[at + 1]!;
      // Sums of comparisons instead of branches: see the head of the file. Where the heap ends with
      // the left child, what stands to its right is another's or 0: read, and masked out.
      const isRight =
        +(left + 1 < count) & (+(rightKey < leftKey) | (+(rightKey === leftKey) & +(orders[at + 1]! < orders[at]!)));
      const from = at + isRight;
      const childKey = keys[from]!;
      const childOrder = orders[from]!;
      if (key < childKey || (key === childKey && order < childOrder)) break;
      const childId = ids[from]!;
      keys[base + slot] = childKey;
      orders[base + slot] = childOrder;
      ids[base + slot] = childId;
      position[childId] = slot;
      slot = left + isRight;
    }
    keys[base + slot] = key;
    orders[base + slot] = order;
    ids[base + slot] = id;
    position[id] = slot;
  }

  private moveToLargerBlock(h: number): void {
    const log2 = this.blockLog2[h]! + 1;
    const from = this.base[h]!;
    const to = this.takeBlock(log2);
    if (from !== NO_BLOCK) {
      this.keys.copyWithin(to, from, from + this.lengths[h]!);
      this.orders.copyWithin(to, from, from + this.lengths[h]!);
      this.ids.copyWithin(to, from, from + this.lengths[h]!);
      this.freeBlock(log2 - 1, from);
    }
    this.base[h] = to;
    this.blockLog2[h] = log2;
  }

  private takeBlock(log2: number): number {
    const free = this.freeBlocks[log2]?.pop();
    if (free !== undefined) return free;
    const at = this.arenaEnd;
    this.arenaEnd += 1 << log2;
    // One slot past the end is readable, for the right-hand look of siftDown.
    if (this.arenaEnd >= this.keys.length) {
      const capacity = Math.max(this.arenaEnd + 1, this.keys.length * 2);
      this.keys = grown(this.keys, capacity);
      this.orders = grown(this.orders, capacity);
      this.ids = grown(this.ids, capacity);
    }
    return at;
  }

  private freeBlock(log2: number, base: number): void {
    (this.freeBlocks[log2] ??= []).push(base);
  }
}
