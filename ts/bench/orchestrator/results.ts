import { peakMemoryBytes } from './meter.ts';
import type { OrchestratorOptions } from './options.ts';
import { doRound, type Round } from './round.ts';
import { type Waited, waitedFor } from './waited.ts';

/** What one run of the bench measures. */
export interface OrchestratorResults {
  /** As fast as the orchestrator can go. */
  flatOut: Round;
  /** At the pace of the run it stands for; null where there is none. */
  paced: (Round & { waited: Waited; idealSeconds: number }) | null;
  /** Of the orchestrator, until the end of the last round. */
  peakMemoryBytes: number;
}

/** Do both rounds. */
export async function measureOrchestrator(python: string, options: OrchestratorOptions): Promise<OrchestratorResults> {
  const flatOut = await doRound(python, options, 0);
  const { secondsPerSample, workers } = options;
  if (secondsPerSample === 0) return { flatOut, paced: null, peakMemoryBytes: peakMemoryBytes() };
  const round = await doRound(python, options, secondsPerSample);
  const idealSeconds = (round.samples * secondsPerSample) / workers;
  const paced = { ...round, waited: waitedFor(round.account, workers), idealSeconds };
  return { flatOut, paced, peakMemoryBytes: peakMemoryBytes() };
}

/** The figures by which runs are compared. */
export function summaryOf({ flatOut, paced, peakMemoryBytes }: OrchestratorResults, { workers }: OrchestratorOptions) {
  const { samples, tokens, seconds, cpuSeconds, account } = flatOut;
  const rate = (count: number): number => Math.round(count / seconds);
  const waited = paced === null ? null : paced.waited.betweenSteps + paced.waited.withinSteps;
  return {
    workers,
    samples,
    messagesPerSecond: rate(account.received + account.sent),
    samplesPerSecond: rate(samples),
    tokensPerSecond: rate(tokens),
    cpuSecondsPerThousandSamples: rounded((1000 * cpuSeconds) / samples),
    cpuShare: paced === null ? null : rounded(paced.cpuSeconds / paced.seconds),
    peakMemoryBytes,
    loopDelay: { flatOut: flatOut.loopDelay, paced: paced?.loopDelay ?? null },
    waited: paced === null ? null : { ...paced.waited, cpuBetweenSteps: rounded(paced.cpuBetweenSteps) },
    waitedShare: paced === null || waited === null ? null : rounded(waited / paced.idealSeconds),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
