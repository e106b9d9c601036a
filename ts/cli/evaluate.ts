import type { LoadedBenchmark } from '../benchmarks/benchmark.ts';
import { answeredItems } from '../eval/answeredItem.ts';
import type { PaperSuites, Sat } from '../eval/averages.ts';
import { buildScores } from '../eval/buildScores.ts';
import type { DrawingProtocol, EvaluationDocument, SatBenchmark } from '../eval/evaluationDocument.ts';
import { askJudge } from '../eval/judgement.ts';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import { gradeRecorded, isDrawn, responsesOf, sit } from '../eval/sitting.ts';
import type { Judge } from '../judge/judge.ts';
import { EvalProgress } from '../report/evalProgress.ts';
import { type EvaluationFolder, type OpenRecords, readBenchmark } from '../store/evaluationFolder.ts';
import type { Subject } from './evalSubject.ts';
import type { EvalWorkers } from './evalWorkers.ts';
import { processClock } from './experiment.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** How models are evaluated: the same for each of one command. */
export interface EvaluationPlan {
  benchmarks: readonly LoadedBenchmark[];
  /** Which benchmarks the averages are over. */
  suites: PaperSuites;
  protocol: DrawingProtocol;
  /** Samples an item; null: as many as each benchmark's protocol has. */
  samples: number | null;
  greedy: boolean;
  /** The first so many items; null: all. */
  limit: number | null;
  judge: Judge | null;
  requestSamples: number;
}

/** The name that the model has in the workers. */
const MODEL_ID = 'evaluated';

/**
 * Have a model sit what is not on record of it, ask the judge about what it has not seen, and write the scores. No worker is
 * needed where every response is there.
 *
 * @param folder held by the caller
 * @returns the figures of all benchmarks in the folder that are sat to the end
 * @throws as the workers, the judge and the folder do
 */
export async function evaluate(
  subject: Subject,
  plan: EvaluationPlan,
  folder: EvaluationFolder,
  workers: EvalWorkers,
  terminal: Terminal,
): Promise<ScoresDocument> {
  const { benchmarks, judge, suites } = plan;
  const opened = benchmarks.map((benchmark) => ({
    benchmark,
    sat: folder.document.benchmarks[benchmark.name] as SatBenchmark,
    records: folder.benchmark(benchmark.name, benchmark.items),
  }));
  if (!opened.every(isDrawn)) await draw(subject, plan, folder, opened, workers, terminal);
  else for (const one of opened) await gradeRecorded(one, terminal.signal);
  if (judge !== null) {
    for (const { records, name, answered } of sittings(folder, opened, judge)) {
      if (records !== undefined) await askAbout(judge, name, answered, records, terminal);
    }
  }
  const sat = sittings(folder, opened, judge);
  for (const name of Object.keys(folder.document.benchmarks)) {
    if (sat.some((one) => one.name === name)) continue;
    terminal.err(`Note: ${name} was begun here and is not finished; its scores come when it is\n`);
  }
  const scores = buildScores(folder.document, sat, suites, identityOf(judge), VERSION);
  folder.writeScores(scores);
  return scores;
}

/** What is asked for now, as the folder's document has it. */
export function documentOf(subject: Subject, plan: EvaluationPlan): EvaluationDocument {
  return {
    version: 1,
    model: subject.model,
    protocol: plan.protocol,
    benchmarks: Object.fromEntries(plan.benchmarks.map((benchmark) => [benchmark.name, satOf(benchmark, plan)])),
  };
}

function satOf(benchmark: LoadedBenchmark, plan: EvaluationPlan): SatBenchmark {
  const { title, group, metric, samples, maxTokens, items, origin, digest } = benchmark;
  const { limit, protocol, greedy } = plan;
  return {
    title,
    group,
    metric,
    items: Math.min(items.length, limit ?? items.length),
    available: items.length,
    samples: plan.samples ?? samples,
    greedy,
    maxTokens: protocol.maxTokens ?? maxTokens,
    origin,
    digest,
  };
}

interface Opened {
  benchmark: LoadedBenchmark;
  sat: SatBenchmark;
  records: OpenRecords;
}

async function draw(
  subject: Subject,
  { protocol, requestSamples }: EvaluationPlan,
  folder: EvaluationFolder,
  opened: readonly Opened[],
  hired: EvalWorkers,
  terminal: Terminal,
): Promise<void> {
  const { signal } = terminal;
  const workers = await hired.hired(folder);
  const progress = new EvalProgress({
    write: terminal.err,
    terminal: terminal.screen,
    clock: processClock,
    activity: () => workers.activity,
    totals: new Map(opened.map(({ benchmark, sat }) => [benchmark.title, responsesOf(sat)])),
  });
  const { onChange } = hired;
  hired.onChange = (message) => progress.tell(message);
  try {
    const load = { modelId: MODEL_ID, source: subject.source, trainable: false, role: 'sample', seed: 0 } as const;
    await workers.loadModel(load, { signal });
    await allOf(
      opened.map(({ benchmark, sat, records }) => ({ benchmark, sat, records })),
      (one, stop) =>
        sit({
          ...one,
          worker: workers,
          modelId: MODEL_ID,
          protocol,
          requestSamples,
          signal: stop,
          onProgress: (done) => progress.advance(one.benchmark.title, done),
        }),
      signal,
    );
    await workers.unloadModel({ modelId: MODEL_ID }, { signal });
  } finally {
    hired.onChange = onChange;
    progress.close();
  }
}

/** Do several things at a time. The first that fails ends the others, and is thrown when all are over. */
async function allOf<T>(
  things: readonly T[],
  action: (thing: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const all = things.map((thing) => action(thing, either));
  try {
    await Promise.all(all);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(all);
    throw error;
  }
}

/** All benchmarks in the folder that are sat to the end; `records` where it is one of this command. */
function sittings(
  folder: EvaluationFolder,
  opened: readonly Opened[],
  judge: Judge | null,
): (Sat & { records?: OpenRecords })[] {
  return Object.entries(folder.document.benchmarks).flatMap(([name, sat]) => {
    const records = opened.find(({ benchmark }) => benchmark.name === name)?.records;
    const answered = answeredItems(records ?? readBenchmark(folder.path, name), sat, identityOf(judge));
    if (answered === undefined) return [];
    return [{ name, sat, answered, ...(records === undefined ? {} : { records }) }];
  });
}

async function askAbout(
  judge: Judge,
  name: string,
  answered: Sat['answered'],
  records: OpenRecords,
  { err, signal }: Terminal,
): Promise<void> {
  err(`Asking ${judge.model} about ${name}...\n`);
  await askJudge(judge, answered, (verdicts) => records.addVerdicts(verdicts), signal);
}

function identityOf(judge: Judge | null): ScoresDocument['protocol']['judge'] {
  if (judge === null) return null;
  const { model, endpoint, temperature } = judge;
  return { model, endpoint, temperature };
}
