import type { Argument, Command, Option } from 'commander';
import { fishScript } from '../completion/fish.ts';
import { bashScript, zshScript } from '../completion/posix.ts';
import type { CommandTree, Wanted } from '../completion/tree.ts';
import { PRESETS } from '../config/presets.ts';
import { ARMS } from '../domain/settings.ts';
import { GPU_NAMES } from '../placement/gpu.ts';
import type { Terminal } from './terminal.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
export type Shell = keyof typeof SCRIPTS;

/** Options of any command whose values are names. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  '--preset': Object.keys(PRESETS),
  '--arm': ARMS,
  '--gpu': GPU_NAMES,
};

/**
 * `rzero completion`: a script that teaches a shell the commands, their options, presets, arms and run folders. All of it
 * is in the script, so that nobody waits for a program to start when they press Tab.
 */
export function completionCommand(shell: Shell, program: Command, terminal: Terminal): void {
  terminal.out(SCRIPTS[shell](treeOf(program)));
}

function treeOf(command: Command): CommandTree {
  const help = command.createHelp();
  const [operand] = command.registeredArguments;
  return {
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).flatMap((option) => {
      const { long, description } = option;
      return long == null ? [] : [{ name: long, description, value: valuesOf(option, long) }];
    }),
    operand: operand === undefined ? undefined : operandOf(operand),
    commands: command.commands.map(treeOf),
  };
}

function valuesOf({ flags, required, optional }: Option, long: string): Wanted | undefined {
  if (!required && !optional) return undefined;
  return NAMES[long] ?? (/<[^>]*folder/.test(flags) ? 'folder' : /<[^>]*file/.test(flags) ? 'file' : 'anything');
}

function operandOf(argument: Argument): Wanted {
  const name = argument.name();
  if (argument.argChoices !== undefined) return argument.argChoices;
  if (/\brun folder\b/.test(argument.description)) return 'run';
  return name === 'folder' || name === 'model' ? 'folder' : name === 'file' ? 'file' : 'anything';
}
