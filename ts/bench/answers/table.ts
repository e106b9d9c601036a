import type { Score } from './score.ts';

/** Scores by grader, ours first. */
export type Scores = Readonly<Record<string, Score>>;

/** One line a grader: how often it is right, and how long it takes. */
export function formatScores(title: string, scores: Scores): string {
  const head = [title, 'right', 'false accepts', 'false rejects', 'undecided', 'hangs', 'errors'];
  const rows = Object.entries(scores).map(([name, s]) => [
    name,
    `${(100 * s.accuracy).toFixed(2)} % of ${s.pairs}`,
    ...[s.falseAccepts, s.falseRejects, s.undecided, s.hangs, s.failures].map(String),
    ...[s.milliseconds.median, s.milliseconds.p99, s.milliseconds.max].map(shown),
    shown(s.pairsPerSecond),
  ]);
  return table([...head, 'ms median', 'p99', 'max', 'pairs/s'], rows);
}

/** Right verdicts in % and false accepts + false rejects + undecided, by kind. */
export function formatKinds(scores: Scores): string {
  const [ours, ...others] = Object.values(scores);
  const rows = Object.entries(ours?.kinds ?? {}).map(([kind, tally]) => [
    kind,
    `${tally.pairs}`,
    ...[ours, ...others].map((grader) => {
      const { right = 0, pairs = 0, falseAccepts, falseRejects, undecided } = grader?.kinds[kind] ?? {};
      const errors = right === pairs ? '' : ` (${falseAccepts} + ${falseRejects} + ${undecided})`;
      return `${((100 * right) / pairs).toFixed(1)}${errors}`;
    }),
  ]);
  return table(['% right (false accepts + false rejects + undecided)', 'pairs', ...Object.keys(scores)], rows);
}

/** Three digits, or all before the point. */
function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
