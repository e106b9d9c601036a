import { resolve } from 'node:path';
import { EXTRACTION_RULES, type ExtractionRule, findAnswer } from '../domain/answers/extract.ts';
import { type GradeOptions, gradeTexts } from '../domain/answers/grade.ts';
import { POLICIES } from '../domain/answers/policy.ts';
import { agreementOf } from '../judge/agreement.ts';
import { createJudge } from '../judge/createJudge.ts';
import { endOfResponse } from '../judge/endOfResponse.ts';
import type { JudgedResponse } from '../judge/judge.ts';
import { renderAgreement } from '../report/agreement.ts';
import { choose } from './choice.ts';
import { EXIT } from './exitCodes.ts';
import { idOf, type JsonRecord, readJsonLines, readRecords, textField, textOrNullField } from './jsonLines.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero judge` as given. */
export interface JudgeFlags {
  endpoint: string;
  model: string;
  cache?: string;
  temperature: string;
  maxTokens: string;
  concurrency: string;
  requestsPerMinute?: string;
  policy: string;
  rule: string;
}

/**
 * `rzero judge`: `{"id","question","gold","pred"}` -> `{"id","rule","judge"}`, and on stderr in the end how the two agree. Each
 * chunk of the input is answered in order when all of it has been judged. A `pred` of null has no answer: wrong, and nobody
 * is asked.
 *
 * @returns 0, or 65 when a line was bad
 * @throws UsageError, JudgeError, or an error of the file system; an AbortError after `terminal.signal`
 */
export async function judgeCommand(flags: JudgeFlags, terminal: Terminal): Promise<number> {
  const options = {
    policy: choose('--policy', flags.policy, POLICIES),
    rule: choose('--rule', flags.rule, EXTRACTION_RULES),
  };
  const judge = createJudge({
    endpoint: flags.endpoint,
    model: flags.model,
    temperature: numberFrom('--temperature', flags.temperature),
    maxTokens: numberFrom('--max-tokens', flags.maxTokens),
    concurrency: numberFrom('--concurrency', flags.concurrency),
    requestsPerMinute:
      flags.requestsPerMinute === undefined ? null : numberFrom('--requests-per-minute', flags.requestsPerMinute),
    cacheFile: flags.cache === undefined ? null : resolve(terminal.workingFolder, flags.cache),
    env: terminal.env,
    warn: (text) => terminal.err(`rzero: ${text}\n`),
  });
  const byRule: boolean[] = [];
  const byJudge: (boolean | null)[] = [];
  let bad = 0;
  for await (const lines of readJsonLines(terminal.input())) {
    const records = readRecords(lines, (record) => pairOf(record, options), terminal);
    bad += records.bad;
    const verdicts = await judge.judge(
      records.values.map(({ response }) => response),
      terminal.signal,
    );
    let text = '';
    for (const [i, { id, right }] of records.values.entries()) {
      const judged = verdicts[i] ?? null;
      byRule.push(right);
      byJudge.push(judged);
      text += `${JSON.stringify({ ...id, rule: right, judge: judged })}\n`;
    }
    if (text !== '' && !(await terminal.send(text))) break;
  }
  terminal.err(`${judge.summary()}\n${renderAgreement(agreementOf(byRule, byJudge))}`);
  return bad === 0 ? EXIT.ok : EXIT.badData;
}

/** A line: what the rule grader says, where undecided counts as wrong, and what the judge is asked. */
function pairOf(record: JsonRecord, options: GradeOptions & { rule: ExtractionRule }) {
  const id = idOf(record);
  const question = textField(record, 'question');
  const gold = textField(record, 'gold');
  const prediction = textOrNullField(record, 'pred') ?? '';
  const found = findAnswer(prediction, options.rule);
  // What was only guessed among sentences is not what their author calls the answer.
  const answer = found === null || found.guess ? endOfResponse(prediction) : found.answer;
  const response: JudgedResponse = { question, gold, answer };
  return { id, response, right: gradeTexts(gold, prediction, options).equal === true };
}

function numberFrom(flag: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new UsageError(`${flag} ${text}: allowed are numbers`);
  return value;
}
