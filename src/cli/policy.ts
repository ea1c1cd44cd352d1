/** `sluice policy …`: who is owed how much. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { Policy, PolicyChange, PolicyInput, SluiceClient } from '../client/index.js';
import { SluiceError, show } from '../core/model/errors.js';
import { integer } from './arguments.js';
import { addressOption, withClient } from './connect.js';
import { printResult } from './output.js';
import { renderTable } from './table.js';

interface Common {
  address: string;
  json?: boolean;
}

const jsonOption = (): Option => new Option('--json', 'print the result as one JSON line');
const etagOption = (): Option =>
  new Option('--etag <etag>', 'only over this version; "*" only where nothing is set yet').default(
    '',
    'whatever is there',
  );

export function policyCommand(): Command {
  const policy = new Command('policy')
    .description('who is owed how much: policies by device and tag')
    .addHelpText('after', '\nExample:\n  sluice policy set disk0 acme/db --shares 500');
  for (const make of [getCommand, setCommand, deleteCommand, applyCommand, exportCommand, watchCommand]) {
    policy.addCommand(make());
  }
  return policy;
}

function getCommand(): Command {
  return new Command('get')
    .description('one policy, or all of a device')
    .argument('<device>', 'a device, or "*" for the default of all')
    .argument('[tag]')
    .option('--effective', 'what is in force after defaults (with a tag)')
    .addOption(addressOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  sluice policy get disk0 acme/db --effective')
    .action(async (device: string, tag: string | undefined, options: Common & { effective?: boolean }) => {
      await withClient(options.address, async (client) => {
        if (tag === undefined) {
          const found = await all(client.policies.list({ device }));
          printResult(options.json === true, policyTable(found), { policies: found });
          return;
        }
        const found = await client.policies.get(device, tag, { effective: options.effective === true });
        printResult(options.json === true, policyTable([found]), found);
      });
    });
}

interface SetOptions extends Common {
  shares?: number;
  selfShares?: number;
  reservation?: number;
  limit?: number;
  burst?: number;
  etag: string;
}

function setCommand(): Command {
  return new Command('set')
    .description('replace a policy')
    .argument('<device>', 'a device, or "*" for the default of all')
    .argument('<tag>')
    .option('--shares <n>', 'weight among siblings, 1..10000', integer)
    .option('--self-shares <n>', 'weight of requests with this very tag among its children, 1..10000', integer)
    .option('--reservation <n>', 'floor in cost units a second (not enforced yet: refused)', Number)
    .option('--limit <n>', 'ceiling in cost units a second (not enforced yet: refused)', Number)
    .option('--burst <n>', 'burst of the ceiling (not enforced yet: refused)', Number)
    .addOption(etagOption())
    .addOption(addressOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  sluice policy set disk0 acme/db --shares 500')
    .action(async (device: string, tag: string, options: SetOptions) => {
      const fields = {
        ...(options.shares !== undefined && { shares: options.shares }),
        ...(options.selfShares !== undefined && { selfShares: options.selfShares }),
        ...(options.reservation !== undefined && { reservationPerS: options.reservation }),
        ...(options.limit !== undefined && { limitPerS: options.limit }),
        ...(options.burst !== undefined && { burst: options.burst }),
      };
      await withClient(options.address, async (client) => {
        const set = await client.policies.put({ device, tag, etag: options.etag, ...fields });
        printResult(options.json === true, policyTable([set]), set);
      });
    });
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('remove a policy: the default of the device, or of "*", holds again')
    .argument('<device>')
    .argument('<tag>')
    .addOption(etagOption())
    .addOption(addressOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  sluice policy delete disk0 acme/db')
    .action(async (device: string, tag: string, options: Common & { etag: string }) => {
      await withClient(options.address, async (client) => {
        const revision = await client.policies.delete(device, tag, options.etag);
        printResult(options.json === true, `deleted, revision ${String(revision)}`, { revision });
      });
    });
}

interface ApplyOptions extends Common {
  file: string;
  prune?: boolean;
  pruneDevice?: string;
  prunePrefix?: string;
  dryRun?: boolean;
}

function applyCommand(): Command {
  return new Command('apply')
    .description('make the policies of a file hold, all or none of them')
    .requiredOption(
      '-f, --file <file>',
      'YAML or JSON: {policies: [{device, tag, shares, self_shares}]}; "-" = standard input',
    )
    .option('--prune', 'delete what the file does not have')
    .option('--prune-device <device>', 'prune only on this device')
    .option('--prune-prefix <tag>', 'prune only this tag and those below it')
    .option('--dry-run', 'show what would change, change nothing')
    .addOption(addressOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  sluice policy export > policies.yaml\n  sluice policy apply -f policies.yaml --dry-run',
    )
    .action(async (options: ApplyOptions) => {
      const policies = readPolicies(options.file);
      await withClient(options.address, async (client) => {
        const result = await client.policies.apply(policies, {
          prune: options.prune === true,
          dryRun: options.dryRun === true,
          ...(options.pruneDevice !== undefined && { pruneDevice: options.pruneDevice }),
          ...(options.prunePrefix !== undefined && { prunePrefix: options.prunePrefix }),
        });
        const lines = result.changes.map(changeLine);
        const verb = options.dryRun === true ? 'would change' : 'changed';
        lines.push(`${String(result.changes.length)} ${verb}, ${String(result.unchanged)} as they were`);
        printResult(options.json === true, lines.join('\n'), result);
      });
    });
}

function exportCommand(): Command {
  return new Command('export')
    .description('all policies in the form that apply reads')
    .option('--device <device>', 'only of this device')
    .option('--prefix <tag>', 'only this tag and those below it')
    .addOption(addressOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  sluice policy export --device disk0 > policies.yaml')
    .action(async (options: Common & { device?: string; prefix?: string }) => {
      await withClient(options.address, async (client) => {
        const found = await all(
          client.policies.list({
            ...(options.device !== undefined && { device: options.device }),
            ...(options.prefix !== undefined && { tagPrefix: options.prefix }),
          }),
        );
        const rows = found.map(toFile);
        const text = ['policies:', ...rows.map((row) => `  - ${JSON.stringify(row)}`)].join('\n');
        printResult(options.json === true, rows.length === 0 ? 'policies: []' : text, { policies: rows });
      });
    });
}

function watchCommand(): Command {
  return new Command('watch')
    .description('what is set, then changes as they happen, until Ctrl-C')
    .option('--device <device>', 'only of this device')
    .option('--resume <revision>', 'only what came after this revision', integer)
    .addOption(addressOption())
    .addOption(new Option('--json', 'a JSON line an event'))
    .addHelpText('after', '\nExample:\n  sluice policy watch --device disk0')
    .action(async (options: Common & { device?: string; resume?: number }) => {
      await withClient(options.address, (client) => watch(client, options));
    });
}

async function watch(client: SluiceClient, options: Common & { device?: string; resume?: number }): Promise<void> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  try {
    const events = client.policies.watch({
      signal: end.signal,
      ...(options.device !== undefined && { device: options.device }),
      ...(options.resume !== undefined && { resumeRevision: options.resume }),
    });
    for await (const event of events) {
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify(event)}\n`);
        continue;
      }
      if (event.kind === 'snapshot') process.stdout.write(`  ${policyLine(event.policy)}\n`);
      else if (event.kind === 'snapshot-done') process.stdout.write(`-- as of revision ${String(event.revision)}\n`);
      else if (event.kind === 'change') process.stdout.write(`${changeLine(event.change)}\n`);
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  }
}

const fileSchema = z.strictObject({
  policies: z.array(
    z.strictObject({
      device: z.string(),
      tag: z.string(),
      shares: z.number().optional(),
      self_shares: z.number().optional(),
      reservation_per_s: z.number().optional(),
      limit_per_s: z.number().optional(),
      burst: z.number().optional(),
      etag: z.string().optional(),
    }),
  ),
});

/** @throws SluiceError NOT_FOUND (the file), INVALID_ARGUMENT naming the key */
function readPolicies(file: string): PolicyInput[] {
  let value: unknown;
  try {
    value = parseYaml(readFileSync(file === '-' ? 0 : file, 'utf8')) as unknown;
  } catch (error) {
    throw new SluiceError('NOT_FOUND', `policies cannot be read from ${file}: ${(error as Error).message}`);
  }
  const parsed = fileSchema.safeParse(value, { reportInput: true });
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const at = issue.path.map(String).join('.') || '(top)';
    const got = issue.code === 'unrecognized_keys' ? '' : `, got ${show(JSON.stringify(issue.input ?? null))}`;
    throw new SluiceError('INVALID_ARGUMENT', `${file}: ${at}: ${issue.message}${got}`);
  }
  return parsed.data.policies.map((row) => ({
    device: row.device,
    tag: row.tag,
    ...(row.shares !== undefined && { shares: row.shares }),
    ...(row.self_shares !== undefined && { selfShares: row.self_shares }),
    ...(row.reservation_per_s !== undefined && { reservationPerS: row.reservation_per_s }),
    ...(row.limit_per_s !== undefined && { limitPerS: row.limit_per_s }),
    ...(row.burst !== undefined && { burst: row.burst }),
    ...(row.etag !== undefined && { etag: row.etag }),
  }));
}

