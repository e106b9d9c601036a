import { createColors } from 'picocolors';
import type { Arm } from '../domain/settings.ts';
import type { Figure } from '../eval/scores.ts';
import { percent } from './metrics.ts';
import type { IterationSummary, RunSummary } from './runSummary.ts';
import { columns, plural, wrap } from './text.ts';
import { verdict } from './verdict.ts';

/** How the end of a run is shown, and what to point to below it. */
export interface TableOptions {
  colour: boolean;
  /** Columns; the table needs 100 at most, running text is broken to fit. */
  width: number;
  /** Files worth opening, as the person would type their paths. */
  files?: readonly { path: string; what: string }[];
  /** What the person may want to do next. */
  next?: readonly { command: string; what: string }[];
}

/** What each arm changes of the method. */
export const ARM_NOTES: Record<Arm, string> = {
  full: 'the whole method',
  'untrained-challenger': 'the base model asks the questions in every iteration',
  'shuffled-labels': 'pseudo-labels are shuffled among the kept questions',
  'random-rewards': "the Solver's rewards are coin flips",
  'no-filter': 'every question that has a label is kept',
  'no-repetition': "the Challenger's repetition penalty is off",
};

const WIDEST = 100;

/** The end of a run, for people: accuracy by iteration, what was asked, what it means, and where to go on. */
export function renderTable(summary: RunSummary, options: TableOptions): string {
  const { bold } = createColors(options.colour);
  const width = Math.min(WIDEST, options.width);
  const titled = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [bold(title), ...lines]);
  const problems = summary.evaluations[0]?.scores.questions ?? 0;
  const warnings = summary.iterations.flatMap(({ iteration, warnings }) =>
    warnings.map((warning) => `iteration ${iteration}, ${warning}`),
  );
  const sections = [
    wrap(heading(summary), width).map(bold),
    titled(
      `Held-out problems answered right, in % of ${problems} [95 % interval over problems]`,
      accuracyRows(summary),
    ),
    titled('Questions asked, and those kept to train on', questionRows(summary.iterations)),
    stepRows(summary, bold),
    wrap(verdict(summary), width),
    [...exposure(summary.iterations), ...warnings].flatMap((note) => wrap(`Note: ${note}`, width)),
    titled('Files', columns((options.files ?? []).map(({ path, what }) => [path, what])).map(indent)),
    titled('Next', columns((options.next ?? []).map(({ command, what }) => [command, what])).map(indent)),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function heading({ run }: RunSummary): string {
  const arm = run.arm === 'full' ? '' : `, arm ${run.arm} (${ARM_NOTES[run.arm]})`;
  return `R-Zero on ${run.model}, preset ${run.preset}, seed ${run.seed}${arm}: ${plural(run.iterations, 'iterations')}`;
}

function nameOf(iteration: number): string {
  return iteration === 0 ? 'base' : `iteration ${iteration}`;
}

function accuracyRows({ evaluations }: RunSummary): string[] {
  const k = evaluations[0]?.scores.samples ?? 0;
  const last = evaluations.at(-1);
  const head = ['', 'greedy', `mean@${k}`, `majority@${k}`, 'worked out', 'if worked'];
  const rows = evaluations.map(({ iteration, scores }) => [
    nameOf(iteration),
    interval(scores.greedy),
    interval(scores.mean),
    interval(scores.majority),
    share((scores.sampledStyle ?? scores.greedyStyle)?.workedShare),
    scores.worked === undefined ? '' : percent(scores.worked.value / 100),
  ]);
  const gain = last?.gain;
  const gains = gain
    ? [['gain', ...[gain.greedy, gain.mean, gain.majority].map((one) => interval(one?.figure, true))]]
    : [];
  return grid(head, [...rows, ...gains], head.slice(0, 4));
}

/** `38.2 [35.1, 41.3]`, or `+52.8 [50.1, 55.3]` for a gain. */
function interval(figure: Figure | undefined, gain = false): string {
  if (figure === undefined) return '';
  const sign = gain && figure.value > 0 ? '+' : '';
  const [value = '', low = '', high = ''] = [figure.value, figure.low, figure.high].map((number) =>
    number.toFixed(Math.abs(number) === 100 ? 0 : 1),
  );
  return `${`${sign}${value}`.padStart(5)} [${low}, ${high}]`;
}

function questionRows(iterations: readonly IterationSummary[]): string[] {
  const head = ['', 'asked', 'well-formed', 'in domain', 'steps', 'multiply', 'kept', 'steps', 'labels right'];
  const rows = iterations.flatMap(({ iteration, phases, audit }) => {
    const questions = phases.questions?.last;
    if (questions === undefined) return [];
    const { asked, kept } = audit ?? {};
    const keptCount = questions.kept ?? kept?.count;
    const steps = (mean: number | null | undefined) => (mean == null ? '' : mean.toFixed(1));
    return [
      [
        nameOf(iteration),
        String(questions.candidates ?? ''),
        share(questions.wellFormed),
        share(asked?.wellPosed),
        steps(asked?.meanSteps),
        share(asked?.multiplications),
        keptCount === undefined ? '' : `${keptCount} (${share(questions.keptShare)})`,
        steps(kept?.meanSteps),
        // The domain's truth cannot judge the questions of a model that asks in another way.
        asked?.wellPosed === 0 ? '-' : share(kept?.trainedLabelAccuracy ?? kept?.labelAccuracy),
      ],
    ];
  });
  return grid(head, rows);
}

/** Accuracy by number of steps, of the base and of the last iteration. */
function stepRows({ evaluations }: RunSummary, bold: (text: string) => string): string[] {
  const [base, last] = [evaluations[0], evaluations.at(-1)];
  const lengths = base?.scores.bySteps ?? [];
  if (base === undefined || last === undefined || last === base || lengths.length < 2) return [];
  const name = lengths[0]?.mean === undefined ? 'greedy' : 'mean';
  const row = ({ iteration, scores }: typeof base) => [
    nameOf(iteration),
    ...lengths.map(({ steps }) => scores.bySteps.find((other) => other.steps === steps)?.[name]?.toFixed(0) ?? ''),
  ];
  const head = ['steps', ...lengths.map(({ steps }) => String(steps))];
  const right = lengths.map((_, index) => index + 1);
  const title = name === 'mean' ? `mean@${base.scores.samples}` : 'greedy';
  return [bold(`The same by length, ${title} in %`), ...columns([head, row(base), row(last)], right)];
}

/** A reader must know when questions of the exam were trained on, if only with labels that were voted. */
function exposure(iterations: readonly IterationSummary[]): string[] {
  const counts = iterations.map(({ audit }) => Math.round((audit?.kept.inExam ?? 0) * (audit?.kept.count ?? 0)));
  if (!counts.some((count) => count > 0)) return [];
  return [
    `the Challenger hit on exam questions by itself: ${counts.join(', ')} among those kept, by iteration. ` +
      'They were trained on with voted labels, never the true ones.',
  ];
}

function share(value: number | null | undefined): string {
  return value == null ? '' : percent(value, 0);
}

/** Rows under their heads, without the columns in which no row says anything. Only the columns in `left` align left. */
function grid(head: readonly string[], rows: readonly (readonly string[])[], left: readonly string[] = []): string[] {
  const said = head.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''));
  const shown = [head, ...rows].map((row) => row.filter((_, column) => said[column]));
  const right = (shown[0] ?? []).flatMap((name, column) => (name === '' || left.includes(name) ? [] : [column]));
  return rows.length === 0 ? [] : columns(shown, right);
}

function indent(line: string): string {
  return `  ${line}`;
}
