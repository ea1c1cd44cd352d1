/**
 * Many indexed 4-ary min-heaps in two typed arrays: one heap a parent, most of them tiny, a few with
 * 100,000 entries. Each heap owns a block of the arena, a power of two long; a heap that outgrows
 * its block moves to one twice as long, and the old block waits on a free list for the next heap
 * of that size. So a heap costs three numbers and its block, no object.
 *
 *   heap h:  base[h] ─┐
 *   keys  … │ k0 │ k1 k2 k3 k4 │ k5 … │ …     children of slot i: 4i+1 .. 4i+4
 *   ids   … │ n0 │ n1 n2 n3 n4 │ n5 … │ …     the entry's node
 *
 * Order: by key, then by the node's `order`. Keys stand in the arena, beside their neighbours in
 * the heap, because a sift reads four children at a time; `order` stands with the nodes, because
 * only ties read it.
 *
 * Four children a slot: half the levels of a binary heap for the same bytes read, and a decision
 * here raises the key of the root, which sifts from the top: levels are what it pays for.
 */
import { grown } from './typed-growth.js';

/** What heaps need of the nodes in them; arrays may be replaced by larger ones at any time. */
export interface HeapNodes {
  /** Written by the heaps: slot in its heap, -1 outside. A node is in one heap at a time. */
  position: Int32Array;
  /** Read on ties: the lower goes first. Must not change while the node is in a heap. */
  order: Float64Array;
}

const FIRST_BLOCK_LOG2 = 2;
const NO_BLOCK = -1;

export class Heaps {
  private keys = new Float64Array(64);
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

  push(h: number, id: number, key: number): void {
    const slot = this.lengths[h]!;
    if (slot === 1 << this.blockLog2[h]! || this.base[h]! === NO_BLOCK) this.moveToLargerBlock(h);
    this.lengths[h] = slot + 1;
    this.siftUp(this.base[h]!, slot, id, key);
  }

  /** Takes the top away. */
  pop(h: number): void {
    const base = this.base[h]!;
    const last = this.lengths[h]! - 1;
    this.lengths[h] = last;
    this.nodes.position[this.ids[base]!] = -1;
    if (last > 0) this.siftDown(base, last, 0, this.ids[base + last]!, this.keys[base + last]!);
  }

  /** Gives the top a key that is no lower than its present one. */
  raiseTop(h: number, key: number): void {
    const base = this.base[h]!;
    this.siftDown(base, this.lengths[h]!, 0, this.ids[base]!, key);
  }

  /** Takes a node away from wherever it stands. */
  remove(h: number, id: number): void {
    const base = this.base[h]!;
    const slot = this.nodes.position[id]!;
    const last = this.lengths[h]! - 1;
    this.lengths[h] = last;
    this.nodes.position[id] = -1;
    if (slot < last) this.place(base, last, slot, this.ids[base + last]!, this.keys[base + last]!);
  }

  /** Gives a node that is in the heap another key, lower or higher. */
  update(h: number, id: number, key: number): void {
    this.place(this.base[h]!, this.lengths[h]!, this.nodes.position[id]!, id, key);
  }

  /** Puts `id` where `old` stands: same key, and the caller gives it the same order. */
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

  /** Gives all entries the same key, so that `order` alone decides. */
  level(h: number, key: number): void {
    const base = this.base[h]!;
    const count = this.lengths[h]!;
    this.keys.fill(key, base, base + count);
    // Floyd's construction: sift down from the last parent on; O(count).
    for (let slot = (count - 2) >> 2; slot >= 0; slot--) {
      this.siftDown(base, count, slot, this.ids[base + slot]!, key);
    }
  }

  private place(base: number, count: number, slot: number, id: number, key: number): void {
    if (slot > 0 && this.before(id, key, base + ((slot - 1) >> 2))) this.siftUp(base, slot, id, key);
    else this.siftDown(base, count, slot, id, key);
  }

  private before(id: number, key: number, at: number): boolean {
    const other = this.keys[at]!;
    return key < other || (key === other && this.nodes.order[id]! < this.nodes.order[this.ids[at]!]!);
  }

  private siftUp(base: number, start: number, id: number, key: number): void {
    const keys = this.keys;
    const ids = this.ids;
    const { position, order } = this.nodes;
    let slot = start;
    while (slot > 0) {
      const parent = (slot - 1) >> 2;
      const parentKey = keys[base + parent]!;
      const parentId = ids[base + parent]!;
      if (parentKey < key || (parentKey === key && order[parentId]! < order[id]!)) break;
      keys[base + slot] = parentKey;
      ids[base + slot] = parentId;
      position[parentId] = slot;
      slot = parent;
    }
    keys[base + slot] = key;
    ids[base + slot] = id;
    position[id] = slot;
  }

  private siftDown(base: number, count: number, start: number, id: number, key: number): void {
    const keys = this.keys;
    const ids = this.ids;
    const { position, order } = this.nodes;
    let slot = start;
    for (;;) {
      const first = 4 * slot + 1;
      if (first >= count) break;
      const end = Math.min(first + 4, count);
      let best = first;
      let bestKey = keys[base + first]!;
      for (let child = first + 1; child < end; child++) {
        const childKey = keys[base + child]!;
        if (childKey > bestKey) continue;
        if (childKey === bestKey && order[ids[base + child]!]! > order[ids[base + best]!]!) continue;
        best = child;
        bestKey = childKey;
      }
      const bestId = ids[base + best]!;
      if (key < bestKey || (key === bestKey && order[id]! < order[bestId]!)) break;
      keys[base + slot] = bestKey;
      ids[base + slot] = bestId;
      position[bestId] = slot;
      slot = best;
    }
    keys[base + slot] = key;
    ids[base + slot] = id;
    position[id] = slot;
  }

  private moveToLargerBlock(h: number): void {
    const log2 = this.blockLog2[h]! + 1;
    const from = this.base[h]!;
    const to = this.takeBlock(log2);
    if (from !== NO_BLOCK) {
      this.keys.copyWithin(to, from, from + this.lengths[h]!);
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
    if (this.arenaEnd > this.keys.length) {
      const capacity = Math.max(this.arenaEnd, this.keys.length * 2);
      this.keys = grown(this.keys, capacity);
      this.ids = grown(this.ids, capacity);
    }
    return at;
  }

  private freeBlock(log2: number, base: number): void {
    (this.freeBlocks[log2] ??= []).push(base);
  }
}
