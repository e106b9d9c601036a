import type { createColors } from 'picocolors';
import type { LoopEvent, Phase } from '../ports/reporter.ts';
import { bars } from './bars.ts';
import { type Metrics, percent, phrases } from './metrics.ts';
import { amount, cells, duration, oneLine, padEnd, padStart, plural, shorten, shortenMiddle } from './text.ts';
import type { Throughput } from './throughput.ts';

/** picocolors' functions, on or off. */
export type Colours = ReturnType<typeof createColors>;

/** One phase as far as it has come. */
export interface PhaseState {
  iteration: number;
  phase: Phase;
  unit: 'steps' | 'questions' | 'answers';
  note: string;
  done: number;
  total: number;
  metrics: Metrics;
  /** Seconds since the phase began. */
  elapsed: number;
  /** Seconds that it has left, where that is known. */
  left?: number | undefined;
}

/** What there is to say of a phase beside its figures. */
export interface Work {
  /** How many questions have which p-hat, see `agreementHistogram`; empty where none was answered yet. */
  agreements: readonly number[];
  throughput: Throughput;
  /** Seconds that the run has left, where that is known. */
  runLeft?: number | undefined;
}

/** A question to show, with what its answers came to. */
export interface Sample {
  question: string;
  /** Share of the answers that agree with the label, [0, 1]. */
  agreement: number;
  label: string | null;
  /** Answers a question, where known. */
  votes?: number;
}

const BAR = 10;
const NAME = 12;
const PHASE = 11;
const COUNT = 13;
const TIME = 10;
const VERDICT = 14;
/** What belongs to a phase begins under the phase's name. */
const INDENT = NAME + 1;
/** Columns from which on there is room for a bar. */
const ROOM_FOR_BAR = 79;

/** Who a line is about: `base         evaluation`, `iteration 2  solver`. */
export function heading(iteration: number, phase: Phase, colours: Colours): string {
  const name = iteration === 0 ? 'base' : `iteration ${iteration}`;
  return `${padEnd(name, NAME)} ${colours.cyan(padEnd(phase, PHASE))}`;
}

/** Who starts an iteration from what: `iteration 2  Challenger 2 from Challenger 1, ...`. */
export function iterationLine(
  starts: Omit<Extract<LoopEvent, { type: 'iteration-started' }>, 'type'>,
  width: number,
  colours: Colours,
): string {
  const { iteration, challengerFrom, solverFrom, trainsChallenger, variant } = starts;
  const role = (name: string, state: number) => (state === 0 ? 'the base' : `${name} ${state}`);
  const solver = role('Solver', solverFrom);
  const asks = trainsChallenger
    ? `Challenger ${iteration} from ${variant?.challengerFrom ?? role('Challenger', challengerFrom)}, judged by ${variant?.judge ?? solver}`
    : `${role('Challenger', challengerFrom)} asks`;
  const from = trainsChallenger ? (variant?.solverFrom ?? solver) : solver;
  const line = `${padEnd(`iteration ${iteration}`, NAME)} ${asks}; Solver ${iteration} from ${from}`;
  return colours.dim(shorten(line, width));
}

/** A running phase: bar, count, figures so far, time gone and time left. What does not fit is left out. */
export function runningLine(state: PhaseState, width: number, colours: Colours, bar = true): string {
  const { done, total, unit, phase, metrics } = state;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.floor(share * BAR);
  const drawn = bar && width >= ROOM_FOR_BAR;
  const gauge = drawn ? `[${colours.green('#'.repeat(filled))}${'-'.repeat(BAR - filled)}]  ` : '';
  const count = `${padStart(String(Math.floor(done)), String(total).length)}/${total} ${unit}`;
  let room = width - NAME - PHASE - 2 - (drawn ? BAR + 4 : 0) - cells(count);
  const time = times(state).find((one) => cells(one) + 2 <= room);
  room -= time === undefined ? 0 : cells(time) + 2;
  const told = done === 0 && Object.keys(metrics).length === 0 ? [state.note] : phrases(phase, metrics);
  const front = `${heading(state.iteration, phase, colours)} ${gauge}${count}`;
  return [front, ...fitting(told, room), ...(time === undefined ? [] : [colours.dim(time)])].join('  ');
}

