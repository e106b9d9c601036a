import type { RunDocument } from '../document.ts';
import { el } from './dom.ts';
import { count, duration, number, quantity, signed, UNKNOWN, when } from './format.ts';
import { verdict } from './verdict.ts';
import { visibleLine } from './visible.ts';

/** What the run is and what came of it. */
export function headerView(document: RunDocument): HTMLElement[] {
  const { run } = document;
  const { kind, title, sentence } = verdict(document);
  return [
    el('h1', {}, visibleLine(run.name), ' ', el('span', { class: `state ${run.state}` }, run.state)),
    el('p', { class: 'lead' }, el('span', { class: `verdict ${kind}` }, title), ' ', sentence),
    run.error === null ? el('span') : el('p', { class: 'error' }, `It failed: ${visibleLine(run.error)}`),
    tiles(document),
    facts(document),
  ];
}

function tiles({ iterations, cost, questions }: RunDocument): HTMLElement {
  const examined = iterations.filter(({ evaluation }) => evaluation).at(-1);
  const asked = iterations.filter((one) => one.questions).at(-1);
  const gain = examined?.gain?.mean ?? examined?.gain?.greedy;
  const kept = asked?.questions;
  const shown: [string, string | null, string][] = [
    [
      'Gain over the base',
      gain ? `${signed(gain.value)}` : null,
      gain ? `points [${signed(gain.low)}, ${signed(gain.high)}]` : '',
    ],
    [
      'Greedy accuracy',
      examined?.evaluation?.greedy ? quantity(examined.evaluation.greedy.value, 'percent') : null,
      `iteration ${examined?.iteration}`,
    ],
    ['Questions asked', questions.count > 0 ? count(questions.count) : null, 'all on record'],
    [
      'Candidates kept',
      kept && kept.candidates > 0 ? quantity(kept.kept / kept.candidates, 'share') : null,
      `iteration ${asked?.iteration}`,
    ],
    [
      'Labels right',
      kept?.labelAccuracy?.kept == null ? null : quantity(kept.labelAccuracy.kept, 'share'),
      `of those kept, iteration ${asked?.iteration}`,
    ],
    ['Time', duration(cost.seconds), 'of its phases'],
    ['Tokens sampled', cost.tokens === null ? null : count(cost.tokens), ''],
    [
      'Devices busy',
      cost.busyShare === null ? null : quantity(cost.busyShare, 'share'),
      cost.deviceHours === null ? '' : `of ${number(cost.deviceHours)} device-hours`,
    ],
    [
      'Cost',
      cost.price === null ? null : `${cost.currency}${cost.price.toFixed(2)}`,
      cost.pricePerHour === null ? '' : `at ${cost.currency}${cost.pricePerHour} a device-hour`,
    ],
  ];
  const known = shown.filter(([, value]) => value !== null).length;
  const tiles = el(
    'dl',
    { class: 'tiles' },
    ...shown.flatMap(([name, value, note]) =>
      value === null
        ? []
        : [el('div', {}, el('dt', {}, name), el('dd', {}, el('strong', {}, value), el('small', {}, note)))],
    ),
  );
  // Rows that are full, where that can be.
  tiles.style.setProperty('--columns', String([4, 5, 3].find((columns) => known % columns === 0) ?? 4));
  return tiles;
}

function facts({ run }: RunDocument): HTMLElement {
  const known: [string, string | null][] = [
    ['Model', run.model],
    ['Preset', run.preset],
    ['Arm', run.arm],
    ['Seed', String(run.seed)],
    ['Iterations', String(run.iterations)],
    ['Exam', `${run.exam.name}, ${count(run.exam.problems)} problems, ${run.exam.samples} samples each`],
    ['Begun', run.begun === null ? null : when(run.begun)],
    ['Last change', run.changed === null ? null : when(run.changed)],
    ['Program', run.program],
    ['Run', run.id],
    ['Configuration', run.configHash?.slice(0, 12) ?? null],
  ];
  return el(
    'dl',
    { class: 'facts' },
    ...known.map(([name, value]) =>
      el('div', {}, el('dt', {}, name), el('dd', {}, value === null ? UNKNOWN : visibleLine(value))),
    ),
  );
}
