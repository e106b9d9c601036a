import type { Result } from './scenarios.ts';

/** Runs as a Markdown table. */
export function runsTable(results: readonly Result[]): string {
  const head = [
    'GPUs',
    'who does what',
    'rows',
    'hours',
    'busy',
    'filled',
    'hand-over, loading',
    'sleep, wake',
    'dollars',
  ];
  return markdown(
    head,
    results.map((result) => [
      `${grouped(result.gpus)} x ${result.gpu}`,
      result.layout,
      grouped(result.rows),
      hours(result.hours),
      percent(result.usage.busy),
      percent(result.usage.filled),
      percent(result.usage.by.handover + result.usage.by.load),
      percent(result.usage.by.sleep),
      grouped(result.dollars),
    ]),
  );
}

/** The same runs by phase, and how many times faster each is than the first. */
export function phasesTable(results: readonly Result[]): string {
  const [first] = results;
  if (first === undefined) return '';
  return markdown(
    ['who does what', 'Challenger', 'questions', 'Solver', 'all', 'times as fast'],
    results.map(({ layout, phaseHours, hours: all }) => [
      layout,
      hours(phaseHours.challenger),
      hours(phaseHours.questions),
      hours(phaseHours.solver),
      hours(all),
      (first.hours / all).toFixed(2),
    ]),
  );
}

/** Runs whose samplers fail, beside one where none does, which comes first. */
export function failuresTable(results: readonly { failing: string; result: Result }[]): string {
  return markdown(
    ['GPUs', 'a sampler fails', 'hours', 'failures', 'tokens drawn for nobody', 'busy'],
    results.map(({ failing, result }) => [
      `${grouped(result.gpus)} x ${result.gpu}`,
      failing,
      hours(result.hours),
      grouped(result.failed),
      percent(result.lostTokens / result.tokens),
      percent(result.usage.busy),
    ]),
  );
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function hours(value: number): string {
  return value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
