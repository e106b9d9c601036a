import type { createColors } from 'picocolors';
import type { Phase } from '../ports/reporter.ts';
import { type Metrics, phrases } from './metrics.ts';
import { cells, duration, oneLine, padEnd, padStart, plural, shorten, shortenMiddle } from './text.ts';

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

/** Who a line is about: `base         evaluation`, `iteration 2  solver`. */
export function heading(iteration: number, phase: Phase, colours: Colours): string {
  const name = iteration === 0 ? 'base' : `iteration ${iteration}`;
  return `${padEnd(name, NAME)} ${colours.cyan(padEnd(phase, PHASE))}`;
}

/** A running phase: bar, count, figures so far, time gone and time left. Figures that do not fit are left out. */
export function runningLine(state: PhaseState, width: number, colours: Colours, bar = true): string {
  const { done, total, unit, elapsed } = state;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.floor(share * BAR);
  const drawn = bar ? `[${colours.green('#'.repeat(filled))}${'-'.repeat(BAR - filled)}]  ` : '';
  const count = `${padStart(String(done), String(total).length)}/${total} ${unit}`;
  const left = share > 0 && share < 1 ? `, ${duration((elapsed / share) * (1 - share))} left` : '';
  const time = elapsed < 0.05 ? '' : `${duration(elapsed)}${left}`;
  const told =
    done === 0 && Object.keys(state.metrics).length === 0 ? [state.note] : phrases(state.phase, state.metrics);
  const front = `${heading(state.iteration, state.phase, colours)} ${drawn}${count}`;
  const room = width - NAME - PHASE - 2 - (bar ? BAR + 4 : 0) - cells(count) - (time === '' ? 0 : cells(time) + 2);
  const parts = [...fitting(told, room), ...(time === '' ? [] : [colours.dim(time)])];
  return [front, ...parts].join('  ');
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
        ? `${done}/${total} ${unit}`
        : plural(total, unit);
  const time = padStart(duration(state.elapsed), TIME);
  const front = `${heading(state.iteration, phase, colours)} ${padEnd(count, COUNT)} ${colours.dim(time)}`;
  const room = width - NAME - PHASE - 3 - Math.max(COUNT, cells(count)) - cells(time);
  return [front, ...fitting(phrases(phase, metrics), room)].join('  ');
}

/** A question as it was asked, cut in its middle to fit, and how far its answers agree. */
export function sampleLine(sample: Sample, title: string, indent: number, width: number, colours: Colours): string {
  const { agreement, votes, label } = sample;
  const agree =
    votes === undefined
      ? `${Math.round(100 * agreement)} % agree`
      : `${Math.round(agreement * votes)} of ${votes} agree`;
  const verdict = label === null ? 'no answer' : `${agree} on ${shorten(oneLine(label), 12)}`;
  const room = Math.max(10, width - indent - cells(title) - cells(verdict) - 4);
  const question = shortenMiddle(oneLine(sample.question), room);
  return `${' '.repeat(indent)}${colours.dim(title)}  ${question}  ${colours.dim(verdict)}`;
}

/** Column at which what belongs to a phase is indented: under the phase's name. */
export const INDENT = NAME + 1;

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
