import { EXTRACTION_RULES } from '../domain/answers/extract.ts';
import { gradeTexts } from '../domain/answers/grade.ts';
import { POLICIES } from '../domain/answers/policy.ts';
import { choose } from './choice.ts';
import { filterJsonLines, idOf, textField, textOrNullField } from './jsonLines.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `rzero grade` as given. */
export interface GradeFlags {
  policy: string;
  rule: string;
}

/**
 * `rzero grade`: `{"id","gold","pred"}` -> `{"id","equal","reason"}`. A `pred` of null has no answer.
 *
 * @returns the exit code
 * @throws UsageError, or an error of the file system
 */
export async function gradeCommand(flags: GradeFlags, terminal: Terminal): Promise<number> {
  const options = {
    policy: choose('--policy', flags.policy, POLICIES),
    rule: choose('--rule', flags.rule, EXTRACTION_RULES),
  };
  return filterJsonLines(terminal, (record) => {
    const gold = textField(record, 'gold');
    const { equal, reason } = gradeTexts(gold, textOrNullField(record, 'pred') ?? '', options);
    return { ...idOf(record), equal, reason };
  });
}
