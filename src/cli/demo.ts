/** `npm run demo`: why one would want this, in under a minute. */
import { Command } from 'commander';
import { invalid } from '../core/model/errors.js';
import { integer, positive } from './arguments.js';
import { DEVICE, Show } from './demo/show.js';
import { Stage } from './demo/stage.js';
import { note, printResult } from './output.js';

interface DemoOptions {
  seconds: number;
  json?: boolean;
  keep?: boolean;
  hosts: number;
}

/** One for each application. */
const HOSTS_MAX = 5;

export function demoCommand(): Command {
  return new Command('demo')
    .description('five applications on one simulated hard disk, first served as they come, then by their shares')
    .option('--seconds <n>', 'how long the measured scene takes; the others take 0.4 of it', positive, 20)
    .option('--keep', 'leave the service up at the end, until Ctrl-C')
    .option('--hosts <n>', 'front-end processes, 1..5; more than one need redis-server, and one is killed', integer, 1)
    .option('--json', 'print the measured scene, and all scenes, as the last line of stdout')
    .addHelpText('after', '\nExamples:\n  npm run -s demo -- --seconds 10 --json\n  npm run demo -- --hosts 2')
    .action(async (options: DemoOptions) => {
      if (options.hosts < 1 || options.hosts > HOSTS_MAX) {
        throw invalid('--hosts', `1..${String(HOSTS_MAX)}`, options.hosts);
      }
      await runDemo(options);
    });
}

async function runDemo(options: DemoOptions): Promise<void> {
  const say = options.json === true ? note : (text: string) => process.stdout.write(`${text}\n`);
  const stage = await Stage.set(options.hosts);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
  try {
    const show = new Show(stage, say);
    const outcome = await Promise.race([show.run(options.seconds), interrupted]);
    if (outcome === 'interrupted') {
      show.abandon();
      process.exitCode = 130;
      return;
    }
    say(`\n${linesToPaste(stage.hosts[0]!, options.keep === true)}`);
    if (options.keep === true) {
      say('\nThe service stays up. Ctrl-C ends it.');
      await interrupted;
    }
    if (options.json === true) printResult(true, '', outcome);
  } finally {
    await stage.clear();
  }
}

function linesToPaste({ grpc, http }: Stage['hosts'][number], up: boolean): string {
  return `${up ? 'Try, in another terminal' : 'With --keep the service stays up, and these lines work'}:
  curl -s http://${http}/v1/usage?device=${DEVICE}
  curl -s -X PUT -H 'content-type: application/json' -d '{"shares": 20}' http://${http}/v1/devices/${DEVICE}/policies/demo-1
  npx sluice usage --address ${grpc} --device ${DEVICE}
  npx sluice load --address ${grpc} --device ${DEVICE} --seconds 5 --tag acme/db:shares=300 --tag acme/backup:shares=100
  grpcurl -plaintext -d '{"device": "${DEVICE}", "request": {"op": "OP_READ", "length": 4096, "tag": "acme/db"}}' ${grpc} sluice.v1.IoService/Submit`;
}
