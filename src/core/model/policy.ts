/** What the control plane sets on (device, tag), and what is in force after defaults. */
import { SluiceError, invalid } from './errors.js';
import { checkDeviceName, checkTag } from './tag.js';

export const SHARES_MIN = 1;
export const SHARES_MAX = 10_000;
export const SHARES_DEFAULT = 100;
/** The device name that stands for all devices. */
export const ANY_DEVICE = '*';

/** What a policy may set. An absent field falls back to the policy of device `*`, then to the default. */
export interface PolicyFields {
  readonly shares?: number;
  readonly selfShares?: number;
  readonly reservationPerS?: number;
  readonly limitPerS?: number;
  readonly burst?: number;
}

/** A policy as stored. */
export interface Policy extends PolicyFields {
  /** A device's name or `*`. */
  readonly device: string;
  readonly tag: string;
  /** Opaque; changes with every change of the policy. */
  readonly etag: string;
  /** Revision of the store at its last change. */
  readonly revision: number;
}

/** What a scheduler applies to one node of one device's tag tree. */
export interface NodeShares {
  readonly shares: number;
  readonly selfShares: number;
}

function checkShares(value: number | undefined, field: string): void {
  if (value === undefined) return;
  if (!Number.isInteger(value) || value < SHARES_MIN || value > SHARES_MAX) {
    throw invalid(field, `an integer ${String(SHARES_MIN)}..${String(SHARES_MAX)}`, value);
  }
}

/**
 * Checks a policy that somebody wants to set.
 * @throws SluiceError INVALID_ARGUMENT naming the field; UNSUPPORTED for a field not enforced yet.
 */
export function checkPolicy(device: string, tag: string, fields: PolicyFields): void {
  if (device !== ANY_DEVICE) checkDeviceName(device, 'policy.device');
  checkTag(tag, 'policy.tag');
  checkShares(fields.shares, 'policy.shares');
  checkShares(fields.selfShares, 'policy.self_shares');
  for (const [value, field] of [
    [fields.reservationPerS, 'policy.reservation_per_s'],
    [fields.limitPerS, 'policy.limit_per_s'],
    [fields.burst, 'policy.burst'],
  ] as const) {
    if (value !== undefined) {
      throw new SluiceError('UNSUPPORTED', `${field} is not enforced yet and so not taken, got ${String(value)}`, {
        field,
      });
    }
  }
}

export const POLICY_FIELDS = ['shares', 'selfShares', 'reservationPerS', 'limitPerS', 'burst'] as const;

/** Whether both set the same. */
export function samePolicy(a: PolicyFields, b: PolicyFields): boolean {
  return POLICY_FIELDS.every((key) => a[key] === b[key]);
}

/** `exact` over `any`, field by field. */
export function mergePolicies(exact: PolicyFields | undefined, any: PolicyFields | undefined): PolicyFields {
  const merged: Record<string, number> = {};
  for (const key of POLICY_FIELDS) {
    const value = exact?.[key] ?? any?.[key];
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}
