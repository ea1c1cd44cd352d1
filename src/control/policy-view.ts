/** The policies in force, for schedulers: a copy of the store, read synchronously and kept up to date by its events. */
import { ANY_DEVICE, SHARES_DEFAULT } from '../core/model/policy.js';
import type { NodeShares, Policy } from '../core/model/policy.js';
import { parentTag } from '../core/model/tag.js';
import type { PoliciesInForce, PolicyEvent, PolicyStore, SharesOf } from '../core/ports.js';

const PAGE = 1_000;
const DEFAULTS: NodeShares = Object.freeze({ shares: SHARES_DEFAULT, selfShares: SHARES_DEFAULT });

type Listener = (device: string, tag: string) => void;
type ByTag = Map<string, Policy>;

export class PolicyView implements PoliciesInForce {
  private readonly store: PolicyStore;
  private readonly devices = new Map<string, ByTag>();
  private readonly listeners = new Set<Listener>();
  private stop: (() => void) | null = null;
  private current = 0;

  constructor(store: PolicyStore) {
    this.store = store;
  }

  /** Resolves when all that the store holds is in force. Called once. */
  async start(): Promise<void> {
    while (this.stop === null) {
      // Events after the revision are told on watch, so what changes between the pages is not missed;
      // null = so many came meanwhile that the store no longer knows them, and the copy is made anew.
      const revision = await this.store.revision();
      this.devices.clear();
      this.current = revision;
      await this.load();
      this.stop = this.store.watch(revision, { event: (event) => this.follow(event) });
    }
  }

  /** Of the store, at the last change that is in force. */
  get revision(): number {
    return this.current;
  }

  sharesOf(device: string): SharesOf {
    return (tag) => {
      const exact = this.devices.get(device)?.get(tag);
      const any = this.devices.get(ANY_DEVICE)?.get(tag);
      if (exact === undefined && any === undefined) return DEFAULTS;
      return {
        shares: exact?.shares ?? any?.shares ?? SHARES_DEFAULT,
        selfShares: exact?.selfShares ?? any?.selfShares ?? SHARES_DEFAULT,
      };
    };
  }

  isKnown(device: string, tag: string): boolean {
    const exact = this.devices.get(device);
    const any = this.devices.get(ANY_DEVICE);
    for (let at: string | null = tag; at !== null; at = parentTag(at)) {
      if (exact?.has(at) === true || any?.has(at) === true) return true;
    }
    return false;
  }

  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.stop?.();
    this.listeners.clear();
  }

  private async load(): Promise<void> {
    let after: { device: string; tag: string } | null = null;
    for (;;) {
      const { policies } = await this.store.list({ device: '', prefix: '', after, limit: PAGE });
      for (const policy of policies) this.set(policy.device, policy.tag, policy);
      const last = policies.at(-1);
      if (last === undefined || policies.length < PAGE) return;
      after = { device: last.device, tag: last.tag };
    }
  }

  private follow(event: PolicyEvent): void {
    const { device, tag } = (event.after ?? event.before)!;
    this.set(device, tag, event.after);
    this.current = event.revision;
    for (const listener of [...this.listeners]) listener(device, tag);
  }

  private set(device: string, tag: string, policy: Policy | null): void {
    let byTag = this.devices.get(device);
    if (policy !== null) {
      if (byTag === undefined) this.devices.set(device, (byTag = new Map<string, Policy>()));
      byTag.set(tag, policy);
    } else if (byTag?.delete(tag) === true && byTag.size === 0) {
      this.devices.delete(device);
    }
  }
}
