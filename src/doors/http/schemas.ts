/**
 * The bodies, as the JSON mapping of the proto: lowerCamelCase, 64-bit integers as decimal strings
 * (taken as numbers too), enums by name, bytes never. What values are allowed is the use cases' to
 * say; here is what shape.
 */
import { z } from 'zod';

const DECIMAL = /^\d{1,16}$/;

/** 64-bit, on its way out. */
const uint64 = z.string().regex(DECIMAL).meta({ format: 'uint64', example: '1048576' });
/** 64-bit, on its way in. */
const uint64In = z
  .union([z.number(), z.string().regex(DECIMAL, 'a whole number in decimal digits').transform(Number)])
  .meta({ type: ['integer', 'string'], format: 'uint64' });
const uint32 = z.number().int().min(0);

const policyFields = {
  shares: z.number().optional().meta({ description: 'Weight among siblings, 1..10000; 100 where no policy says.' }),
  selfShares: z.number().optional().meta({ description: 'Weight of requests with this very tag, 1..10000.' }),
  reservationPerS: z.number().optional().meta({ description: 'Not enforced yet: refused.' }),
  limitPerS: z.number().optional().meta({ description: 'Not enforced yet: refused.' }),
  burst: z.number().optional().meta({ description: 'Not enforced yet: refused.' }),
};

export const Policy = z
  .strictObject({
    device: z.string().meta({ description: 'A name, or * for all devices.' }),
    tag: z.string(),
    ...policyFields,
    etag: z.string(),
  })
  .meta({ id: 'Policy' });

export const PolicyIn = z
  .strictObject({
    device: z.string().optional().meta({ description: 'As in the path, where given.' }),
    tag: z.string().optional().meta({ description: 'As in the path, where given.' }),
    ...policyFields,
    etag: z.string().optional().meta({ description: 'As If-Match.' }),
  })
  .meta({ id: 'PolicyInput' });

export const PolicyList = z
  .strictObject({ policies: z.array(Policy), nextPageToken: z.string(), revision: uint64 })
  .meta({ id: 'ListPoliciesResponse' });

export const Apply = z
  .strictObject({
    policies: z
      .array(z.strictObject({ device: z.string(), tag: z.string(), ...policyFields, etag: z.string().optional() }))
      .optional(),
    prune: z.boolean().optional(),
    pruneDevice: z.string().optional(),
    prunePrefix: z.string().optional(),
    dryRun: z.boolean().optional(),
    requestId: z.string().optional(),
  })
  .meta({ id: 'ApplyPoliciesRequest' });

const PolicyChange = z
  .strictObject({
    kind: z.enum(['CHANGE_KIND_CREATED', 'CHANGE_KIND_UPDATED', 'CHANGE_KIND_DELETED']),
    before: Policy.optional(),
    after: Policy.optional(),
    revision: uint64,
  })
  .meta({ id: 'PolicyChange' });

export const Applied = z
  .strictObject({ changes: z.array(PolicyChange), unchanged: uint32, revision: uint64 })
  .meta({ id: 'ApplyPoliciesResponse' });

export const Deleted = z.strictObject({ revision: uint64 }).meta({ id: 'DeletePolicyResponse' });

const fair = { credit: z.number(), idleResetMs: z.number() };
const stride = { globalShares: z.number(), sleepMs: z.number(), threshold: z.number(), sleepRule: z.string() };
const settings = {
  scheduler: z.string(),
  depth: z.number(),
  costModel: z.string(),
  costUnitBytes: z.number(),
  ioTimeoutMs: z.number(),
  leaseMs: z.number(),
  unknownTags: z.string(),
  maxQueuedRequests: z.number(),
};

const DeviceSettings = z
  .strictObject({
    ...settings,
    maxQueuedBytes: uint64,
    readCacheBytes: uint64,
    fair: z.strictObject(fair),
    stride: z.strictObject(stride),
  })
  .meta({ id: 'DeviceSettings' });

const DeviceSettingsIn = z
  .strictObject({
    ...settings,
    maxQueuedBytes: uint64In,
    readCacheBytes: uint64In,
    fair: z.strictObject(fair).partial(),
    stride: z.strictObject(stride).partial(),
  })
  .partial()
  .meta({ id: 'DeviceSettingsInput' });

const Simulation = z
  .strictObject({
    kind: z.string(),
    sizeBytes: uint64,
    blockBytes: uint32,
    seed: uint64,
    memoryBytesMax: uint64,
  })
  .meta({ id: 'Simulation' });

const SimulationIn = z
  .strictObject({
    kind: z.string(),
    sizeBytes: uint64In.optional(),
    blockBytes: z.number().optional(),
    seed: uint64In.optional(),
    memoryBytesMax: uint64In.optional(),
  })
  .meta({ id: 'SimulationInput' });

