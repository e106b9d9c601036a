import { resolve } from 'node:path';
import { loadRewardModule } from '../config/rewardModule.ts';
import { parseProposals } from '../domain/prompts.ts';
import { type Proposal, type ScoredProposal, scoreBatch, withTotals } from '../domain/score.ts';
import { answersField } from './answersField.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { EXIT } from './exitCodes.ts';
import { fieldError, idOf, type JsonRecord, readJsonLines, readRecords, textField } from './jsonLines.ts';
import type { Terminal } from './terminal.ts';

/** Lines that are written at a time. */
const CHUNK = 1000;

/**
 * `rzero score`: a batch of `{"id","output","answers":[...]}`, the Challenger's texts and the Solver's final answers,
 * to `{"id","question",...,"total"}` in the same order. The whole input is one batch, which the repetition penalty is a
 * share of; a bad line is named on stderr and not part of it.
 *
 * @returns 0, or 65 when a line was bad
 * @throws ConfigError, an error of the file system; an AbortError after `terminal.signal`
 */
export async function scoreCommand(flags: ConfigFlags, terminal: Terminal): Promise<number> {
  const config = configFrom({ preset: 'paper', ...flags }, terminal.workingFolder);
  const { module, ...rule } = config.rewards.challenger;
  const own = module === '' ? undefined : await loadRewardModule(resolve(terminal.workingFolder, module), module);
  const ids: object[] = [];
  const batch: Proposal[] = [];
  let bad = 0;
  for await (const lines of readJsonLines(terminal.input())) {
    const read = (record: JsonRecord) => ({ id: idOf(record), proposal: proposalOf(record, rule) });
    const records = readRecords(lines, read, terminal);
    bad += records.bad;
    for (const { id, proposal } of records.values) {
      ids.push(id);
      batch.push(proposal);
    }
  }
  const byRule = scoreBatch(batch, rule);
  const scored = own === undefined ? byRule : withTotals(byRule, await own.reward(byRule));
  for (let start = 0; start < scored.length; start += CHUNK) {
    const lines = scored
      .slice(start, start + CHUNK)
      .map((one, i) => JSON.stringify({ ...ids[start + i], ...shown(one) }));
    if (!(await terminal.send(`${lines.join('\n')}\n`))) break;
  }
  return bad === 0 ? EXIT.ok : EXIT.badData;
}

function proposalOf(record: JsonRecord, rule: Parameters<typeof parseProposals>[1]): Proposal {
  const text = textField(record, 'output');
  const answers = answersField(record);
  const [parsed = null] = parseProposals([text], rule);
  if (parsed !== null && answers.length === 0) {
    throw fieldError('answers', answers, 'a list of at least one where the output has a question');
  }
  return { text, parsed, answers: parsed === null ? [] : answers };
}

function shown({ parsed, vote, reward }: ScoredProposal): object {
  const question = parsed?.question ?? null;
  return { question, label: vote.label, agreement: vote.agreement, ...reward };
}
