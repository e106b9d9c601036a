import type { Command } from 'commander';
import type { ServeFlags } from '../serve.ts';
import type { CommandContext } from './context.ts';
import { addPrice } from './price.ts';

/** `rzero serve` */
export function addServe(program: Command, { terminal, exitCodes }: CommandContext): void {
  const command = program
    .command('serve')
    .description('show the report of a run in a browser, live while the run goes on')
    .argument('<folder>', 'run folder')
    .option(
      '--host <address>',
      'where to listen; any other address than this machine shows the run to others',
      '127.0.0.1',
    )
    .option('--port <number>', '0 for any that is free', '8300');
  addPrice(command)
    .addHelpText(
      'after',
      `
It writes nothing, answers nothing but this page, and ends with Ctrl-C. Samples are read from disk when a question is opened.

Examples:
  rzero serve runs/a
  rzero serve runs/a --port 0
${exitCodes}`,
    )
    .action(async (folder: string, flags: ServeFlags) => {
      const { serveCommand } = await import('../serve.ts');
      await serveCommand(folder, flags, terminal);
    });
}
