import { createColors } from 'picocolors';
import { agreementHistogram } from '../domain/histogram.ts';
import type { Clock } from '../ports/clock.ts';
import type { Activity, LoopEvent, Phase, Reporter } from '../ports/reporter.ts';
import { type Mark, phaseLeft, phasesAfter, type RunShape, runLeft, usualSeconds } from './eta.ts';
import { LiveBlock } from './liveBlock.ts';
import {
  endedLine,
  heading,
  iterationLine,
  type PhaseState,
  runningLine,
  type Sample,
  sampleLine,
  skippedLine,
  type Work,
  workLine,
} from './phaseLines.ts';
import type { Terminal } from './terminal.ts';
import { oneLine, plural, wrap } from './text.ts';
import { PhaseThroughput } from './throughput.ts';

/** Where and how to show progress. */
export interface ProgressOptions {
  /** Takes text as it is to appear, line ends included. */
  write: (text: string) => void;
  terminal: Terminal;
  clock: Clock;
  /** Samples a question in an evaluation, for the name `mean@k`. */
  samples?: number;
  /** What phases there will be, for what the run has left. */
  run?: RunShape;
}

/** Seconds between two drawings of a live line: fast enough to look alive, slow enough to cost nothing. */
const LIVE_INTERVAL = 0.1;
/** Seconds between two lines of one phase where lines cannot be redrawn. */
const PLAIN_INTERVAL = 5;
/** So long it takes at most until what is on record of a phase has been read again. */
const RECALL_SECONDS = 1;

interface Running {
  state: PhaseState;
  started: number;
  shownAt: number;
  /** From where on it makes its own pace. */
  since: Mark;
  /** Whether what comes first is on record: it is there at once. */
  isRecalled: boolean;
  agreements: number[];
  throughput?: PhaseThroughput;
  /** The phase's first question and its latest: what training changed lies between them. */
  first?: Sample;
  latest?: Sample;
}

/**
 * Shows people how a run goes. On a live terminal the running phase is one line that is redrawn, with how its answers
 * agree, what the workers do and one or two of its questions below; elsewhere there are plain lines, at most one every five seconds.
 * A finished phase stays as one line with its figures.
 *
 * It never throws: a run is worth more than its display. After a failed write it is silent.
 */
