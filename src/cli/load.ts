/** `sluice load`: made-up load of several tags through a running service. */
import { Command } from 'commander';
import { SluiceError, invalid } from '../core/model/errors.js';
import { SeededRng } from '../core/rng.js';
import { MIB } from '../core/model/units.js';
import { LOAD_OPS, parseLoadSpec } from '../workload/load-spec.js';
import type { LoadSpec } from '../workload/load-spec.js';
import { LoadSource } from '../workload/load-source.js';
import { parseInteger, parseNumber } from '../workload/quantity.js';
import type { Pace } from '../workload/run.js';
import { VerifiedRegion, VerifiedSource } from '../workload/verify.js';
import { addressOption } from './connect.js';
import { note, option, options, printResult } from './output.js';
import { progressBar } from './progress.js';
import { connect, failures, runThroughService } from './service-run.js';
import type { ServiceDevice, ServiceResult, ServiceTag } from './service-run.js';
import { shareTable } from './share-table.js';

interface LoadOptions {
  address: string;
  device: string;
  tag: LoadSpec[];
  seconds: number;
  outstanding?: number;
  keepPolicies?: boolean;
  verify?: boolean;
  seed: number;
  json?: boolean;
}

const OPEN_LOOP_OUTSTANDING_MAX = 4_096;
const OUTSTANDING_MIN = 32;
/** Small enough that what was written is read again within a run. */
const VERIFIED_REGION_BYTES = 16 * MIB;
const REGION_GRAIN_BYTES = 65_536;

export function loadCommand(): Command {
  return new Command('load')
    .description('load a device through the service, several tags at once')
    .requiredOption('--device <name>', 'device of the service')
    .requiredOption('--tag <spec>', 'TAG[:key=value,…], repeatable; keys below', options(parseLoadSpec))
    .addOption(addressOption())
    .option(
      '--seconds <s>',
      'for how long',
      option((text) => parseNumber(text, 0.01, 1e7, '--seconds')),
      10,
    )
    .option(
      '--outstanding <n>',
      'of each tag that does not say (default: twice the depth of the device)',
      option((text) => parseInteger(text, 1, 65_536, '--outstanding')),
    )
    .option('--keep-policies', 'leave the shares as they are set; without it each tag is given its own')
    .option('--verify', 'write patterns, each tag in a region of its own, and check what is read')
    .option(
      '--seed <n>',
      'of places and arrivals',
      option((text) => parseInteger(text, 0, 2 ** 32 - 1, '--seed')),
      1,
    )
    .option('--json', 'the result as one object, the last line of stdout')
    .addHelpText(
      'after',
      '\nKeys of --tag:\n' +
        '  shares=N        1..10000, default 100\n' +
        `  op=OP           ${LOAD_OPS.join(', ')}; default randread\n` +
        '  reads=PERCENT   of rw and randrw, default 50\n' +
        '  size=BYTES      such as 4k (default), 64k, 1m\n' +
        '  outstanding=N   closed loop: requests kept outstanding\n' +
        '  think=TIME      closed loop: wait between a reply and the next request, such as 5ms\n' +
        '  rate=N          open loop: requests a second, at random times\n' +
        '  requests=N      stop after so many\n' +
        '  region=A+B      only bytes A to A+B of the device, such as 1g+256m\n' +
        '\nExample:\n' +
        '  sluice load --device disk0 --seconds 20 --tag acme/db:shares=300,op=randrw,size=8k --tag acme/backup:op=read,size=64k',
    )
    .action(load);
}

async function load(given: LoadOptions): Promise<void> {
  const { device, seconds, tag: specs } = given;
  const twice = specs.find(({ tag }, i) => specs.findIndex((other) => other.tag === tag) < i);
  if (twice !== undefined)
    throw new SluiceError('INVALID_ARGUMENT', `--tag ${twice.tag} is given twice`, { field: '--tag' });
  const client = await connect(given.address);
  let result: ServiceResult;
  try {
    const served = await client.devices.get(device);
    if (given.keepPolicies !== true)
      await client.policies.apply(specs.map(({ tag, shares }) => ({ device, tag, shares })));
    const outstanding = given.outstanding ?? Math.max(OUTSTANDING_MIN, 2 * served.settings.depth);
    const tags = loadTags(given, served, outstanding);
    const bar = progressBar('loading', seconds, 's');
    try {
      result = await runThroughService(client, device, tags, { seconds, untilCost: 0 }, (completed, passed) =>
        bar.update(passed, `${String(completed)} replies`),
      );
    } finally {
      bar.stop();
    }
  } finally {
    await client.close();
  }
  result.counts.forEach(({ late }, i) => {
    if (late > 0)
      note(
        `${specs[i]!.tag}: ${String(late)} requests went out late: ${String(OPEN_LOOP_OUTSTANDING_MAX)} were outstanding`,
      );
  });
  printResult(given.json === true, shareTable(result.report), result.report);
  const lines = failures(result);
  for (const line of lines) note(`sluice: ${line}`);
  if (lines.length > 0) process.exitCode = 1;
}

function loadTags(given: LoadOptions, device: ServiceDevice, outstanding: number): ServiceTag[] {
  const rng = new SeededRng(given.seed);
  const specs = given.verify === true ? ownRegions(given.tag, device) : given.tag;
  return specs.map((spec, i): ServiceTag => {
    const pace: Pace =
      spec.ratePerS > 0
        ? { kind: 'open', outstandingMax: OPEN_LOOP_OUTSTANDING_MAX }
        : { kind: 'closed', outstanding: spec.outstanding > 0 ? spec.outstanding : outstanding, thinkNs: spec.thinkNs };
    const region =
      given.verify === true
        ? new VerifiedRegion(
            rng.fork(`owner ${spec.tag}`).below(2 ** 32) ^ i,
            spec.regionOffset,
            spec.regionBytes,
            device.blockBytes,
          )
        : null;
    return {
      tag: spec.tag,
      makeSource: (of) => {
        const source = new LoadSource(spec, of, rng.fork(`load ${spec.tag}`));
        return region === null ? source : new VerifiedSource(source, region);
      },
      pace,
      requestsMax: spec.requests,
      region,
    };
  });
}

/**
 * Each tag in a region that no other touches: its own where it names one, else an even part of the device.
 * @throws SluiceError INVALID_ARGUMENT where regions overlap or are too small, or a tag trims
 */
function ownRegions(specs: readonly LoadSpec[], device: ServiceDevice): LoadSpec[] {
  const part = Math.floor(device.sizeBytes / specs.length / REGION_GRAIN_BYTES) * REGION_GRAIN_BYTES;
  const placed = specs.map((spec, i) => {
    if (spec.op === 'trim') {
      throw invalid(
        `--tag ${spec.tag}: op`,
        'read, write, a mix or flush with --verify (a trimmed range may read as anything)',
        spec.op,
      );
    }
    if (spec.regionBytes > 0) return spec;
    const regionBytes = Math.min(part, Math.max(VERIFIED_REGION_BYTES, spec.sizeBytes));
    return { ...spec, regionOffset: i * part, regionBytes };
  });
  for (const one of placed) {
    for (const other of placed) {
      if (one.tag >= other.tag) continue;
      const apart =
        one.regionOffset + one.regionBytes <= other.regionOffset ||
        other.regionOffset + other.regionBytes <= one.regionOffset;
      if (!apart) {
        throw new SluiceError(
          'INVALID_ARGUMENT',
          `--verify needs regions apart: those of ${one.tag} and ${other.tag} overlap`,
          {
            field: '--verify',
          },
        );
      }
    }
  }
  return placed;
}
