/** The HTTP API as the page uses it. Shapes are those of /openapi.json; 64-bit integers come as strings. */

export interface OpUsage {
  readonly op: string;
  readonly count: string;
  readonly errors: string;
  readonly bytes: string;
  readonly cost: number;
  readonly cacheHits: string;
}

export interface UsageRow {
  readonly device: string;
  readonly tag: string;
  readonly startMs: string;
  readonly endMs: string;
  readonly ops: readonly OpUsage[];
  /** p50, p99. */
  readonly queueUs: readonly number[];
  readonly serviceUs: readonly number[];
}

export interface Device {
  readonly name: string;
  readonly binding: string;
  readonly simulation?: { readonly kind: string };
  readonly sizeBytes: string;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly settings: { readonly scheduler: string; readonly depth: number; readonly costModel: string };
  readonly state: string;
  readonly stateMessage: string;
  readonly queued: number;
  readonly outstanding: number;
}

export interface Policy {
  readonly device: string;
  readonly tag: string;
  readonly shares?: number;
  readonly selfShares?: number;
  readonly etag: string;
}

export interface HostView {
  readonly id: string;
  readonly mode: string;
  readonly self: boolean;
}

export interface ServiceView {
  readonly version: string;
  readonly store: string;
  readonly readOnly: boolean;
  readonly hosts: readonly HostView[];
}

/** An answer that says no, in the words of the service. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const QUANTILES = '0.5,0.99';

async function call(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
  const res = await fetch(path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (res.ok) return res;
  const problem = (await res.json().catch(() => ({}))) as { code?: string; detail?: string };
  throw new ApiError(
    res.status,
    problem.code ?? 'INTERNAL',
    problem.detail ?? `${String(res.status)} ${res.statusText}`,
  );
}

async function get<T>(path: string): Promise<T> {
  return (await (await call('GET', path, {})).json()) as T;
}

function query(values: Record<string, string | number>): string {
  return new URLSearchParams(
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)])),
  ).toString();
}

export async function devices(): Promise<Device[]> {
  const all: Device[] = [];
  let pageToken = '';
  do {
    const page = await get<{ devices: Device[]; nextPageToken: string }>(
      `v1/devices?${query({ pageSize: 1000, ...(pageToken !== '' && { pageToken }) })}`,
    );
    all.push(...page.devices);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all;
}

export function service(): Promise<ServiceView> {
  return get<ServiceView>('v1/service');
}

export async function policies(): Promise<Policy[]> {
  const all: Policy[] = [];
  let pageToken = '';
  do {
    const page = await get<{ policies: Policy[]; nextPageToken: string }>(
      `v1/policies?${query({ pageSize: 1000, ...(pageToken !== '' && { pageToken }) })}`,
    );
    all.push(...page.policies);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all;
}

export interface UsageAsked {
  readonly device: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly tagPrefix?: string;
  /** Default cost. */
  readonly orderBy?: 'ops' | 'bytes' | 'cost';
  readonly topN?: number;
  /** Comma-separated: these have rows of their own, all others are `_other`. */
  readonly apart?: string;
  /** Comma-separated; absent: none. */
  readonly quantiles?: string;
}

export async function usage(asked: UsageAsked): Promise<UsageRow[]> {
  const { rows } = await get<{ rows: UsageRow[] }>(`v1/usage?${query({ orderBy: 'cost', ...asked })}`);
  return rows;
}

/**
 * Sets one tag's shares on the device and leaves what else its policy says. Somebody else's change
 * in between makes it fail with ETAG_MISMATCH.
 */
export async function putShares(
  device: string,
  tag: string,
  field: 'shares' | 'selfShares',
  value: number,
): Promise<void> {
  const path = `v1/devices/${encodeURIComponent(device)}/policies/${tag}`;
  let policy: Policy | null = null;
  try {
    policy = await get<Policy>(path);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  if (policy === null) {
    await call('PUT', path, { 'if-none-match': '*' }, { [field]: value });
    return;
  }
  const { etag, ...fields } = policy;
  await call('PUT', path, { 'if-match': `"${etag}"` }, { ...fields, [field]: value });
}