/** Time gone and left, in the longest form first. */
function times({ elapsed, left = 0 }: PhaseState): string[] {
  if (elapsed < 0.05) return [];
  const gone = duration(elapsed);
  return left > 0 ? [`${gone}, ${duration(left)} left`, gone] : [gone];
}

/** How the answers agree and how the workers do, below a phase: `p-hat [ ▂▅█▃ ]`; undefined where there is nothing to say. */
export function workLine({ agreements, throughput, runLeft }: Work, width: number, unicode: boolean) {
  const { mean, lately, busy } = throughput;
  const said = [
    ...(runLeft === undefined || runLeft < 1 ? [] : [`run: ${duration(runLeft)} left`]),
    ...(agreements.some((count) => count > 0) ? [`p-hat 0 [${bars(agreements, unicode)}] 1`] : []),
    ...(mean === undefined
      ? []
      : [`${amount(Math.round(mean))} tokens/s${lately === undefined ? '' : `, now ${amount(Math.round(lately))}`}`]),
    ...(busy === undefined ? [] : [`busy ${percent(busy, 0)}`]),
  ];
  if (said.length === 0) return undefined;
  return shorten(' '.repeat(INDENT) + fitting(said, width - INDENT + 2).join('  '), width);
}

/** A phase that has ended: what it did, how long it took, and its figures. */
export function endedLine(state: PhaseState, width: number, colours: Colours): string {
  const { done, total, unit, metrics, phase } = state;
  // Steps are counted exactly; samples are reported now and then, so their last report can be short of the end.
  const shortfall = unit === 'steps' && done < total;
  const count =
    metrics.candidates !== undefined
      ? plural(metrics.candidates, 'questions')
      : shortfall
        ? `${Math.floor(done)}/${total} ${unit}`
        : plural(total, unit);
  const time = padStart(duration(state.elapsed), TIME);
  const front = `${heading(state.iteration, phase, colours)} ${padEnd(count, COUNT)}  ${colours.dim(time)}`;
  const room = width - NAME - PHASE - 4 - Math.max(COUNT, cells(count)) - cells(time);
  return [front, ...fitting(phrases(phase, metrics), room)].join('  ');
}

/** A phase that was done before this attempt, and its figures. */
export function skippedLine(
  { iteration, phase, metrics }: Pick<PhaseState, 'iteration' | 'phase' | 'metrics'>,
  width: number,
  colours: Colours,
): string {
  const front = `${heading(iteration, phase, colours)} ${padEnd('done before', COUNT)}  ${' '.repeat(TIME)}`;
  const room = width - NAME - PHASE - 4 - COUNT - TIME;
  return [front, ...fitting(phrases(phase, metrics), room)].join('  ');
}

/** How far a question's answers agree, and the question, cut in its middle to fit. */
export function sampleLine(sample: Sample, title: string, width: number, colours: Colours): string {
  const { agreement, votes, label } = sample;
  const agree =
    votes === undefined
      ? `${Math.round(100 * agreement)} % agree`
      : `${Math.round(agreement * votes)} of ${votes} agree`;
  const front = `${title}  ${padEnd(label === null ? 'no answer' : agree, VERDICT)}  `;
  const question = shortenMiddle(oneLine(sample.question), width - INDENT - cells(front));
  return `${' '.repeat(INDENT)}${colours.dim(front)}${question}`;
}

function fitting(told: readonly string[], room: number): string[] {
  const kept: string[] = [];
  let used = 0;
  for (const phrase of told) {
    used += cells(phrase) + 2;
    if (used > room) break;
    kept.push(phrase);
  }
  return kept;
}
