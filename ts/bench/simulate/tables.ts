import type { Result } from './scenarios.ts';

/** Results as a Markdown table; `against` names the run that the others are compared with, by its place. */
export function table(results: readonly Result[], against?: number): string {
  const base = against === undefined ? undefined : results[against];
  const head = [
    'GPUs',
    'who does what',
    'rows',
    'hours',
    'Challenger',
    'questions',
    'Solver',
    'busy',
    'rows filled',
    'hand-over, loading',
    'sleep, wake',
    'dollars',
    ...(base === undefined ? [] : ['times the speed']),
  ];
  const rows = results.map((result) => {
    const { usage, phaseHours } = result;
    return [
      `${grouped(result.gpus)} x ${result.gpu}`,
      result.layout,
      String(result.rows),
      hours(result.hours),
      hours(phaseHours.challenger),
      hours(phaseHours.questions),
      hours(phaseHours.solver),
      percent(usage.busy),
      percent(usage.filled),
      percent(usage.by.handover + usage.by.load),
      percent(usage.by.sleep),
      grouped(result.dollars),
      ...(base === undefined ? [] : [(base.hours / result.hours).toFixed(2)]),
    ];
  });
  return markdown(head, rows);
}

/** A Markdown table. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function hours(value: number): string {
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function grouped(value: number): string {
  return value >= 10 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);
}
