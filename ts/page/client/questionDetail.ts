import type { QuestionDetail } from '../document.ts';
import { el } from './dom.ts';
import { finalAnswer } from './finalAnswer.ts';
import { count, number, quantity, UNKNOWN, words } from './format.ts';
import type { QuestionRow } from './questionStore.ts';
import { tableView } from './tableView.ts';
import { visible, visibleLine } from './visible.ts';

/** Characters of all samples together up to which they are all unfolded. */
const UNFOLDED = 6_000;

/** What a question's panel shows of the rest of the report. */
export interface Around {
  /** The rows of its kin, in their order. */
  kin: readonly (QuestionRow | undefined)[];
  /** Why the samples' texts are left out, where they are. */
  left: string | null;
  /** The address of a question. */
  link(question: number): string;
}

/** What is known of one question, as the parts of its panel below the title. */
export function questionDetail(row: QuestionRow, detail: QuestionDetail, around: Around): HTMLElement[] {
  return [
    el('blockquote', { class: 'text asked' }, visible(row.text)),
    el('p', { class: 'why' }, visible(detail.why)),
    facts(row, detail),
    ...votes(row, detail),
    ...samples(detail, around),
    ...reward(detail),
    ...training(detail),
    ...kinOf(detail, around),
    ...wholeText(row, detail),
  ];
}

function facts(row: QuestionRow, { truth }: QuestionDetail): HTMLElement {
  const verdict = row.labelRight === null ? '' : row.labelRight ? ' ✓ right' : ' ✗ wrong';
  const known: [string, string | null][] = [
    [
      'Asked',
      row.phase === 'challenger'
        ? `iteration ${row.iteration}, training step ${row.step}`
        : `iteration ${row.iteration}, candidate`,
    ],
    ['Fate', row.fate === null ? null : words(row.fate)],
    ['Agreement p̂', row.agreement === null ? null : number(row.agreement)],
    ['Pseudo-label', row.label === null ? null : `${visibleLine(row.label)}${verdict}`],
    ['Truth', truth === null ? null : visibleLine(truth)],
    ['Trained on', row.trained === 0 ? null : `${count(row.trained)} time${row.trained === 1 ? '' : 's'}`],
  ];
  return el(
    'dl',
    { class: 'facts' },
    ...known.flatMap(([name, value]) =>
      value === null ? [] : [el('div', {}, el('dt', {}, name), el('dd', {}, value))],
    ),
  );
}

function votes(row: QuestionRow, { votes }: QuestionDetail): HTMLElement[] {
  if (votes.length === 0) return [];
  const all = votes.reduce((sum, { count }) => sum + count, 0);
  return [
    el('h4', {}, 'Votes'),
    el(
      'ul',
      { class: 'votes' },
      ...votes.map(({ answer, count: times }) => {
        const bar = el('span', { class: 'meter', 'aria-hidden': 'true' }, el('span', { class: 'filled' }));
        (bar.firstChild as HTMLElement).style.width = `${(100 * times) / all}%`;
        const majority = answer !== null && answer === row.label;
        return el(
          'li',
          { class: majority ? 'majority' : '' },
          el(
            'span',
            { class: answer === null ? 'answer muted' : 'answer' },
            answer === null ? 'no final answer' : visibleLine(answer),
          ),
          bar,
          el('span', { class: 'times' }, `${count(times)} of ${count(all)}${majority ? ', majority' : ''}`),
        );
      }),
    ),
  ];
}

function samples({ samples }: QuestionDetail, { left }: Around): HTMLElement[] {
  const title = el('h4', {}, 'Answers');
  if (samples === null)
    return [
      title,
      el('p', { class: 'muted' }, `The answers’ texts are not in this report: ${left ?? 'not on record'}.`),
    ];
  if (samples.length === 0) return [];
  const long = samples.reduce((sum, { text }) => sum + text.length, 0) > UNFOLDED;
  return [
    title,
    el(
      'ol',
      { class: 'samples' },
      ...samples.map(({ text, answer, agrees }, at) =>
        el(
          'li',
          {},
          el(
            'details',
            { open: !long || at === 0 },
            el(
              'summary',
              {},
              el('span', { class: agrees ? 'pill good' : 'pill bad' }, agrees ? '✓ agrees' : '✗ differs'),
              ` ${answer === null ? 'no final answer' : visibleLine(answer)}`,
            ),
            marked(text),
          ),
        ),
      ),
    ),
  ];
}

/** A sample's text with its final answer marked. */
function marked(text: string): HTMLElement {
  const parts = finalAnswer(text);
  if (parts === null) return el('p', { class: 'text' }, visible(text));
  const [before, answer, after] = parts;
  return el('p', { class: 'text' }, visible(before), el('mark', {}, visible(answer)), visible(after));
}

function reward({ reward, advantage }: QuestionDetail): HTMLElement[] {
  if (reward === null) return [];
  const rows = Object.entries(reward).map(([name, value]) => [
    words(name),
    typeof value === 'number' ? number(value) : value === null ? UNKNOWN : visibleLine(String(value)),
  ]);
  if (advantage !== null) rows.push(['advantage', number(advantage)]);
  return [el('h4', {}, 'The Challenger’s reward'), tableView({ head: ['part', 'value'], rows }, 'Parts of the reward')];
}

function training({ training }: QuestionDetail): HTMLElement[] {
  if (training.length === 0) return [];
  const rows = training.map(({ iteration, step, reward, rollouts }) => [
    `iteration ${iteration}, step ${step}`,
    quantity(reward, 'share'),
    count(rollouts),
  ]);
  return [
    el('h4', {}, 'The Solver’s training on it'),
    tableView({ head: ['when', 'mean reward', 'rollouts'], rows }, 'The Solver’s training on this question'),
  ];
}

function kinOf({ kin }: QuestionDetail, { kin: rows, link }: Around): HTMLElement[] {
  if (kin.length === 0) return [];
  return [
    el('h4', {}, 'Questions like it, later'),
    el(
      'ul',
      { class: 'kin' },
      ...kin.map(({ question, similarity }, at) => {
        const row = rows[at];
        const how =
          row === undefined
            ? ''
            : [
                `iteration ${row.iteration}`,
                row.agreement === null ? '' : `p̂ ${number(row.agreement)}`,
                row.fate === null ? '' : words(row.fate),
              ]
                .filter(Boolean)
                .join(', ');
        return el(
          'li',
          {},
          el('a', { href: link(question) }, `#${question}`, row ? ` ${visibleLine(row.text.slice(0, 120))}` : ''),
          el('span', { class: 'muted' }, ` ${how}${how ? ', ' : ''}${quantity(similarity, 'share')} alike`),
        );
      }),
    ),
  ];
}

function wholeText(row: QuestionRow, { text }: QuestionDetail): HTMLElement[] {
  if (text === null || text === row.text) return [];
  return [
    el('details', {}, el('summary', {}, 'The Challenger’s whole text'), el('p', { class: 'text' }, visible(text))),
  ];
}