export const Device = z
  .strictObject({
    name: z.string(),
    binding: z.string().meta({ description: 'Empty for a simulation.' }),
    simulation: Simulation.optional(),
    sizeBytes: uint64,
    blockBytes: uint32,
    readOnly: z.boolean(),
    settings: DeviceSettings,
    state: z.enum([
      'DEVICE_STATE_READY',
      'DEVICE_STATE_SUSPECT',
      'DEVICE_STATE_DRAINING',
      'DEVICE_STATE_DRAINED',
      'DEVICE_STATE_UNAVAILABLE',
    ]),
    stateMessage: z.string(),
    etag: z.string(),
    queued: uint32,
    outstanding: uint32,
  })
  .meta({ id: 'Device' });

export const DeviceIn = z
  .strictObject({
    name: z.string().optional().meta({ description: 'As in the path, where given.' }),
    binding: z.string().optional(),
    simulation: SimulationIn.optional(),
    settings: DeviceSettingsIn.optional(),
    etag: z.string().optional().meta({ description: 'As If-Match.' }),
  })
  .meta({ id: 'DeviceInput' });

export const DeviceList = z
  .strictObject({ devices: z.array(Device), nextPageToken: z.string() })
  .meta({ id: 'ListDevicesResponse' });

const OpUsage = z
  .strictObject({
    op: z.enum(['OP_READ', 'OP_WRITE', 'OP_FLUSH', 'OP_TRIM', 'OP_WRITE_ZEROES']),
    count: uint64,
    errors: uint64,
    bytes: uint64,
    cost: z.number(),
    cacheHits: uint64,
    queueUsSum: z.number(),
    serviceUsSum: z.number(),
  })
  .meta({ id: 'OpUsage' });

const UsageRow = z
  .strictObject({
    device: z.string(),
    tag: z.string(),
    startMs: uint64,
    endMs: uint64,
    ops: z.array(OpUsage),
    queueUs: z.array(z.number()),
    serviceUs: z.array(z.number()),
  })
  .meta({ id: 'UsageRow' });

export const UsageRows = z.strictObject({ rows: z.array(UsageRow) }).meta({ id: 'QueryUsageResponse' });

const TagSummary = z
  .strictObject({ device: z.string(), tag: z.string(), lastSeenMs: uint64 })
  .meta({ id: 'TagSummary' });

export const TagList = z
  .strictObject({ tags: z.array(TagSummary), nextPageToken: z.string() })
  .meta({ id: 'ListTagsResponse' });

export const Readiness = z.strictObject({ ready: z.boolean(), reasons: z.array(z.string()) }).meta({ id: 'Readiness' });

export const Service = z
  .strictObject({
    hostId: z.string(),
    version: z.string(),
    state: z.string(),
    store: z.string(),
    readOnly: z.boolean().meta({ description: 'Whether changes over HTTP are refused.' }),
    hosts: z.array(
      z.strictObject({
        id: z.string(),
        mode: z.string().meta({ description: 'embedded, or how the host stands with the store that it shares.' }),
        self: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'Service' });

export const Empty = z.strictObject({}).meta({ id: 'Empty' });

export const Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().meta({ description: 'One of the closed list of error codes.' }),
    field: z.string().optional().meta({ description: 'The field, parameter or header at fault.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

const text = (description: string): z.ZodOptional<z.ZodString> => z.string().optional().meta({ description });
const whole = (description: string): z.ZodOptional<z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>> =>
  z
    .string()
    .regex(DECIMAL, 'a whole number in decimal digits')
    .transform(Number)
    .optional()
    .meta({ type: 'integer', minimum: 0, description });

export const paging = {
  pageSize: whole('1..1000; 0 = 100'),
  pageToken: text('nextPageToken of the page before'),
};

export const filter = {
  device: text('A device; empty: all. * (or -) is the default for all devices, where policies are listed.'),
  tagPrefix: text('This tag and those below it; empty: all'),
};

export const grouping = {
  ...filter,
  groupLevel: whole('Sum over tags with the same first N segments; 0: each tag apart'),
  apart: text('Comma-separated, at most 64: tags as grouped that have a row of their own, all others are `_other`'),
  orderBy: text('tag, cost, bytes or ops; the last three largest first'),
  topN: whole('Only the first N tags of each step; 0: all'),
  quantiles: text('Comma-separated, each in (0,1), at most 16: which percentiles of queue and service time to give'),
};

export const range = {
  fromMs: whole('[fromMs, toMs) in milliseconds since 1970; both 0: everything counted'),
  toMs: whole('See fromMs'),
  stepMs: whole('1000, 60000 or 3600000: a row a step; 0: one row for the range'),
};

export const intervalMs = whole('A multiple of 1000; 0 = 1000');
