import { createColors } from 'picocolors';
import type { Asked } from '../inspect/asked.ts';
import { type Finding, TOPICS } from '../inspect/finding.ts';
import type { RenderedPrompt } from '../protocol/generated.ts';
import { plural, wrap } from './text.ts';

/** How the report is shown. */
export interface ModelReportOptions {
  colour: boolean;
  /** Columns that running text is broken to. */
  width: number;
}

const TOPIC_WIDTH = Math.max(...TOPICS.map((topic) => topic.length)) + 2;

/** Marks of a finding, which say as much without colour. */
const MARKS = { ok: '✓', warning: '!', failed: '✗' } as const;

/** Findings, a line each as far as there is room, and what can be done below. */
export function findingLines(findings: readonly Finding[], { colour, width }: ModelReportOptions): string[] {
  const { green, yellow, red, dim } = createColors(colour);
  const paint = { ok: green, warning: yellow, failed: red };
  const indent = ' '.repeat(2 + TOPIC_WIDTH);
  const room = Math.max(40, width - indent.length - 1);
  return findings.flatMap(({ topic, status, message, hint }) => {
    const [first = '', ...rest] = wrap(visible(message), room);
    const head = `${paint[status](MARKS[status])} ${topic.padEnd(TOPIC_WIDTH)}${first}`;
    const hints = hint === undefined ? [] : wrap(`-> ${visible(hint)}`, room).map((line) => dim(line));
    return [head, ...[...rest, ...hints].map((line) => indent + line)];
  });
}

/** What the model would see of each conversation: its special tokens as they are written, its line ends as they are. */
export function promptLines(
  prompts: readonly RenderedPrompt[],
  asked: readonly Asked[],
  { colour, width }: ModelReportOptions,
): string[] {
  const { bold } = createColors(colour);
  return prompts.flatMap(({ text, tokens, refused }, index) => {
    if (refused !== undefined) return [];
    const title = bold(`What it would see: ${asked[index]?.who}, ${plural(tokens, 'tokens')}`);
    const lines = text
      .split('\n')
      .flatMap((line) => (line === '' ? [''] : cut(visible(line), Math.max(40, width - 4))));
    return ['', title, ...lines.map((line) => `  | ${line}`)];
  });
}

/** `usable, with 2 warnings`, `not usable: 1 finding failed`. */
export function verdictLine(findings: readonly Finding[], { colour }: ModelReportOptions): string {
  const { green, yellow, red } = createColors(colour);
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
  const [bad, doubtful] = [count('failed'), count('warning')];
  if (bad > 0) return red(`Not usable: ${plural(bad, 'findings')} failed.`);
  return doubtful > 0 ? yellow(`Usable, with ${plural(doubtful, 'warnings')}.`) : green('Usable.');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this shows
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Control characters, which a screen would obey, as their escapes; spaces stay. */
function visible(text: string): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(CONTROLS, escaped);
}

/** Cut a line to pieces of at most so many characters, behind spaces where there are some, dropping none. */
function cut(line: string, room: number): string[] {
  const pieces: string[] = [];
  let rest = [...line];
  while (rest.length > room) {
    const space = rest.lastIndexOf(' ', room - 1);
    const end = space > 0 ? space + 1 : room;
    pieces.push(rest.slice(0, end).join(''));
    rest = rest.slice(end);
  }
  return [...pieces, rest.join('')];
}