export function createProgressReporter(options: ProgressOptions): Reporter {
  const { terminal, clock } = options;
  const { live, unicode } = terminal;
  const colours = createColors(terminal.colour);
  const block = new LiveBlock(options.write, () => terminal.width());
  let running: Running | undefined;
  let activity: Activity | undefined;
  /** Seconds that phases took, by kind. */
  const taken = new Map<Phase, number[]>();
  let broken = false;
  /** What is said once, though a run that begins again from what is on record comes by it again. */
  const said = new Set<string>();

  // The last column stays free: some terminals wrap as soon as it is written.
  const width = () => terminal.width() - 1;
  const print = (line: string) => options.write(`${line}\n`);
  const workLines = (work: Work): string[] => {
    const line = workLine(work, width(), unicode === true);
    return line === undefined ? [] : [colours.dim(line)];
  };
  const workOf = ({ agreements, throughput }: Running): Work => ({ agreements, throughput: throughput?.read() ?? {} });
  const sampleLines = ({ first, latest, state }: Running): string[] => {
    const show = (sample: Sample | undefined, title: string) =>
      sample === undefined ? [] : [sampleLine(sample, title, width(), colours)];
    if (state.phase !== 'challenger') return show(latest, 'for example');
    return [...show(first, 'asked first'), ...(latest === first ? [] : show(latest, 'asked last '))];
  };

  function draw(phase: Running, now: number, due: boolean): void {
    const interval = live ? LIVE_INTERVAL : PLAIN_INTERVAL;
    if (!due && now - phase.shownAt < interval) return;
    phase.shownAt = now;
    const state = withTimes(phase, now);
    if (live)
      block.draw([
        runningLine(state, width(), colours),
        ...workLines({ ...workOf(phase), runLeft: leftOf(state) }),
        ...sampleLines(phase),
      ]);
    else print(runningLine(state, width(), colours, false));
  }

  function withTimes({ state, started, since }: Running, now: number): PhaseState {
    const elapsed = now - started;
    const share = state.total > 0 ? Math.min(1, state.done / state.total) : 0;
    return {
      ...state,
      elapsed,
      left: phaseLeft({ elapsed, share }, since, usualSeconds(taken.get(state.phase) ?? [])),
    };
  }

  /** What the run has left. */
  function leftOf({ iteration, phase, elapsed, left }: PhaseState): number | undefined {
    if (options.run === undefined) return undefined;
    return runLeft(phasesAfter(options.run, iteration, phase), phase, { elapsed, left }, taken);
  }

  function took(phase: Phase, seconds: number): void {
    taken.set(phase, [...(taken.get(phase) ?? []), seconds]);
  }

  function announce(event: Extract<LoopEvent, { type: 'iteration-started' }>): void {
    if (said.has(`iteration ${event.iteration}`)) return;
    said.add(`iteration ${event.iteration}`);
    block.release();
    print(iterationLine(event, width(), colours));
  }

  function begin(event: Extract<LoopEvent, { type: 'phase-started' }>, now: number): void {
    const { iteration, phase, unit, note: what, total, recorded } = event;
    block.release();
    const note = recorded === undefined ? what : `goes on, with ${plural(recorded, 'answers')} on record`;
    const state = { iteration, phase, unit, note, total, done: 0, metrics: {}, elapsed: 0 };
    running = {
      state,
      started: now,
      shownAt: now,
      since: { elapsed: 0, share: 0 },
      isRecalled: recorded !== undefined,
      agreements: [],
      ...(activity !== undefined && { throughput: new PhaseThroughput(now, activity) }),
    };
    if (live) draw(running, now, true);
    else if (recorded !== undefined) print(`${heading(iteration, phase, colours)} ${note}`);
  }

  /** What an evaluation's figures are called by. */
  function samplesOf(phase: Phase): { samples?: number } {
    return phase === 'evaluation' && options.samples !== undefined ? { samples: options.samples } : {};
  }

  function end(event: Extract<LoopEvent, { type: 'phase-ended' }>): void {
    const { iteration, phase, seconds } = event;
    said.add(`${iteration} ${phase}`);
    const before = running?.state ?? { unit: 'steps', note: '', done: 0, total: 0 };
    const state = { ...before, iteration, phase, elapsed: seconds, metrics: { ...samplesOf(phase), ...event.metrics } };
    // Of one that goes on only the rest is known.
    if (running?.isRecalled === false) took(phase, seconds);
    const below = running === undefined ? [] : [...workLines(withoutLately(workOf(running))), ...sampleLines(running)];
    const lines = [endedLine(state, width(), colours), ...below];
    if (live) {
      block.draw(lines);
      block.release();
    } else lines.forEach(print);
    running = undefined;
  }

  function advance(
    phase: Running,
    event: Extract<LoopEvent, { type: 'progress' | 'step' | 'agreements' | 'sample-question' }>,
    now: number,
  ): void {
    if (event.type === 'agreements') {
      const counts = agreementHistogram(event.agreements);
      // A Challenger's questions change from step to step.
      const before = phase.state.phase === 'challenger' ? [] : phase.agreements;
      phase.agreements = counts.map((count, cell) => count + (before[cell] ?? 0));
    } else if (event.type === 'progress') {
      phase.state = { ...phase.state, done: event.done, total: event.total };
    } else if (event.type === 'step') {
      phase.state = { ...phase.state, done: event.step, total: event.steps, metrics: event.metrics };
    } else {
      const { question, agreement, samples, label } = event;
      phase.latest = { question, agreement, label, votes: samples };
      phase.first ??= phase.latest;
    }
    if (phase.isRecalled && now - phase.started < RECALL_SECONDS) setOut(phase, now);
  }

  /** From here on the phase makes its own pace. */
  function setOut(phase: Running, now: number): void {
    const { done, total } = phase.state;
    phase.since = { elapsed: now - phase.started, share: total > 0 ? done / total : 0 };
  }

  function warn(event: Extract<LoopEvent, { type: 'warning' }>): void {
    const { iteration, phase, message, name } = event;
    const indent = heading(iteration, phase, createColors(false)).length + 1;
    const [first = '', ...rest] = wrap(
      oneLine(`warning: ${name === undefined ? '' : `${name}: `}${message}`),
      width() - indent,
    ).map(colours.yellow);
    const lines = [`${heading(iteration, phase, colours)} ${first}`, ...rest.map((line) => ' '.repeat(indent) + line)];
    if (live) block.above(lines);
    else lines.forEach(print);
  }

  function skip({ iteration, phase, seconds, metrics }: Extract<LoopEvent, { type: 'phase-skipped' }>): void {
    if (said.has(`${iteration} ${phase}`)) return;
    said.add(`${iteration} ${phase}`);
    took(phase, seconds);
    block.release();
    print(skippedLine({ iteration, phase, metrics: { ...samplesOf(phase), ...metrics } }, width(), colours));
  }

  function resume({ step }: Extract<LoopEvent, { type: 'phase-resumed' }>, phase: Running, now: number): void {
    phase.state = { ...phase.state, done: step };
    setOut(phase, now);
    const { state } = phase;
    const line = `${heading(state.iteration, state.phase, colours)} ${colours.dim(`goes on after step ${step}`)}`;
    if (live) block.above([line]);
    else print(line);
  }

  function tell({ type, message }: Extract<LoopEvent, { type: 'workers' | 'recovery' | 'model' | 'roll-back' }>): void {
    const paint = type === 'model' || type === 'roll-back' ? colours.yellow : colours.dim;
    const lines = wrap(oneLine(`${type}: ${message}`), width()).map(paint);
    if (live) block.above(lines);
    else lines.forEach(print);
  }

  function show(event: LoopEvent): void {
    const now = clock.now();
    if (event.type === 'iteration-started') announce(event);
    else if (event.type === 'phase-started') begin(event, now);
    else if (event.type === 'phase-ended') end(event);
    else if (event.type === 'warning') warn(event);
    else if (event.type === 'phase-skipped') skip(event);
    else if (
      event.type === 'workers' ||
      event.type === 'recovery' ||
      event.type === 'model' ||
      event.type === 'roll-back'
    )
      tell(event);
    else if (event.type === 'phase-resumed') {
      if (running !== undefined) resume(event, running, now);
    } else if (event.type === 'activity') {
      activity = event;
      running?.throughput?.add(now, event);
    } else if (running !== undefined) {
      advance(running, event, now);
      draw(running, now, false);
    }
  }

  return {
    report(event) {
      if (broken) return;
      try {
        show(event);
      } catch {
        broken = true;
      }
    },
  };
}

/** What there is to say of a phase that is over. */
function withoutLately({ throughput: { lately: _, ...throughput }, ...work }: Work): Work {
  return { ...work, throughput };
}
