import type { Command } from 'commander';
import type { ConfigFlags } from '../configFlags.ts';
import type { CurriculumFlags } from '../curriculum.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero score` and `rzero curriculum`: filters that score questions and choose among them */
export function addMethodFilters(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
  const withConfig = (command: Command): Command =>
    command
      .option('--preset <name>', 'whose rules: paper (default), repo-head, repo-2025')
      .option('--config <file>', 'YAML file over the preset, as for rzero run')
      .option('--set <name=value>', 'one option; may be repeated', collect);
  withConfig(
    program
      .command('score')
      .description(
        'stdin {"id","output","answers":[...]} to stdout {"id","question",...,"total"}: the Challenger\'s rewards',
      ),
  )
    .addHelpText(
      'after',
      `
The whole input is one batch: the repetition penalty is a share of it. "output" is the Challenger's raw text, "answers"
are the Solver's final answers, null where there was no box. Bad lines are named on stderr and not part of the batch;
the exit code is then 65.

Examples:
  rzero score --preset repo-head < batch.jsonl > rewards.jsonl
  rzero score --set rewards.challenger.repetitionWeight=0.5 < batch.jsonl
  rzero score --set rewards.challenger=./my-reward.mjs < batch.jsonl
${exitCodes}`,
    )
    .action(async (flags: ConfigFlags) => {
      const { scoreCommand } = await import('../score.ts');
      finish(await scoreCommand(flags, terminal));
    });
  withConfig(
    program
      .command('curriculum')
      .description(
        'stdin {"id","question","answers":[...]} to stdout {"id","question","answer","share"}: the kept ones',
      ),
  )
    .option('--report <file>', 'how many each gate dropped, as JSON')
    .option('--drops <file>', 'which each gate dropped, as JSON lines {"id","gate"}')
    .option('--dataset <folder>', 'write the kept ones as a dataset that Hugging Face `datasets` loads, not to stdout')
    .option('--dataset-format <format>', 'jsonl (default), or parquet, where ids are texts')
    .option('--remember <number>', 'questions that duplicates are looked for among (default: all), 23 to 46 bytes each')
    .addHelpText(
      'after',
      `
Streams: memory does not grow with the input, except for duplicates. A field "own" is the Challenger's answer. The
counts go to stderr. Bad lines are named there too, and the exit code is then 65.

Examples:
  rzero curriculum --preset repo-head < candidates.jsonl > kept.jsonl
  rzero curriculum --set questions.delta=0.2 --set questions.duplicates=drop --drops drops.jsonl < candidates.jsonl
  rzero curriculum --dataset ./kept --dataset-format parquet < candidates.jsonl
${exitCodes}`,
    )
    .action(async (flags: CurriculumFlags) => {
      const { curriculumCommand } = await import('../curriculum.ts');
      finish(await curriculumCommand(flags, terminal));
    });
}
