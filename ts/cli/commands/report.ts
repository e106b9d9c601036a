import type { Command } from 'commander';
import type { ReportFlags } from '../report.ts';
import type { CommandContext } from './context.ts';
import { addPrice } from './price.ts';

/** `rzero report` */
export function addReport(program: Command, { terminal, exitCodes }: CommandContext): void {
  const command = program
    .command('report')
    .description('write a run as one HTML file: curves, scores, cost, and every question that was asked')
    .argument('<folder>', 'run folder')
    .option('--out <file>', 'where it goes (default: report.html in the run folder)')
    .option('--samples <which>', "samples' texts: all, none, or where they take at most so many MiB compressed", '64');
  addPrice(command)
    .addHelpText(
      'after',
      `
The file needs no network and holds all it shows. A run that is going on, or failed, has a report of what is on record.

Examples:
  rzero report runs/a
  rzero report runs/a --out a.html --samples none
  rzero report runs/a --price 2.5 --currency €
${exitCodes}`,
    )
    .action(async (folder: string, flags: ReportFlags) => {
      const { reportCommand } = await import('../report.ts');
      await reportCommand(folder, flags, terminal);
    });
}
