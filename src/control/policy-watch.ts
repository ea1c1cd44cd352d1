/** Watching policies: snapshot, changes, heartbeats. */
import { SluiceError, invalid } from '../core/model/errors.js';
import type { Policy } from '../core/model/policy.js';
import { NS_PER_S } from '../core/model/units.js';
import type { Clock, PolicyEvent, PolicyStore, Timer } from '../core/ports.js';
import { PAGE_SIZE_MAX } from './paging.js';
import { checkFilter } from './filter.js';
import { changeOf, type PolicyChange } from './policy-change.js';

export type PolicyWatchEvent =
  | { readonly kind: 'snapshot'; readonly policy: Policy }
  | { readonly kind: 'snapshotDone'; readonly revision: number }
  | { readonly kind: 'change'; readonly change: PolicyChange }
  | { readonly kind: 'heartbeat'; readonly revision: number };

type Listener = (event: PolicyWatchEvent) => void;

const HEARTBEAT_NS = 5 * NS_PER_S;

/** See Policies.watch. */
export async function watchPolicies(
  store: PolicyStore,
  clock: Clock,
  device: string,
  resumeRevision: number,
  listener: Listener,
): Promise<() => void> {
  checkFilter(device, '');
  if (!Number.isSafeInteger(resumeRevision) || resumeRevision < 0) {
    throw invalid('resume_revision', 'an integer 0..2^53-1', resumeRevision);
  }
  const from = resumeRevision === 0 ? await tellSnapshot(store, device, listener) : resumeRevision;
  let toldRevision = from;
  const stopEvents = store.watch(from, {
    event: (event) => {
      toldRevision = event.revision;
      if (concerns(event, device)) listener({ kind: 'change', change: changeOf(event) });
    },
  });
  if (stopEvents === null) throw await tooOld(store, from);
  const stopHeartbeats = every(clock, HEARTBEAT_NS, () => listener({ kind: 'heartbeat', revision: toldRevision }));
  return () => {
    stopHeartbeats();
    stopEvents();
  };
}

/**
 * The revision to go on from. Taken before the first page: what changes while later pages are read
 * is told again as changes, which end in the same state.
 */
async function tellSnapshot(store: PolicyStore, device: string, listener: Listener): Promise<number> {
  const revision = await store.revision();
  let after: Policy | null = null;
  do {
    const { policies }: { policies: Policy[] } = await store.list({ device, prefix: '', after, limit: PAGE_SIZE_MAX });
    for (const policy of policies) listener({ kind: 'snapshot', policy });
    after = policies.length < PAGE_SIZE_MAX ? null : policies.at(-1)!;
  } while (after !== null);
  listener({ kind: 'snapshotDone', revision });
  return revision;
}

function concerns(event: PolicyEvent, device: string): boolean {
  return device === '' || (event.after ?? event.before)!.device === device;
}

async function tooOld(store: PolicyStore, revision: number): Promise<SluiceError> {
  const now = String(await store.revision());
  return new SluiceError(
    'OUT_OF_RANGE',
    `resume_revision must be 0 or a recent revision up to ${now}, got ${String(revision)}: watch again from 0`,
    { field: 'resume_revision' },
  );
}

/** Calls fn every ns until stopped. */
function every(clock: Clock, ns: number, fn: () => void): () => void {
  let timer: Timer = clock.after(ns, tick);
  function tick(): void {
    timer = clock.after(ns, tick);
    fn();
  }
  return () => timer.cancel();
}
