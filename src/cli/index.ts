/** Joins the subcommands, and turns how they end into exit codes: 0 done, 1 failed, 2 usage. */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../app/version.js';
import { SluiceError } from '../core/model/errors.js';
import { attachCommand, detachCommand, disksCommand } from './attach.js';
import { demoCommand } from './demo.js';
import { deviceCommand } from './device.js';
import { experimentCommand } from './experiment.js';
import { loadCommand } from './load.js';
import { policyCommand } from './policy.js';
import { replayCommand } from './replay.js';
import { serveCommand } from './serve.js';
import { topCommand } from './top.js';
import { usageCommand } from './usage.js';

export async function runCli(args: readonly string[]): Promise<number> {
  const program = new Command('sluice')
    .description('share-based I/O scheduling: tagged requests in, each tag its part of the device')
    .version(VERSION)
    // So that a command's own commands get what stands behind them.
    .enablePositionalOptions()
    .addHelpText('after', '\nEach command has its own --help with an example.');
  for (const make of [
    serveCommand,
    loadCommand,
    replayCommand,
    policyCommand,
    deviceCommand,
    usageCommand,
    topCommand,
    attachCommand,
    detachCommand,
    disksCommand,
    demoCommand,
    experimentCommand,
  ]) {
    program.addCommand(make());
  }
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

/** Every command throws instead of exiting, and shows how it is used where an option is wrong. */
function strict(command: Command): void {
  command
    .exitOverride()
    .showHelpAfterError(`(see: ${path(command)} --help)`)
    .configureOutput({
      outputError: (text, write) => write(`sluice: ${text.replace(/^error: /, '')}`),
    });
  for (const inner of command.commands) strict(inner);
}

function path(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}
