import type { Command } from 'commander';
import type { CompareFlags } from '../compare.ts';
import type { CommandContext } from './context.ts';

/** `rzero compare` */
export function addCompare(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('compare')
    .description("a run beside the paper's rows of its backbone, or two models on the same items, with a p-value")
    .argument('<one>', 'run folder, or evaluation folder of `rzero eval`')
    .argument('[other]', 'another; what is compared is the last Solver of a run, or its --iteration')
    .option('--iteration <k>', 'of both runs; 0 is the base')
    .option('--judged', "by the judge's verdicts, where both were judged; else the rule grader's marks")
    .option('--json', 'all figures as JSON')
    .addHelpText(
      'after',
      `
Beside the paper, each of its figures is shown with the version of the table that it is from, and what was done otherwise
here. Two models are paired item by item; runs also by their held-out problems.

Examples:
  rzero eval runs/a --suite math --iteration all && rzero compare runs/a
  rzero compare runs/a runs/b
  rzero compare runs/a/evals/iteration-0 runs/a/evals/iteration-3
${exitCodes}`,
    )
    .action(async (one: string, other: string | undefined, flags: CompareFlags) => {
      const { compareCommand } = await import('../compare.ts');
      compareCommand(one, other, flags, terminal);
    });
}
