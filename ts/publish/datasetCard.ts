import type { Arm } from '../domain/settings.ts';
import { ARM_NOTES } from '../report/table.ts';
import { plural } from '../report/text.ts';
import type { BaseLicence } from './baseLicence.ts';
import { licence } from './card.ts';
import { withFrontMatter } from './frontMatter.ts';
import { code, plain, table } from './markdown.ts';

/** What the card of a run's questions is made of. */
export interface DatasetFacts {
  run: { preset: string; arm: Arm; seed: number; configHash: string; version: string };
  base: { title: string; hub?: string; licence: BaseLicence };
  /** By iteration: the data file, and how many questions had which fate. */
  iterations: readonly { iteration: number; file: string; fates: Readonly<Record<string, number>> }[];
}

const COLUMNS = [
  ['iteration', 'whose Challenger wrote it'],
  ['question', 'null where the text had no question in it'],
  ['text', 'what was written instead, else null'],
  ['fate', '`kept` to train on, or the gate that dropped it'],
  ['label', 'the majority answer: a pseudo-label, which nobody checked; null where there is none'],
  [
    'trained_label',
    'what the Solver was trained on, of a question that was kept: its label, unless an ablation put another there',
  ],
  ['agreement', 'share of the answers that agree with the label, in [0, 1]'],
  ['votes', 'answers that agree with the label'],
  ['samples', 'answers that were drawn'],
  ['responses', "the Solver's answers, word for word"],
] as const;

/** The card of a run's questions: README.md of a dataset repository. */
export function datasetCard({ run, base, iterations }: DatasetFacts): string {
  const fates = [...new Set(iterations.flatMap((one) => Object.keys(one.fates)))].sort(
    (a, b) => Number(b === 'kept') - Number(a === 'kept') || (a < b ? -1 : 1),
  );
  const rows = iterations.map((one) => [
    String(one.iteration),
    String(sum(Object.values(one.fates))),
    ...fates.map((fate) => String(one.fates[fate] ?? 0)),
  ]);
  const total = sum(iterations.flatMap((one) => Object.values(one.fates)));
  const metadata = {
    configs: [{ config_name: 'default', data_files: [{ split: 'train', path: iterations.map(({ file }) => file) }] }],
    task_categories: ['text-generation'],
    size_categories: [sizeCategory(total)],
    tags: ['r-zero', 'synthetic', 'reinforcement-learning'],
  };
  const about = base.hub === undefined ? plain(base.title) : `[${plain(base.hub)}](https://huggingface.co/${base.hub})`;
  const text = [
    '# Questions of a run of R-Zero',
    `${plural(total, 'questions')} that a language model wrote, with another's answers to them: the Challenger and the Solver of a run of R-Zero ` +
      `([arXiv 2508.05004](https://arxiv.org/abs/2508.05004)) from ${about}. No question, answer or label is from people, and none was ` +
      'checked: many questions are ill-posed, and labels are majority votes, of which some are wrong.',
    `Preset ${plain(run.preset)}, ${plain(run.arm)} (${plain(ARM_NOTES[run.arm])}), seed ${run.seed}, configuration SHA-256 ` +
      `${code(run.configHash)}. Written by rzero ${plain(run.version)}.`,
    '## What became of them',
    table(['iteration', 'asked', ...fates.map(code)], rows),
    '## Columns',
    table(
      ['column', 'what it holds'],
      COLUMNS.map(([name, what]) => [code(name), what]),
      false,
    ),
    '## Licence',
    licence(base.licence, base.title, 'Whether it binds what such a model has written, it says itself.'),
  ];
  return withFrontMatter(metadata, text.join('\n\n'));
}

/** As the hub names sizes. */
function sizeCategory(rows: number): string {
  const bounds: [number, string][] = [
    [1e3, 'n<1K'],
    [1e4, '1K<n<10K'],
    [1e5, '10K<n<100K'],
    [1e6, '100K<n<1M'],
    [1e7, '1M<n<10M'],
  ];
  return bounds.find(([bound]) => rows < bound)?.[1] ?? '10M<n<100M';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
