import type { Command } from 'commander';
import { EXTRACTION_RULES } from '../../domain/answers/extract.ts';
import { POLICIES } from '../../domain/answers/policy.ts';
import type { JudgeFlags } from '../judge.ts';
import type { CommandContext } from './context.ts';

/** `rzero judge`: a language model beside the rule grader */
export function addJudge(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
  const names = (values: object): string => Object.keys(values).join(', ');
  program
    .command('judge')
    .description('stdin {"id","question","gold","pred"} to stdout {"id","rule","judge"}: a language model and the rule')
    .requiredOption('--endpoint <url>', 'base URL of an OpenAI-compatible interface: http://localhost:8000/v1')
    .requiredOption('--model <name>', 'the model there')
    .option('--cache <file>', 'verdicts are kept there, and never asked for again; evaluations may share it')
    .option('--temperature <number>', "of the judge's answers (the paper: 0.1)", '0')
    .option('--max-tokens <number>', "most tokens of the judge's answer, its thinking included", '4096')
    .option('--concurrency <number>', 'requests at a time', '8')
    .option('--requests-per-minute <number>', 'most requests a minute, tries included (default: no limit)')
    .option('--policy <name>', `what counts as the same answer for the rule: ${names(POLICIES)}`, 'default')
    .option('--rule <name>', `where an answer is in pred: ${names(EXTRACTION_RULES)}`, 'any')
    .addHelpText(
      'after',
      `
Measures a judge against the rule grader on data of your own: their table, agreement and Cohen's kappa end stderr. The
judge sees the question, gold and the final answer of pred (its end where none can be read). null: no verdict was had.
A key goes into the environment as RZERO_JUDGE_KEY. Bad lines are named on stderr; the exit code is then 65.

Examples:
  rzero judge --endpoint http://localhost:8000/v1 --model Qwen/Qwen3-8B < answers.jsonl > verdicts.jsonl
  RZERO_JUDGE_KEY=... rzero judge --endpoint https://api.openai.com/v1 --model gpt-4o --temperature 0.1 \\
    --cache verdicts.cache --requests-per-minute 500 < answers.jsonl
${exitCodes}`,
    )
    .action(async (flags: JudgeFlags) => {
      const { judgeCommand } = await import('../judge.ts');
      finish(await judgeCommand(flags, terminal));
    });
}
