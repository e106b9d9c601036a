import type { Command } from 'commander';
import type { ExportFlags } from '../export.ts';
import type { CommandContext } from './context.ts';
import { withModelOptions } from './modelOptions.ts';

/** `rzero export` */
export function addExport(program: Command, { terminal, exitCodes }: CommandContext): void {
  const command = program
    .command('export')
    .description('write a model of a run as a folder of its own, with a card, for transformers and vLLM')
    .argument('<run>', 'run folder')
    .requiredOption('--out <folder>', 'folder to make')
    .option('--force', 'replace an earlier export of the same role of the same run');
  withModelOptions(command)
    .addHelpText(
      'after',
      `
The model is compared with the run's journal before: a damaged one is not passed on. A run that is under way gives the
model of its last iteration that is over.

Examples:
  rzero export runs/a --out solver
  rzero export runs/a --out challenger --role challenger --iteration 2
  rzero export runs/lora --out merged --merge --dtype bfloat16
${exitCodes}`,
    )
    .action(async (run: string, flags: ExportFlags) => {
      const { exportCommand } = await import('../export.ts');
      await exportCommand(run, flags, terminal);
    });
}
