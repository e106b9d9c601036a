import { EXTRACTION_RULES, extractAnswer } from '../domain/answers/extract.ts';
import { choose } from './choice.ts';
import { filterJsonLines, idOf, textField } from './jsonLines.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `rzero extract` as given. */
export interface ExtractFlags {
  rule: string;
  after?: string;
}

/**
 * `rzero extract`: `{"id","text"}` -> `{"id","answer"}`, null where there is none. With a field `prompt` in a line, that
 * text at the beginning is no part of the output.
 *
 * @returns the exit code
 * @throws UsageError, or an error of the file system
 */
export async function extractCommand(flags: ExtractFlags, terminal: Terminal): Promise<number> {
  const rule = choose('--rule', flags.rule, EXTRACTION_RULES);
  const after = flags.after ?? '';
  return filterJsonLines(terminal, (record) => {
    const prompt = record.prompt === undefined ? '' : textField(record, 'prompt');
    return { ...idOf(record), answer: extractAnswer(textField(record, 'text'), rule, { prompt, after }) };
  });
}
