import { explainError } from '../cli/explainError.ts';
import { LEGEND, timeline } from '../simulate/timeline.ts';
import { assumptions } from './simulate/assumptions.ts';
import { parseOptions, type SimulateOptions } from './simulate/options.ts';
import {
  clusterOf,
  FIFTH,
  type Outcome,
  PAPER_SIZES,
  PUBLISHED,
  playOurs,
  playTheirs,
  REWARDS_SECONDS,
  type Result,
  type Sizes,
} from './simulate/scenarios.ts';
import { failuresTable, phasesTable, runsTable } from './simulate/tables.ts';

/** The published wall clock is of the first, and so are the figures of the last line; the second is what most would rent. */
const CARDS = ['a100-40', 'h100'] as const;
/** Hours for three iterations, as the method's author says (issue 10 of the published code), on eight of the first. */
const PUBLISHED_HOURS = 50;
const COUNTS = [1, 2, 4, 8, 16, 64, 256, 1000];
const OVER_ASK = 0.1;
const OVER_ASKED_COUNTS = [8, 64];
/** With how many GPUs there is more to do than in the paper, and how many times as much. */
const SCALED_COUNTS = [64, 1000];
const SCALE = 4;
const RESTART_SECONDS = 120;
const FAILS_SECONDS = 3600;

/**
 * `npm run bench -- simulate`: what a run would take on GPUs that are not here. The real loop and the real pool are played
 * on simulated workers in virtual time, beside the published code's fixed split. Tables in Markdown go to stderr; the
 * last line is one JSON object.
 */
async function main({ quick, timeline: withTimeline }: SimulateOptions): Promise<void> {
  const say = (text: string): void => {
    process.stderr.write(`${text}\n\n`);
  };
  say(
    assumptions(CARDS)
      .map((line) => `- ${line}`)
      .join('\n'),
  );
  const sizes = { ...PAPER_SIZES, scale: quick ? 1 / 8 : 1 };

  const cards: Card[] = [];
  for (const gpu of CARDS) {
    const { runs, card, ours } = await compare(gpu, sizes);
    cards.push(card);
    say(`${runsTable(runs)}\n\n${phasesTable(runs)}`);
    if (withTimeline) say(timelines(ours));
  }
  const [first] = cards;
  if (first !== undefined && !quick) {
    const three = (3 * first.publishedStepsHours).toFixed(1);
    say(
      `Three iterations of the fixed split with its own steps come to ${three} hours; its author says about ${PUBLISHED_HOURS}.`,
    );
  }
  const more = quick ? {} : await growing(say);
  process.stdout.write(
    `${JSON.stringify({
      bench: 'simulate',
      quick,
      gpu: first?.gpu,
      speedupVsFixedSplit: first?.speedupVsFixedSplit,
      busyShare: first?.busyShare,
      cards,
      ...more,
    })}\n`,
  );
}

/** Eight GPUs of a kind at the paper's sizes. */
interface Card {
  gpu: string;
  speedupVsFixedSplit: number;
  busyShare: number;
  hours: number;
  fixedSplitHours: number;
  /** The same with its rewards in the time they take, instead of none. */
  speedupWithRewards: number;
  /** Of the fixed split with all the steps that its scripts take. */
  publishedStepsHours: number;
  runs: readonly Result[];
}

async function compare(gpu: string, sizes: Sizes) {
  const cluster = clusterOf(gpu, 8);
  const { result: theirs } = await playTheirs(cluster, sizes);
  const { result: rewarded } = await playTheirs(cluster, sizes, REWARDS_SECONDS * sizes.scale ** 2);
  const { result: published } = await playTheirs(cluster, { ...sizes, ...PUBLISHED });
  const ours = await playOurs(cluster, sizes);
  const { result } = ours;
  const runs = [theirs, rewarded, published, result];
  for (const layout of ['colocated', 'apart'] as const) {
    const { result: other } = await playOurs(cluster, sizes, { layout });
    if (other.layout !== result.layout) runs.push(other);
  }
  const card: Card = {
    gpu,
    speedupVsFixedSplit: theirs.hours / result.hours,
    busyShare: result.usage.busy,
    hours: result.hours,
    fixedSplitHours: theirs.hours,
    speedupWithRewards: rewarded.hours / result.hours,
    publishedStepsHours: published.hours,
    runs,
  };
  return { card, runs, ours };
}

/** What each GPU does in the first step of a phase, or all of one that has none. */
function timelines({ played }: Outcome): string {
  const steps = {
    evaluation: 1,
    challenger: PAPER_SIZES.challengerSteps,
    questions: 1,
    solver: PAPER_SIZES.solverSteps,
  };
  const parts = played.phases
    .filter(({ phase }) => phase !== 'evaluation')
    .map(({ phase, from, to }) => {
      const end = from + (to - from) / steps[phase];
      return [`${phase}, ${Math.round(end - from)} s`, ...timeline(played, { from, to: end }, 100)].join('\n');
    });
  return [LEGEND, ...parts].join('\n\n');
}

/** From one GPU to a thousand, and with samplers that fail. */
async function growing(say: (text: string) => void) {
  const fifth = { ...PAPER_SIZES, ...FIFTH };
  const scaling: Result[] = [];
  for (const count of COUNTS) {
    scaling.push((await playOurs(clusterOf('h100', count), fifth)).result);
    if (!OVER_ASKED_COUNTS.includes(count)) continue;
    scaling.push((await playOurs(clusterOf('h100', count), { ...fifth, overAsk: OVER_ASK })).result);
  }
  say(`A fifth of an iteration, 1 and 3 steps, at the paper's sizes:\n\n${runsTable(scaling)}`);
  const scaled: Result[] = [];
  const failures: { failing: string; result: Result }[] = [];
  for (const count of SCALED_COUNTS) {
    const [cluster, sizes] = [clusterOf('h100', count), { ...fifth, scale: SCALE }];
    const { result } = await playOurs(cluster, sizes);
    scaled.push(result);
    const failing = { meanSeconds: FAILS_SECONDS, restartSeconds: RESTART_SECONDS };
    const { result: failed } = await playOurs(cluster, sizes, {}, failing);
    failures.push({ failing: 'never', result }, { failing: 'every hour', result: failed });
  }
  say(`The same with ${SCALE} times as many prompts, candidates and samples an update:\n\n${runsTable(scaled)}`);
  say(
    `The same where each sampler fails once in a while and is back after ${RESTART_SECONDS} s:\n\n${failuresTable(failures)}`,
  );
  return { scaling, scaled, failures };
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`simulate: ${message}\n`);
  process.exitCode = exitCode;
}
