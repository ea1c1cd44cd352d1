/** Joins the subcommands, and turns how they end into exit codes: 0 done, 1 failed, 2 usage. */
import { Command, CommanderError, Option } from 'commander';
import { VERSION } from '../app/version.js';
import { SluiceError } from '../core/model/errors.js';

/** In the order of the help. Each is loaded when it is called: a command pays for no other's libraries. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serveCommand(),
  load: async () => (await import('./load.js')).loadCommand(),
  replay: async () => (await import('./replay.js')).replayCommand(),
  policy: async () => (await import('./policy.js')).policyCommand(),
  device: async () => (await import('./device.js')).deviceCommand(),
  usage: async () => (await import('./usage.js')).usageCommand(),
  top: async () => (await import('./top.js')).topCommand(),
  attach: async () => (await import('./attach.js')).attachCommand(),
  detach: async () => (await import('./attach.js')).detachCommand(),
  disks: async () => (await import('./attach.js')).disksCommand(),
  demo: async () => (await import('./demo.js')).demoCommand(),
  experiment: async () => (await import('./experiment.js')).experimentCommand(),
};

export async function runCli(args: readonly string[]): Promise<number> {
  const program = new Command('sluice')
    .description('share-based I/O scheduling: tagged requests in, each tag its part of the device')
    .version(VERSION)
    // So that a command's own commands get what stands behind them.
    .enablePositionalOptions()
    .addHelpText('after', '\nEach command has its own --help with an example.');
  for (const make of called(args[0])) program.addCommand(await make());
  strict(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const known = SluiceError.from(error);
    process.stderr.write(`sluice: ${known.message} (${known.code})\n`);
    if (known.code === 'INTERNAL' && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return 1;
  }
}

/** The command of that name; where there is none, all, to tell which there are. */
function called(name: string | undefined): (() => Promise<Command>)[] {
  if (name === '--version' || name === '-V') return [];
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]!] : Object.values(COMMANDS);
}

/** Every command throws instead of exiting, and shows how it is used where an option is wrong. The version is the whole program's. */
function strict(command: Command): void {
  command
    .exitOverride()
    .showHelpAfterError(`(see: ${path(command)} --help)`)
    .configureOutput({
      outputError: (text, write) => write(`sluice: ${text.replace(/^error: /, '')}`),
    });
  for (const inner of command.commands) {
    strict(inner);
    inner.addOption(new Option('-V, --version').hideHelp());
    inner.on('option:version', () => inner.error("error: the version is told by 'sluice --version'"));
  }
}

function path(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}
