import type { Arm } from '../../domain/settings.ts';
import { mean, type PairedDifference, pairedDifference } from '../../domain/statistics.ts';
import type { RunSummary } from '../../report/runSummary.ts';

/** One arm after one iteration: means over its seeds, in percent or percentage points unless said otherwise. */
export interface ArmIteration {
  iteration: number;
  /** mean@k, and by seed. */
  meanAtK: number;
  meanAtKBySeed: number[];
  greedy: number;
  majority: number;
  /** mean@k over the base, paired by seed, and its two parts. */
  gain: PairedDifference;
  gainFromChoosing: number;
  gainFromFewerSlips: number;
  /** What the full method is ahead by, paired by seed; null for itself and where it was not run. */
  fullAhead: PairedDifference | null;
  /** The iteration's questions: shares in [0, 1], steps and counts as they are; null where no seed has the figure. */
  wellPosed: number | null;
  meanSteps: number | null;
  multiplications: number | null;
  kept: number | null;
  labelAccuracy: number | null;
}

export interface ArmResult {
  arm: Arm;
  iterations: ArmIteration[];
}

/**
 * Compare arms that ran with the same seeds.
 *
 * @param runs summaries by arm, in the same order of seeds for each
 */
export function compareArms(runs: ReadonlyMap<Arm, readonly RunSummary[]>): ArmResult[] {
  const full = runs.get('full');
  return [...runs].map(([arm, summaries]) => {
    const iterations = summaries[0]?.run.iterations ?? 0;
    return {
      arm,
      iterations: Array.from({ length: iterations }, (_, index) =>
        armIteration(index + 1, summaries, arm === 'full' ? undefined : full),
      ),
    };
  });
}

function armIteration(
  iteration: number,
  summaries: readonly RunSummary[],
  full: readonly RunSummary[] | undefined,
): ArmIteration {
  const evaluation = (summary: RunSummary) => summary.evaluations[iteration];
  const audit = (summary: RunSummary) => summary.iterations[iteration - 1]?.audit;
  const meanAtK = (summary: RunSummary, at = iteration) => summary.evaluations[at]?.scores.mean?.value ?? Number.NaN;
  const average = (figure: (summary: RunSummary) => number | undefined) =>
    mean(summaries.map((summary) => figure(summary) ?? Number.NaN));
  const present = (figure: (summary: RunSummary) => number | null | undefined) => {
    const values = summaries.flatMap((summary) => figure(summary) ?? []);
    return values.length === 0 ? null : mean(values);
  };
  const bySeed = summaries.map((summary) => meanAtK(summary));
  return {
    iteration,
    meanAtK: mean(bySeed),
    meanAtKBySeed: bySeed,
    greedy: average((summary) => evaluation(summary)?.scores.greedy?.value),
    majority: average((summary) => evaluation(summary)?.scores.majority?.value),
    gain: pairedDifference(
      bySeed,
      summaries.map((summary) => meanAtK(summary, 0)),
    ),
    gainFromChoosing: average((summary) => evaluation(summary)?.gain?.mean?.parts?.choosing),
    gainFromFewerSlips: average((summary) => evaluation(summary)?.gain?.mean?.parts?.slips),
    fullAhead:
      full === undefined
        ? null
        : pairedDifference(
            full.map((summary) => meanAtK(summary)),
            bySeed,
          ),
    wellPosed: present((summary) => audit(summary)?.asked.wellPosed),
    meanSteps: present((summary) => audit(summary)?.asked.meanSteps),
    multiplications: present((summary) => audit(summary)?.asked.multiplications),
    kept: present((summary) => audit(summary)?.kept.count),
    labelAccuracy: present(
      (summary) => audit(summary)?.kept.trainedLabelAccuracy ?? audit(summary)?.kept.labelAccuracy,
    ),
  };
}

/** The results as two Markdown tables: what was learned after the last iteration, and how it came about. */
export function formatArms(results: readonly ArmResult[]): string {
  const last = results.flatMap(({ arm, iterations }) => {
    const end = iterations.at(-1);
    return end === undefined ? [] : [[arm, end] as const];
  });
  const learned = table(
    [
      'arm',
      'mean@k, %',
      'gain over base',
      'full is ahead by',
      'greedy',
      'majority@k',
      'from choosing',
      'from fewer slips',
    ],
    last.map(([arm, end]) => [
      `\`${arm}\``,
      point(end.meanAtK),
      interval(end.gain),
      end.fullAhead === null ? '' : interval(end.fullAhead),
      point(end.greedy),
      point(end.majority),
      signed(end.gainFromChoosing),
      signed(end.gainFromFewerSlips),
    ]),
  );
  const asked = table(
    [
      'arm',
      'iteration',
      'mean@k, %',
      'full is ahead by',
      'steps asked',
      'well-posed',
      'multiplications',
      'kept',
      'labels right',
    ],
    results.flatMap(({ arm, iterations }) =>
      iterations.map((one) => [
        `\`${arm}\``,
        String(one.iteration),
        point(one.meanAtK),
        one.fullAhead === null ? '' : interval(one.fullAhead),
        one.meanSteps === null ? '' : point(one.meanSteps),
        share(one.wellPosed),
        share(one.multiplications),
        one.kept === null ? '' : one.kept.toFixed(0),
        share(one.labelAccuracy),
      ]),
    ),
  );
  return `${learned}\n\n${asked}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function point(value: number): string {
  return Number.isFinite(value) ? value.toFixed(1) : '-';
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${point(value)}`;
}

function interval({ difference, interval: [low, high] }: PairedDifference): string {
  return `${signed(difference)} [${point(low)}, ${point(high)}]`;
}

function share(value: number | null): string {
  return value === null ? '' : `${(100 * value).toFixed(0)} %`;
}
