import type { Command } from 'commander';
import type { ResumeFlags } from '../resume.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero resume` */
export function addResume(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('resume')
    .description('go on with a run that was stopped, lost or failed')
    .argument('<folder>', 'run folder')
    .option('--set <name=value>', 'an option that may change meanwhile, e.g. worker.count=4; may be repeated', collect)
    .addHelpText(
      'after',
      `
What was finished stays; what was under way goes on from its last checkpoint and from what is on record, to the result
that it would have had anyway. Options that would make it another run are refused: see rzero fork.

Examples:
  rzero resume runs/a
  rzero resume runs/a --set iterations=5 --set worker.count=2
${exitCodes}`,
    )
    .action(async (folder: string, flags: ResumeFlags) => {
      const { resumeCommand } = await import('../resume.ts');
      await resumeCommand(folder, flags, terminal);
    });
}
