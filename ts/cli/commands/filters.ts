import type { Command } from 'commander';
import { EXTRACTION_RULES } from '../../domain/answers/extract.ts';
import { POLICIES } from '../../domain/answers/policy.ts';
import { VOTE_RULES } from '../../domain/vote.ts';
import type { ExtractFlags } from '../extract.ts';
import type { GradeFlags } from '../grade.ts';
import type { VoteFlags } from '../vote.ts';
import type { CommandContext } from './context.ts';

const names = (values: object): string => Object.keys(values).join(', ');

const LINES = `
One JSON object a line, answered in order as it comes. Lines that cannot be answered are named on stderr, and the
exit code is 65 once the others have been.`;

/** `rzero grade`, `rzero extract` and `rzero vote`: filters for the shell */
export function addFilters(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
  const policy = ['--policy <name>', `what counts as the same answer: ${names(POLICIES)}`, 'default'] as const;
  const rule = `where an answer is: ${names(EXTRACTION_RULES)}`;
  program
    .command('grade')
    .description('stdin {"id","gold","pred"} to stdout {"id","equal":true|false|null,"reason"}')
    .option(...policy)
    .option('--rule <name>', `in pred, ${rule}`, 'any')
    .addHelpText(
      'after',
      `${LINES}
Each text is a bare answer, one in a math environment or box, or a whole model output. null: undecided.

Examples:
  rzero grade < pairs.jsonl > verdicts.jsonl
  echo '{"id":1,"gold":"1/2","pred":"So it is $\\\\boxed{0.5}$."}' | rzero grade
  rzero grade --policy math-verify --rule boxed < pairs.jsonl
${exitCodes}`,
    )
    .action(async (flags: GradeFlags) => {
      const { gradeCommand } = await import('../grade.ts');
      finish(await gradeCommand(flags, terminal));
    });
  program
    .command('extract')
    .description('stdin {"id","text"} to stdout {"id","answer"}')
    .option('--rule <name>', rule, 'boxed')
    .option('--after <text>', 'the output begins after the last occurrence of this, e.g. "</think>"')
    .addHelpText(
      'after',
      `${LINES}
A field "prompt" is cut from the front of the text. The answer is null where there is none.

Examples:
  rzero extract < outputs.jsonl > answers.jsonl
  rzero extract --rule boxed-or-text --after '</think>' < outputs.jsonl
${exitCodes}`,
    )
    .action(async (flags: ExtractFlags) => {
      const { extractCommand } = await import('../extract.ts');
      finish(await extractCommand(flags, terminal));
    });
  program
    .command('vote')
    .description('stdin {"id","answers":[...]} to stdout {"id","answer","share","classes"}')
    .option(...policy)
    .option('--rules <name>', `how votes are counted: ${names(VOTE_RULES)}`, 'paper')
    .option('--rule <name>', `the answers are whole outputs; ${rule}`)
    .addHelpText(
      'after',
      `${LINES}
null among the answers is a sample without a box: it has no vote, and counts in the share. So are blank answers, those
over 4,096 characters and those that mean nothing; "classes" holds every sample, by its index.

Examples:
  echo '{"id":1,"answers":["1/2","0.5","3",null]}' | rzero vote
  rzero vote --rule boxed < outputs.jsonl
  rzero vote --rules repo-head < answers.jsonl
${exitCodes}`,
    )
    .action(async (flags: VoteFlags) => {
      const { voteCommand } = await import('../vote.ts');
      finish(await voteCommand(flags, terminal));
    });
}
