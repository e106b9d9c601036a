import type { Command } from 'commander';
import type { PushFlags } from '../push.ts';
import type { CommandContext } from './context.ts';
import { withModelOptions } from './modelOptions.ts';

/** `rzero push` */
export function addPush(program: Command, { terminal, exitCodes }: CommandContext): void {
  const command = program
    .command('push')
    .description('bring an exported model, or a model or the questions of a run, to the Hugging Face hub')
    .argument('<folder>', 'folder of rzero export, or run folder')
    .requiredOption('--repo <owner/name>', 'repository; one that is not there is made')
    .option('--private', 'nobody else may see it')
    .option('--revision <branch>', 'branch (default: main)')
    .option('--dataset', "the run's questions with their answers, labels and fates, as a dataset")
    .option('--dry-run', 'say what would be uploaded')
    .option('--accept-licence', "what the base model's licence asks of derived models is seen to");
  withModelOptions(command)
    .addHelpText(
      'after',
      `
The token is that of HF_TOKEN or of \`hf auth login\`; HF_ENDPOINT names another hub. What has arrived is not sent again:
after a failure give the same command. Options that say which model and in what form are for a run.

Examples:
  rzero push solver --repo me/my-solver --private
  rzero push runs/a --repo me/my-solver --iteration best --dry-run
  rzero push runs/a --repo me/my-questions --dataset
${exitCodes}`,
    )
    .action(async (folder: string, flags: PushFlags) => {
      const { pushCommand } = await import('../push.ts');
      await pushCommand(folder, flags, terminal);
    });
}
