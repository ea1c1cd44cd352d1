/**
 * The nodes of a tag tree and the domains they compete in, as structs of arrays: a decision touches
 * a few numbers of a few nodes, and a million tags cost numbers, not objects.
 *
 *            domain 0 (the root's)            a domain: the children of one inner node, their
 *            ├── node acme ── domain 1        virtual time, and the heap of those with backlog
 *            │                ├── leaf acme/.
 *            │                └── leaf acme/db
 *            └── leaf web
 *
 * home[n] is the domain that node n competes in, domain[n] the one it owns (-1: a leaf);
 * owner[d] the node that owns domain d (-1: the root's).
 */
import { grown } from './typed-growth.js';

export const NONE = -1;

/** A number's place is in use. */
const USED = 1;
/** Opened or busy since the sweep last came by: let live until it comes again. */
const TOUCHED = 2;

export class NodeTable {
  home = new Int32Array(16);
  domain = new Int32Array(16);
  /** Virtual I/O: cost charged, times SCALE, over shares. */
  vio = new Float64Array(16);
  /** What a refund may not take vio below: virtual time at the last activation, less credit. */
  floor = new Float64Array(16);
  /** Largest cost charged so far, cost units: paid once in advance (see fair.ts). */
  deposit = new Float64Array(16);
  shares = new Uint16Array(16);
  /** Slot in the heap of its domain; -1 = not active. */
  position = new Int32Array(16);
  /** Leaves: requests waiting, requests at the device. */
  backlog = new Int32Array(16);
  outstanding = new Int32Array(16);
  private flags = new Uint8Array(16);
  /** Full tag; a leaf that carries the requests of an inner node itself has the inner node's. */
  readonly tags: string[] = [];
  private readonly free: number[] = [];
  /** One past the highest number ever used. */
  end = 0;

  get live(): number {
    return this.end - this.free.length;
  }

  /** A node at the virtual time given: nothing owed either way, so no credit has anything to forgive. */
  create(tag: string, home: number, domain: number, shares: number, vio: number): number {
    const n = this.free.pop() ?? this.end++;
    if (n >= this.home.length) this.grow(this.home.length * 2);
    this.home[n] = home;
    this.domain[n] = domain;
    this.vio[n] = vio;
    this.floor[n] = vio;
    this.deposit[n] = 0;
    this.shares[n] = shares;
    this.position[n] = NONE;
    this.backlog[n] = 0;
    this.outstanding[n] = 0;
    this.flags[n] = USED | TOUCHED;
    this.tags[n] = tag;
    return n;
  }

  remove(n: number): void {
    this.flags[n] = 0;
    this.tags[n] = '';
    this.free.push(n);
  }

  isUsed(n: number): boolean {
    return (this.flags[n]! & USED) !== 0;
  }

  touch(n: number): void {
    this.flags[n] = this.flags[n]! | TOUCHED;
  }

  /** Whether it was touched since the last call. */
  takeTouch(n: number): boolean {
    const touched = (this.flags[n]! & TOUCHED) !== 0;
    this.flags[n] = this.flags[n]! & ~TOUCHED;
    return touched;
  }

  private grow(capacity: number): void {
    this.home = grown(this.home, capacity);
    this.domain = grown(this.domain, capacity);
    this.vio = grown(this.vio, capacity);
    this.floor = grown(this.floor, capacity);
    this.deposit = grown(this.deposit, capacity);
    this.shares = grown(this.shares, capacity);
    this.position = grown(this.position, capacity);
    this.backlog = grown(this.backlog, capacity);
    this.outstanding = grown(this.outstanding, capacity);
    this.flags = grown(this.flags, capacity);
  }
}

export class DomainTable {
  owner = new Int32Array(4);
  /** Virtual time. */
  v = new Float64Array(4);
  /** No less than the vio of any child that is or was here and is not active: what counts once all are idle. */
  maxVio = new Float64Array(4);
  /** Clock time since when no child has been busy. */
  idleSinceNs = new Float64Array(4);
  /** Children with something waiting or outstanding below. */
  busy = new Int32Array(4);
  children = new Int32Array(4);
  /** The leaf that carries the owner's own requests; -1 = none. */
  self = new Int32Array(4);
  private readonly free: number[] = [];
  private end = 0;

  create(owner: number, nowNs: number): number {
    const d = this.free.pop() ?? this.end++;
    if (d >= this.owner.length) this.grow(this.owner.length * 2);
    this.owner[d] = owner;
    this.v[d] = 0;
    this.maxVio[d] = 0;
    this.idleSinceNs[d] = nowNs;
    this.busy[d] = 0;
    this.children[d] = 0;
    this.self[d] = NONE;
    return d;
  }

  remove(d: number): void {
    this.free.push(d);
  }

  private grow(capacity: number): void {
    this.owner = grown(this.owner, capacity);
    this.v = grown(this.v, capacity);
    this.maxVio = grown(this.maxVio, capacity);
    this.idleSinceNs = grown(this.idleSinceNs, capacity);
    this.busy = grown(this.busy, capacity);
    this.children = grown(this.children, capacity);
    this.self = grown(this.self, capacity);
  }
}
