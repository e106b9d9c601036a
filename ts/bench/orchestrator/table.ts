import type { OrchestratorOptions } from './options.ts';
import { type OrchestratorResults, summaryOf } from './results.ts';
import type { Round } from './round.ts';

/** The results as Markdown tables. */
export function formatResults(results: OrchestratorResults, options: OrchestratorOptions): string {
  const { flatOut, paced, peakMemoryBytes } = results;
  const rounds = [flatOut, ...(paced === null ? [] : [paced])];
  const row = (name: string, cell: (round: Round) => string) => [name, ...rounds.map(cell)];
  const per = (count: (round: Round) => number) => (round: Round) => grouped(count(round) / round.seconds);
  const delays = ({ loopDelay: { p50, p99, max } }: Round) =>
    `${p50.toFixed(1)} / ${p99.toFixed(1)} / ${max.toFixed(0)}`;
  const title = `${grouped(options.workers)} workers, ${grouped(flatOut.samples)} samples in ${flatOut.steps} steps`;
  const rows = [
    [title, 'flat out', ...(paced === null ? [] : [`at ${options.secondsPerSample} s a sample`])],
    row('seconds', ({ seconds }) => seconds.toFixed(1)),
    row(
      'messages/s, both ways',
      per(({ account }) => account.received + account.sent),
    ),
    row(
      'samples/s',
      per(({ samples }) => samples),
    ),
    row(
      'tokens/s',
      per(({ tokens }) => tokens),
    ),
    row('CPU seconds per 1,000 samples', ({ cpuSeconds, samples }) => ((1000 * cpuSeconds) / samples).toFixed(3)),
    row('CPU, % of one core', ({ cpuSeconds, seconds }) => ((100 * cpuSeconds) / seconds).toFixed(1)),
    row('event loop late by, ms: p50 / p99 / max', delays),
  ];
  const [head = [], ...body] = rows;
  const lines = [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`);
  const memory = `Peak memory of the orchestrator: ${(peakMemoryBytes / 2 ** 20).toFixed(0)} MiB.`;
  return [lines.join('\n'), memory, ...(paced === null ? [] : [waiting(results, options)])].join('\n\n');
}

function waiting(results: OrchestratorResults, options: OrchestratorOptions): string {
  const { paced } = results;
  const { waited = null, waitedShare } = summaryOf(results, options);
  if (paced === null || waited === null || waitedShare === null) return '';
  const between = `${waited.betweenSteps.toFixed(2)} s between steps`;
  const within = `${waited.withinSteps.toFixed(2)} s within them`;
  const share = `${(100 * waitedShare).toFixed(2)} % of the ${paced.idealSeconds.toFixed(1)} s that their work takes`;
  const cpu = `Between steps it computed for ${paced.cpuBetweenSteps.toFixed(2)} s, all threads together.`;
  return `A worker waited ${between} and ${within} for the orchestrator: ${share}. ${cpu}`;
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
