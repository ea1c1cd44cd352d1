/** `npm run demo`: why one would want this, in under a minute. */
import { Command } from 'commander';
import { SluiceClient } from '../client/index.js';
import { SluiceError } from '../core/model/errors.js';
import { integer, positive } from './arguments.js';
import { ServiceProcess } from './demo/service-process.js';
import { CONFIG, DEVICE, Show } from './demo/show.js';
import { note, printResult } from './output.js';

interface DemoOptions {
  seconds: number;
  json?: boolean;
  keep?: boolean;
  hosts: number;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('five applications on one simulated hard disk, first served as they come, then by their shares')
    .option('--seconds <n>', 'how long the measured scene takes; the others take 0.4 of it', positive, 20)
    .option('--keep', 'leave the service up at the end, until Ctrl-C')
    .option('--hosts <n>', 'front-end processes; one', integer, 1)
    .option('--json', 'print the measured scene, and all scenes, as the last line of stdout')
    .addHelpText('after', '\nExample:\n  npm run -s demo -- --seconds 10 --json')
    .action(async (options: DemoOptions) => {
      if (options.hosts !== 1) {
        throw new SluiceError(
          'UNSUPPORTED',
          `--hosts must be 1 for now, got ${String(options.hosts)}: docs/coordination.md says how to run several hosts`,
        );
      }
      await runDemo(options);
    });
}

async function runDemo(options: DemoOptions): Promise<void> {
  const say = options.json === true ? note : (text: string) => process.stdout.write(`${text}\n`);
  const service = await ServiceProcess.start(CONFIG);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
  let client: SluiceClient | null = null;
  try {
    client = await SluiceClient.connect(service.grpc);
    const show = new Show(client, say);
    const outcome = await Promise.race([show.run(options.seconds), interrupted]);
    if (outcome === 'interrupted') {
      show.abandon();
      process.exitCode = 130;
      return;
    }
    say(`\n${linesToPaste(service, options.keep === true)}`);
    if (options.keep === true) {
      say('\nThe service stays up. Ctrl-C ends it.');
      await interrupted;
    }
    if (options.json === true) printResult(true, '', outcome);
  } finally {
    client?.destroy();
    await service.stop();
  }
}

function linesToPaste(service: ServiceProcess, up: boolean): string {
  const { grpc, http } = service;
  return `${up ? 'Try, in another terminal' : 'With --keep the service stays up, and these lines work'}:
  curl -s http://${http}/v1/usage?device=${DEVICE}
  curl -s -X PUT -H 'content-type: application/json' -d '{"shares": 20}' http://${http}/v1/devices/${DEVICE}/policies/demo-1
  npx sluice usage --address ${grpc} --device ${DEVICE}
  npx sluice load --address ${grpc} --device ${DEVICE} --seconds 5 --tag acme/db:shares=300 --tag acme/backup:shares=100
  grpcurl -plaintext -d '{"device": "${DEVICE}", "request": {"op": "OP_READ", "length": 4096, "tag": "acme/db"}}' ${grpc} sluice.v1.IoService/Submit`;
}
