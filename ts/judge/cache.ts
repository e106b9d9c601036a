import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { JudgeError } from './errors.ts';
import type { JudgedResponse } from './judge.ts';
import { PROMPT_VERSION } from './prompt.ts';

/** What a verdict depends on, as SHA-256 (hex): the model and how it draws, the prompt's version and the exact three texts. */
export function verdictKey(
  { model, temperature }: { model: string; temperature: number },
  { question, gold, answer }: JudgedResponse,
): string {
  return createHash('sha256')
    .update(JSON.stringify([model, temperature, PROMPT_VERSION, question, gold, answer]))
    .digest('hex');
}

/** How every line of the file begins. */
const BEGIN = '{"key":"';

/**
 * Verdicts by what they depend on, in memory and, where there is a file, there too: a JSON line each,
 * `{"key":"<SHA-256>","right":true}`, written as it comes and never changed. Several evaluations may have one file at a time: each
 * line is one write at its end. A line that was cut off with its process does not count, wherever it stands.
 */
export class VerdictCache {
  private readonly verdicts = new Map<string, boolean>();
  private readonly path: string | null;
  /** The next line begins a new one: the last in the file has no end. */
  private torn = false;

  /**
   * @param path is made where there is none; null: memory alone
   * @throws JudgeError where the file holds something else; an error of the file system
   */
  constructor(path: string | null) {
    this.path = path;
    if (path === null) return;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const lines = text.split('\n');
    this.torn = lines.at(-1) !== '';
    for (const [i, line] of lines.entries()) {
      const entry = readEntry(line);
      if (entry === 'other') {
        throw new JudgeError(
          'no_cache',
          `judge: ${path} holds something else than verdicts (line ${i + 1}): name another file`,
        );
      }
      // The first one has been told to somebody.
      if (entry !== undefined && !this.verdicts.has(entry.key)) this.verdicts.set(entry.key, entry.right);
    }
    // Fails now where it cannot be written, and not when the first verdict has been paid for.
    appendFileSync(path, '');
  }

  get(key: string): boolean | undefined {
    return this.verdicts.get(key);
  }

  /** @throws an error of the file system */
  set(key: string, right: boolean): void {
    this.verdicts.set(key, right);
    if (this.path === null) return;
    const line = `${this.torn ? '\n' : ''}${JSON.stringify({ key, right })}\n`;
    this.torn = false;
    appendFileSync(this.path, line);
  }
}

/** @returns undefined for a line that was cut off or is blank; `other` for one that was never one of ours */
function readEntry(line: string): { key: string; right: boolean } | 'other' | undefined {
  if (!line.startsWith(BEGIN)) return BEGIN.startsWith(line) ? undefined : 'other';
  try {
    const { key, right } = JSON.parse(line);
    return typeof key === 'string' && typeof right === 'boolean' ? { key, right } : undefined;
  } catch {
    return undefined;
  }
}