function toFile(policy: Policy): Record<string, unknown> {
  return {
    device: policy.device,
    tag: policy.tag,
    ...(policy.shares !== undefined && { shares: policy.shares }),
    ...(policy.selfShares !== undefined && { self_shares: policy.selfShares }),
  };
}

function policyTable(policies: readonly Policy[]): string {
  if (policies.length === 0) return 'no policies';
  return renderTable(
    [
      { head: 'device', align: 'left' },
      { head: 'tag', align: 'left' },
      { head: 'shares' },
      { head: 'self shares' },
      { head: 'etag', align: 'left' },
    ],
    policies.map(({ device, tag, shares, selfShares, etag }) => [device, tag, shares ?? '-', selfShares ?? '-', etag]),
  );
}

function policyLine(policy: Policy): string {
  const self = policy.selfShares === undefined ? '' : `, self shares ${String(policy.selfShares)}`;
  return `${policy.device} ${policy.tag}: shares ${String(policy.shares ?? 'default')}${self}`;
}

function changeLine({ kind, before, after }: PolicyChange): string {
  switch (kind) {
    case 'created':
      return `+ ${policyLine(after!)}`;
    case 'deleted':
      return `- ${policyLine(before!)}`;
    case 'updated':
      return `~ ${policyLine(after!)} (was ${String(before?.shares ?? 'default')})`;
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
