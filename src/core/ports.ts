/** What the core asks of the world. Makers stand in clock/, coordination/, devices/, telemetry/. */
import type { ErrorCode } from './model/errors.js';
import type { DeviceDone, DeviceIo, RequestView } from './model/request.js';
import type { DeviceRecord, DeviceSettings, DeviceTarget } from './model/device.js';
import type { NodeShares, Policy, PolicyFields } from './model/policy.js';
import type { PendingIo } from './pending-io.js';
import type { UsageQuery, UsageRow, TagSummary } from './model/usage.js';

export interface Timer {
  /** No effect once it has fired or been cancelled. */
  cancel(): void;
}

/** Time, passed in. Real: the machine's monotonic clock. Virtual: a heap of timed events. */
export interface Clock {
  /** Monotonic, since the clock's start. */
  nowNs(): number;
  /** Milliseconds since 1970, for what people read; may jump. */
  wallMs(): number;
  /** Calls fn once, no earlier than ns from now; never within this call. */
  after(ns: number, fn: () => void): Timer;
}

/** Seeded randomness, passed in: the same seed gives the same numbers. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, bound), bound 1..2^32. */
  below(bound: number): number;
  /** An independent generator that depends on this one's seed and the name alone. */
  fork(name: string): Rng;
}

/** Structured log; a line an event that an operator acts on, never a line an I/O. */
export interface Logger {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** Told of each request that a dispatcher has answered after it was at the device; must be quick. */
export interface IoObserver {
  served(device: string, tag: string, io: PendingIo): void;
}

/** Something that stores blocks. What it is handed has been checked: in range, aligned, supported. */
export interface BlockDevice {
  readonly sizeBytes: number;
  /** Offsets and lengths are multiples of it. A power of two, at least 512. */
  readonly blockBytes: number;
  readonly readOnly: boolean;
  /**
   * Serves one operation. `done` is called exactly once for it, possibly before submit returns,
   * with OK or an error code (DEVICE_IO, NO_SPACE, READ_ONLY, UNSUPPORTED, INTERNAL) and a message.
   * Any number may be outstanding; they may end in any order.
   */
  submit(io: DeviceIo, done: DeviceDone): void;
  /**
   * The request has been answered to its caller, past its I/O timeout: the device need not serve it any
   * more. It may end it at once, where it is certain that it will not be executed later, or as before.
   */
  abandon?(io: DeviceIo): void;
  /** Its clients do the I/O: no data goes by, and what is submitted is granted to them. */
  readonly leased?: boolean;
  /** Told of the settings before anything else, and when they change. */
  configure?(settings: DeviceSettings): void;
  /** What keeps it from serving now though it is open, such as a server that is away; '' = nothing. */
  readonly trouble?: string;
  /** Waits for what is outstanding, then lets go of everything. submit is not called after it. */
  close(): Promise<void>;
}

/** Makes the device that a record names, from the host's configuration or as a simulation. */
export interface DeviceFactory {
  /** @throws SluiceError NOT_FOUND (no such binding), DEVICE_IO (it does not open), INVALID_ARGUMENT (it is not what the record says) */
  open(name: string, target: DeviceTarget): Promise<BlockDevice>;
  /** The names of the bindings this host has. */
  bindings(): readonly string[];
}

/** A request as a gate sees it. */
export interface GatedRequest extends RequestView {
  /** The gate's own: which of its algorithms the request was last given to. */
  gateEpoch: number;
}

/** One tag's queue at one device in this host, as a gate sees it. The fields that it may write are its own. */
export interface FlowView {
  readonly tag: string;
  /** The oldest waiting request; null where none waits. */
  readonly head: GatedRequest | null;
  /** Requests waiting. */
  readonly backlog: number;
  /** Those waiting, oldest first. */
  queued(): Iterable<GatedRequest>;
  /** The flow's number in the gate's present algorithm, and which algorithm that is. */
  gateIndex: number;
  gateEpoch: number;
  /** Requests of this flow, waiting or outstanding, that the present algorithm knows of. */
  gateHeld: number;
  /** Whether the present head came up since the last grant of the device. */
  fresh: boolean;
  /**
   * When, after the present head became head, the device first granted to another flow: from then
   * on others were owed first, before it nobody could go. -1 while that has not happened.
   */
  passedOverNs: number;
}

/**
 * Permission to send the oldest request of `flow` to the device now. `atNs`: when its slot was
 * free for it, at or before now. `coordinationNs`: how long the grant was on its way.
 */
export type GrantHandler = (flow: FlowView, atNs: number, coordinationNs: number) => void;

/** Nothing that waits in `flow` can be granted: all of it is to be answered with the code. */
export type RefusalHandler = (flow: FlowView, code: ErrorCode, message: string) => void;

/** Turns "these flows wait, these slots are free" into grants. One per device. */
export interface Gate {
  /** Called once, before anything else. Grants come inside the calls below or later. */
  onGranted(handler: GrantHandler): void;
  /** Called once, before onGranted. Refusals come inside the calls below or later. */
  onRefused(handler: RefusalHandler): void;
  /**
   * `request` has joined the end of the flow's queue.
   * @throws SluiceError QUEUE_FULL where a bound on tags or children is met; STORE_UNAVAILABLE where
   * the store of the device's order is away and nothing goes without it; the request is not counted then
   */
  arrived(flow: FlowView, request: GatedRequest): void;
  /** `request` has left the flow's queue without a grant; nothing is charged. */
  cancelled(flow: FlowView, request: GatedRequest): void;
  /** A granted request has left the device at `atNs`; its slot is free. */
  finished(flow: FlowView, request: GatedRequest, atNs: number, latencyNs: number): void;
  /** A grant that cannot be used: its slot is free and its charge is undone. */
  handBack(flow: FlowView, request: GatedRequest): void;
  /** The shares of the tag, or of tags unknown so far, may have changed. */
  sharesChanged(tag: string): void;
  /** New depth, scheduler or its parameters; queued requests stay queued. */
  configure(settings: DeviceSettings): void;
  /** Slots in use. */
  readonly outstanding: number;
  close(): void;
}

/** The shares in force for a node of one device's tag tree. Called when a node is made or changes. */
export type SharesOf = (tag: string) => NodeShares;

/** The policies in force, for schedulers: synchronous, kept up to date from a PolicyStore. */
export interface PoliciesInForce {
  sharesOf(device: string): SharesOf;
  /** Whether the tag or one above it has a policy, on the device or on `*`. */
  isKnown(device: string, tag: string): boolean;
  /** Called at once with each change; device may be `*`. Returns how to stop. */
  onChange(listener: (device: string, tag: string) => void): () => void;
}

/** A change of one policy; `after` null = deleted, `before` null = created. */
export interface PolicyEvent {
  readonly before: Policy | null;
  readonly after: Policy | null;
  readonly revision: number;
}

/** One change that Apply makes; `fields` null deletes. */
export interface PolicyWrite {
  readonly device: string;
  readonly tag: string;
  readonly fields: PolicyFields | null;
  /** '' whatever is there, '*' only where nothing is, else only over that etag. */
  readonly ifMatch: string;
}

export interface Watcher<T> {
  /** Called in order of revision, each revision once. */
  readonly event: (event: T) => void;
}

/** Policies, each with an etag and a revision of the whole store. */
export interface PolicyStore {
  get(device: string, tag: string): Promise<Policy | null>;
  /** Ordered by device, then tag; all of one device ('' = all) at or below prefix, after the key (exclusive), at most limit. */
  list(query: {
    device: string;
    prefix: string;
    after: { device: string; tag: string } | null;
    limit: number;
  }): Promise<{ policies: Policy[]; revision: number }>;
  /**
   * All or none, in one revision each in order. Writes that change nothing give no event.
   * The same non-empty requestId again returns the first answer.
   * @throws SluiceError ETAG_MISMATCH, ALREADY_EXISTS, NOT_FOUND (delete of what is not there)
   */
  write(writes: readonly PolicyWrite[], requestId: string): Promise<{ events: PolicyEvent[]; revision: number }>;
  revision(): Promise<number>;
  /** Events after `revision`, then live ones. null where that revision is too old to tell. */
  watch(afterRevision: number, watcher: Watcher<PolicyEvent>): (() => void) | null;
}

export interface DeviceEvent {
  readonly before: DeviceRecord | null;
  readonly after: DeviceRecord | null;
  readonly revision: number;
}

/** Devices, each with an etag. */
export interface DeviceStore {
  get(name: string): Promise<DeviceRecord | null>;
  /** Ordered by name. */
  list(): Promise<DeviceRecord[]>;
  /** @throws SluiceError ETAG_MISMATCH; ALREADY_EXISTS (ifMatch '*') */
  put(record: Omit<DeviceRecord, 'etag' | 'revision'>, ifMatch: string): Promise<DeviceRecord>;
  /** @throws SluiceError NOT_FOUND, ETAG_MISMATCH */
  delete(name: string, ifMatch: string): Promise<void>;
  /** What is there now as events with before null, then changes. */
  watch(watcher: Watcher<DeviceEvent>): () => void;
}

/** What was served, over all hosts of the store. */
export interface UsageStore {
  /**
   * Rows by time, then as orderBy says, a few at a time as they are asked for; whoever stops asking
   * ends it. A part is never empty.
   * @throws SluiceError at the first part: OUT_OF_RANGE for a range that begins before what is kept
   */
  query(query: UsageQuery): AsyncIterable<readonly UsageRow[]>;
  listTags(query: {
    device: string;
    prefix: string;
    after: { device: string; tag: string } | null;
    limit: number;
  }): Promise<TagSummary[]>;
}

/**
 * `ready` serves; `suspect` serves but has let a request pass its I/O timeout, or is out of reach; `draining` takes
 * nothing new and has some left; `drained` has none; `unavailable` has no working binding here.
 */
export type ServedState = 'ready' | 'suspect' | 'draining' | 'drained' | 'unavailable';

/** One device of this host, as doors and control see it. */
export interface ServedDevice {
  readonly name: string;
  readonly record: DeviceRecord;
  readonly state: ServedState;
  /** Why it is unavailable or suspect, where that is known; '' otherwise. */
  readonly stateMessage: string;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  /** Its clients do the I/O themselves: only doors that speak of leases serve it. */
  readonly leased?: boolean;
  /** Requests waiting, and requests at the device, in this host. */
  readonly queued: number;
  readonly outstanding: number;
  /** Whether a request with this tag would be taken; the error that it would get, else null. */
  refusal(tag: string): { readonly code: ErrorCode; readonly message: string } | null;
  /**
   * Takes a request over. Its sink is told exactly once, possibly before submit returns: served,
   * failed, cancelled, past its queue timeout, or refused (out of range, unaligned, read-only,
   * queue full, draining, unknown tag …). tag: checked, canonical.
   */
  submit(io: PendingIo, tag: string): void;
  /** Takes a queued request back: completed CANCELLED, charged nothing. False where it is not queued (any more). */
  cancel(io: PendingIo): boolean;
}

/** The devices that this host serves. */
export interface ServedDevices {
  get(name: string): ServedDevice | undefined;
  list(): readonly ServedDevice[];
  /** Resolves when this host has acted on what the device store now says of the name. */
  settled(name: string): Promise<void>;
}

/** How a host stands with the state that it shares with others, for one device. */
export interface CoordinationNow {
  readonly device: string;
  readonly mode: string;
  /** Why it is in that mode. */
  readonly reason: string;
  /** Requests are served, be it within a quota. */
  readonly serving: boolean;
  /** As it should be. */
  readonly inStep: boolean;
}
