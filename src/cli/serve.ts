/** `sluice serve`: the service, until it is told to stop. */
import { Command } from 'commander';
import { loadConfig } from '../app/config.js';
import { Service, writeReadyFile, type Listening } from '../app/service.js';
import { Workers, asWorker, type WorkerEnd } from '../app/workers.js';
import { makeLogger } from '../telemetry/logger.js';
import { integer } from './arguments.js';

interface ServeOptions {
  config?: string;
  store?: string;
  storePasswordFile?: string;
  dataDir?: string;
  workers?: number;
  grpc?: string;
  http?: string;
  nbd?: string;
  insecure?: boolean;
  readyFile?: string;
  logLevel?: string;
  graceMs?: number;
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('serve tagged I/O over gRPC and NBD, and the control plane over gRPC and HTTP')
    .option('--config <file>', 'configuration, YAML (default: the file named by SLUICE_CONFIG, if any)')
    .option('--store <store>', 'memory (default) or redis://HOST:PORT, also rediss, redis+unix, +sentinel, +cluster')
    .option('--store-password-file <file>', 'password of the Redis store; user and the rest are in --store')
    .option('--data-dir <folder>', 'keep usage, policies and devices here over restarts (default: in memory alone)')
    .option('--workers <n>', 'processes that share the ports; more than one needs a Redis store', integer)
    .option('--grpc <address>', 'HOST:PORT of the gRPC door; port 0 = any free one (default 127.0.0.1:50051)')
    .option('--http <address>', 'HOST:PORT of the HTTP door; port 0 = any free one (default 127.0.0.1:8080)')
    .option('--nbd <address>', 'HOST:PORT or unix:/path of the NBD door; port 0 = any free one (default: no NBD)')
    .option('--insecure', 'serve addresses other than loopback without authentication')
    .option('--ready-file <file>', 'write the addresses to this file, as JSON, once everything listens')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default info)')
    .option('--grace-ms <ms>', 'longest that a stop waits for what is in flight (default 10000)', integer)
    .addHelpText('after', '\nExample:\n  sluice serve --config deploy/sluice.yaml --ready-file /tmp/sluice.json')
    .action(async (options: ServeOptions) => {
      const config = loadConfig({
        file: options.config ?? process.env['SLUICE_CONFIG'],
        environment: process.env,
        flags: {
          store: options.store,
          store_password_file: options.storePasswordFile,
          data_dir: options.dataDir,
          workers: options.workers,
          'listen.grpc': options.grpc,
          'listen.http': options.http,
          'listen.nbd': options.nbd,
          'listen.insecure': options.insecure,
          log_level: options.logLevel,
          grace_ms: options.graceMs,
        },
      });
      const logger = makeLogger(config.logLevel);
      const told = asWorker();
      if (config.workers > 1 && told === null) {
        await serveByWorkers(new Workers(config.workers, logger), options.readyFile);
        return;
      }
      const service = new Service(config, logger);
      const stopped = told === null ? stopOnSignal(service) : stopWhenTold(service, told);
      const listening = await service.start().catch((error: unknown) => {
        told?.failed();
        throw error;
      });
      if (told === null) announce(listening, options.readyFile);
      else told.serving(listening);
      const hung = await stopped;
      // A system call that never returns would hold the process: all that can be answered is answered.
      // A worker's channel to its parent would hold it as well.
      if (hung.length > 0 || told !== null) process.exit(0);
    });
}

function announce(listening: Listening, readyFile: string | undefined): void {
  process.stdout.write(`gRPC ${listening.grpc}\nHTTP http://${listening.http}\n`);
  if (listening.nbd !== undefined) process.stdout.write(`NBD ${listening.nbd}\n`);
  if (readyFile !== undefined) writeReadyFile(readyFile, listening);
}

/** The parent of workers: the first signal drains them all, a second ends them at once. */
async function serveByWorkers(workers: Workers, readyFile: string | undefined): Promise<void> {
  let signals = 0;
  const stopped = new Promise<void>((resolve, reject) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      signals += 1;
      if (signals > 1) {
        process.stderr.write(`sluice: second ${signal}: ended at once\n`);
        workers.kill();
        process.exit(1);
      }
      workers.stop().then(resolve, reject);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  try {
    announce(await workers.start(), readyFile);
  } catch {
    // The worker has said what is wrong.
    process.exit(1);
  }
  await stopped;
  process.exit(0);
}

/** A worker drains when its parent says so, or on SIGTERM of its own; Ctrl-C at a terminal reaches both, and is the parent's. */
function stopWhenTold(service: Service, told: WorkerEnd): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      service.stop().then(resolve, reject);
    };
    told.onDrain(stop);
    process.once('SIGTERM', stop);
    process.on('SIGINT', () => undefined);
  });
}

/** The first signal drains; a second ends at once. Resolves when the service has stopped. */
function stopOnSignal(service: Service): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals): void => {
      signals += 1;
      if (signals > 1) {
        process.stderr.write(`sluice: second ${signal}: ended at once\n`);
        process.exit(1);
      }
      service.stop().then(resolve, reject);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
