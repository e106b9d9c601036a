import { EXTRACTION_RULES, type ExtractionRule, extractAnswer } from '../domain/answers/extract.ts';
import { POLICIES } from '../domain/answers/policy.ts';
import { majorityVote, VOTE_RULES } from '../domain/vote.ts';
import { answersField } from './answersField.ts';
import { choose } from './choice.ts';
import { filterJsonLines, idOf } from './jsonLines.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `rzero vote` as given. */
export interface VoteFlags {
  policy: string;
  rules: string;
  rule?: string;
}

/**
 * `rzero vote`: `{"id","answers":[...]}` -> `{"id","answer","share","classes"}`. An answer of null is a sample without a
 * box. With `--rule` the answers are whole outputs.
 *
 * @returns the exit code
 * @throws UsageError, or an error of the file system
 */
export async function voteCommand(flags: VoteFlags, terminal: Terminal): Promise<number> {
  const options = {
    policy: choose('--policy', flags.policy, POLICIES),
    rules: choose('--rules', flags.rules, VOTE_RULES),
  };
  const rule = flags.rule === undefined ? undefined : choose<ExtractionRule>('--rule', flags.rule, EXTRACTION_RULES);
  return filterJsonLines(terminal, (record) => {
    const answers = answersField(record).map((text) => (rule && text !== null ? extractAnswer(text, rule) : text));
    const { label, agreement, classes } = majorityVote(answers, options);
    return { ...idOf(record), answer: label, share: agreement, classes };
  });
}
