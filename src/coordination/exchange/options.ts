/** How a host keeps in step with the shared state of its devices. */
import { invalid } from '../../core/model/errors.js';

export const OUTAGE_RULES = ['continue', 'reject'] as const;
/** What a host does while the store is away: go on within its outage quota, or answer STORE_UNAVAILABLE. */
export type OutageRule = (typeof OUTAGE_RULES)[number];

export interface CoordinationOptions {
  /** How long a host's epoch lives without an exchange. A heartbeat comes at least every quarter of it. */
  readonly leaseMs: number;
  /** The store is away once it has answered nothing for this long. */
  readonly graceMs: number;
  readonly outage: OutageRule;
  /** What was sent on the advance is reported this much later, with what else there is by then. */
  readonly reportMs: number;
}

export const DEFAULT_COORDINATION: CoordinationOptions = {
  leaseMs: 3_000,
  graceMs: 1_000,
  outage: 'continue',
  reportMs: 5,
};

/**
 * `overrides` over the defaults, checked.
 * @param at prefix of the field names in errors, such as `coordination.`
 * @throws SluiceError INVALID_ARGUMENT
 */
export function coordinationOptions(
  overrides: Partial<CoordinationOptions> = {},
  at = 'coordination.',
): CoordinationOptions {
  const options = { ...DEFAULT_COORDINATION, ...overrides };
  within(options.leaseMs, 100, 600_000, `${at}lease_ms`);
  within(options.graceMs, 10, 600_000, `${at}grace_ms`);
  within(options.reportMs, 0, options.leaseMs / 4, `${at}report_ms`);
  if (!OUTAGE_RULES.includes(options.outage)) {
    throw invalid(`${at}outage`, `one of ${OUTAGE_RULES.join(', ')}`, options.outage);
  }
  return options;
}

function within(value: number, min: number, max: number, field: string): void {
  if (!(value >= min && value <= max)) throw invalid(field, `${String(min)}..${String(max)}`, value);
}
