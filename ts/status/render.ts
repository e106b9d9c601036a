import { createColors } from 'picocolors';
import { bars } from '../report/bars.ts';
import { percent, phrases } from '../report/metrics.ts';
import type { Terminal } from '../report/terminal.ts';
import { columns, duration, oneLine, padEnd, plural, shorten, size, wrap } from '../report/text.ts';
import type { AttemptStatus, StatusDocument } from './document.ts';

/** Cells of the names on the left. */
const NAME = 11;
/** Lines that a list takes at most: all of it fits on a screen. */
const MOST = 3;
const MOST_SCORES = 6;

/**
 * A status for people, as lines that fit the terminal.
 *
 * @param name the run's folder as it was typed
 */
export function renderStatus(status: StatusDocument, name: string, terminal: Terminal): string[] {
  const { bold, dim, cyan } = createColors(terminal.colour);
  const room = terminal.width() - 1 - NAME;
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.map((line, index) => cyan(padEnd(index === 0 ? title : '', NAME)) + line);
  const wrapped = (text: string): string[] => wrap(oneLine(text), room);
  const told = (title: string, { count, last }: { count: number; last: string[] }): string[] =>
    count === 0
      ? []
      : section(title, [
          ...(count > MOST ? [dim(`${count}, the last ${MOST} of which`)] : []),
          ...last.slice(-MOST).map((line) => shorten(oneLine(line), room)),
        ]);
  const { config, at, attempts, warnings, recoveries, workers } = status;
  return [
    `${bold(padEnd(status.state, NAME))}${shorten(name, room)}`,
    ...(status.error === null ? [] : section('error', wrapped(status.error))),
    ...(status.holder === null ? [] : section('by', wrapped(byWhom(status)))),
    ...(config === null ? [] : section('asked', configLines(config, room))),
    ...section('at', wrapped(at === null ? 'before the first phase' : whereLine(status))),
    ...section('attempts', attemptLines(attempts, room)),
    ...section('scores', scoreLines(status)),
    ...section('kept', keptLines(status)),
    ...(status.agreements === null
      ? []
      : section('p-hat', [`0 [${bars(status.agreements.counts, terminal.unicode === true)}] 1`])),
    ...section('figures', figureLines(status, room)),
    ...told('warnings', {
      ...warnings,
      last: warnings.last.map(({ name, message }) => (name === null ? message : `${name}: ${message}`)),
    }),
    ...told('recovered', { ...recoveries, last: recoveries.last.map(({ message }) => message) }),
    ...told('workers', { ...workers, last: workers.last.map(({ message }) => message) }),
    ...section('disk', [size(status.bytes)]),
  ];
}

/** How a run stands in one line, for where lines cannot be drawn again. */
export function statusLine(status: StatusDocument): string {
  const { changed, state, at } = status;
  return [changed ?? '-', state, at === null ? 'before the first phase' : whereLine(status)].join('  ');
}

function byWhom({ holder, state, begun, changed }: StatusDocument): string {
  const { attempt, host, pid, since } = holder as NonNullable<StatusDocument['holder']>;
  const sight = state === 'elsewhere' ? '; whether it lives cannot be seen from here' : '';
  const times = `since ${moment(since)}, last heard of ${moment(changed ?? begun ?? since)}`;
  return `attempt ${attempt}, process ${pid} on ${host}, ${times} UTC${sight}`;
}

function configLines(
  { preset, arm, seed, model, iterations, hash }: NonNullable<StatusDocument['config']>,
  room: number,
) {
  const what = `preset ${preset}${arm === 'full' ? '' : `, arm ${arm}`}, seed ${seed}, ${plural(iterations, 'iterations')}`;
  const lines = [shorten(`${what}, ${model === 'embedded' ? 'the embedded base' : model}`, room)];
  return hash === null ? lines : [...lines, `configuration ${hash.slice(0, 12)}`];
}

function whereLine({ at, left, config, state }: StatusDocument): string {
  const { iteration, phase, step, steps, answers, seconds } = at as NonNullable<StatusDocument['at']>;
  const which = iteration === 0 ? 'base' : `iteration ${iteration}${config === null ? '' : ` of ${config.iterations}`}`;
  const far = step === null ? plural(answers, 'answers') : `step ${step}${steps === null ? '' : ` of ${steps}`}`;
  if (state === 'finished') return `all ${plural(config?.iterations ?? iteration, 'iterations')}`;
  return [
    `${which}, ${phase}, ${far}, ${duration(seconds)}`,
    ...(left.phase === null || left.phase < 1 ? [] : [`phase: ${duration(left.phase)} left`]),
    ...(left.run === null || left.run < 1 ? [] : [`run: ${duration(left.run)} left`]),
  ].join('; ');
}

function attemptLines(attempts: readonly AttemptStatus[], room: number): string[] {
  const shown = attempts
    .slice(-MOST)
    .map(({ number, how, begun, last, error }) => [
      String(number),
      how,
      `${moment(begun)} to ${moment(last)}`,
      error === null ? '' : oneLine(error),
    ]);
  return columns(shown, [0]).map((line) => shorten(line, room));
}

function scoreLines({ scores }: StatusDocument): string[] {
  if (scores.length === 0) return [];
  const k = scores[0]?.samples ?? 'k';
  const points = (gain: number | null | undefined) =>
    gain == null ? '' : `${gain < 0 ? '-' : '+'}${Math.abs(100 * gain).toFixed(1)}`;
  const cell = (share: number | null, gain: number | null | undefined) => [
    share === null ? '-' : percent(share),
    points(gain),
  ];
  const rows = scores
    .slice(-MOST_SCORES)
    .map(({ iteration, greedy, mean, majority, gain }) => [
      iteration === 0 ? 'base' : `iteration ${iteration}`,
      ...cell(greedy, gain?.greedy),
      ...cell(mean, gain?.mean),
      ...cell(majority, gain?.majority),
    ]);
  return columns([['', 'greedy', '', `mean@${k}`, '', `majority@${k}`, ''], ...rows], [1, 2, 3, 4, 5, 6]);
}

function keptLines({ kept }: StatusDocument): string[] {
  return kept
    .slice(-MOST)
    .map(
      ({ iteration, candidates, kept: count, share }) =>
        `iteration ${iteration}: ${count} of ${candidates} (${percent(share, 0)})`,
    );
}

/** The latest figures of each kind of phase that trains. */
function figureLines({ phases }: StatusDocument, room: number): string[] {
  const latest = (['challenger', 'solver'] as const).flatMap(
    (kind) => phases.findLast(({ phase }) => phase === kind) ?? [],
  );
  return latest
    .filter(({ metrics }) => Object.keys(metrics).length > 0)
    .map(({ iteration, phase, state, steps, metrics }) => {
      const numbers = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
      return shorten(
        [`${phase} ${iteration}${state === 'done' ? '' : `, step ${steps}`}:`, ...phrases(phase, numbers)].join('  '),
        room,
      );
    });
}

/** `2026-01-31 12:34:56`. */
function moment(at: string): string {
  return at.replace('T', ' ').slice(0, 19);
}
