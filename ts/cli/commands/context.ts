import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';

/** What the commands are given by the program that they are added to. */
export interface CommandContext {
  terminal: Terminal;
  /** Takes the exit code of a command that does not throw. */
  finish(exitCode: number): void;
  /** The end of a help text. */
  exitCodes: string;
}

/**
 * Adds a command: names, options and help alone. What it does is imported when it is asked for, so that nobody waits
 * for the rest to load: `rzero --help` least of all.
 */
export type AddCommand = (program: Command, context: CommandContext) => void;
