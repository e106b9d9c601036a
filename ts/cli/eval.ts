import { join, resolve } from 'node:path';
import type { LoadedBenchmark } from '../benchmarks/benchmark.ts';
import { loadSuite } from '../benchmarks/load.ts';
import { SUITES } from '../benchmarks/suites.ts';
import type { PaperSuites } from '../eval/averages.ts';
import type { DrawingProtocol } from '../eval/evaluationDocument.ts';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import { createJudge, type EndpointJudge } from '../judge/createJudge.ts';
import { Stopped } from '../loop/errors.ts';
import { renderEvaluation } from '../report/evalTable.ts';
import { plural } from '../report/text.ts';
import { EvaluationFolder } from '../store/evaluationFolder.ts';
import { benchmarkTools } from './benchmarkTools.ts';
import { type Subject, type SubjectFlags, type Subjects, subjectsOf } from './evalSubject.ts';
import { documentOf, type EvaluationPlan, evaluate } from './evaluate.ts';
import { EvalWorkers, evaluationRequestSamples } from './evalWorkers.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero eval` as given. */
export interface EvalFlags extends SubjectFlags {
  suite: string;
  data?: string;
  k?: string;
  greedy: boolean;
  limit?: string;
  temperature: string;
  topP: string;
  topK: string;
  maxTokens?: string;
  seed: string;
  judge?: string;
  judgeModel?: string;
  judgeTemperature?: string;
  judgeCache?: string;
  judgeMaxTokens?: string;
  judgeConcurrency?: string;
  judgeRequestsPerMinute?: string;
  out?: string;
  json?: true;
}

/**
 * `rzero eval`: models on benchmarks, from what is on record of that in their folders.
 *
 * @throws UsageError, ConfigError, BenchmarkError, JudgeError, EvaluationFolderError, FolderHeld, RecordsDamaged,
 *   RunFolderError, JournalError, PublishError; what workers throw; Stopped, which has been said
 */
export async function evalCommand(name: string, flags: EvalFlags, terminal: Terminal): Promise<void> {
  const models = subjectsOf(name, flags, terminal);
  const settings = settingsOf(flags, models.config.worker.backend);
  const judge = judgeOf(flags, terminal);
  const benchmarks = await loadSuite(flags.suite, {
    ...(flags.data === undefined ? {} : { data: flags.data }),
    workingFolder: terminal.workingFolder,
    tools: benchmarkTools(terminal),
    signal: terminal.signal,
  });
  const plan: EvaluationPlan = {
    ...settings,
    benchmarks,
    suites: paperSuites(),
    judge: judge ?? null,
    requestSamples: evaluationRequestSamples(models.config.worker),
  };
  requireResponses(plan);
  terminal.err(`${announcement(models, plan)}\n`);
  try {
    const documents = await evaluateAll(models, plan, flags, terminal);
    if (judge !== undefined) terminal.err(`${judge.summary()}\n`);
    if (flags.json) print(documents.length === 1 ? documents[0] : documents, terminal);
  } catch (error) {
    if (!terminal.signal.aborted) throw error;
    terminal.err('rzero: stopped; the same command goes on: what is on record is not drawn again\n');
    throw new Stopped();
  }
}

async function evaluateAll(
  { subjects, config, workingFolder }: Subjects,
  plan: EvaluationPlan,
  flags: EvalFlags,
  terminal: Terminal,
): Promise<ScoresDocument[]> {
  const documents: ScoresDocument[] = [];
  const workers = new EvalWorkers(config, workingFolder, terminal);
  try {
    for (const subject of subjects) {
      const name = folderOf(subject, flags, subjects.length > 1);
      const folder = new EvaluationFolder(resolve(terminal.workingFolder, name), name, documentOf(subject, plan));
      try {
        const scores = await evaluate(subject, plan, folder, workers, terminal);
        documents.push(scores);
        if (!flags.json) show(scores, name, terminal);
      } finally {
        folder.close();
      }
    }
  } finally {
    await workers.close();
  }
  return documents;
}

/** Where an evaluation goes, as a person would type it. */
function folderOf({ folder, model }: Subject, { out }: EvalFlags, several: boolean): string {
  if (out === undefined) return folder;
  return several ? join(out, `iteration-${model.iteration}`) : out;
}

function show(scores: ScoresDocument, folder: string, { out, page }: Terminal): void {
  out(`\n${renderEvaluation(scores, { colour: page.colour, width: Math.min(100, page.width()), folder })}`);
}

function print(document: unknown, { out }: Terminal): void {
  out(`${JSON.stringify(document, null, 2)}\n`);
}

function settingsOf(
  flags: EvalFlags,
  backend: string,
): Pick<EvaluationPlan, 'protocol' | 'samples' | 'greedy' | 'limit'> {
  const protocol: DrawingProtocol = {
    temperature: number(
      '--temperature',
      flags.temperature,
      (value) => value > 0,
      'numbers above 0 (greedy is drawn anyway)',
    ),
    topP: number('--top-p', flags.topP, (value) => value > 0 && value <= 1, 'numbers above 0, at most 1'),
    topK: whole('--top-k', flags.topK, 0),
    maxTokens: flags.maxTokens === undefined ? null : whole('--max-tokens', flags.maxTokens, 1),
    seed: whole('--seed', flags.seed, 0),
    backend,
  };
  return {
    protocol,
    samples: flags.k === undefined ? null : whole('--k', flags.k, 0),
    greedy: flags.greedy,
    limit: flags.limit === undefined ? null : whole('--limit', flags.limit, 1),
  };
}

function judgeOf(flags: EvalFlags, { env, workingFolder, err }: Terminal): EndpointJudge | undefined {
  const { judge: endpoint, judgeModel: model, judgeCache } = flags;
  const { judgeTemperature, judgeMaxTokens, judgeConcurrency, judgeRequestsPerMinute } = flags;
  if (endpoint === undefined) {
    if (model !== undefined) throw new UsageError(`--judge-model ${model} needs --judge ENDPOINT`);
    return undefined;
  }
  if (model === undefined) throw new UsageError(`--judge ${endpoint} needs --judge-model NAME`);
  const wholeIfGiven = (option: string, text: string | undefined) =>
    text === undefined ? undefined : whole(option, text, 1);
  const options = {
    temperature:
      judgeTemperature === undefined
        ? undefined
        : number('--judge-temperature', judgeTemperature, (value) => value >= 0, 'numbers from 0'),
    maxTokens: wholeIfGiven('--judge-max-tokens', judgeMaxTokens),
    concurrency: wholeIfGiven('--judge-concurrency', judgeConcurrency),
    requestsPerMinute: wholeIfGiven('--judge-requests-per-minute', judgeRequestsPerMinute),
  };
  return createJudge({
    endpoint,
    model,
    ...given(options),
    cacheFile: judgeCache === undefined ? null : resolve(workingFolder, judgeCache),
    env,
    warn: (text) => err(`rzero: ${text}\n`),
  });
}

/** The options that have a value. */
function given<T extends object>(options: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ReturnType<typeof given<T>>;
}

function paperSuites(): PaperSuites {
  const namesOf = (suite: string) => (SUITES[suite] ?? []).map(({ name }) => name);
  return { math: namesOf('math'), general: namesOf('general') };
}

/** @throws UsageError where a benchmark would be asked nothing */
function requireResponses({ benchmarks, samples, greedy }: EvaluationPlan): void {
  if (greedy) return;
  const idle = benchmarks.find((benchmark) => (samples ?? benchmark.samples) === 0);
  if (idle === undefined) return;
  throw new UsageError(
    `--no-greedy leaves nothing to draw for ${idle.name}, which samples nothing by itself: give --k`,
  );
}

function announcement({ subjects, config }: Subjects, { benchmarks, judge, limit }: EvaluationPlan): string {
  const models = subjects.length === 1 ? subjects[0]?.model.name : plural(subjects.length, 'models');
  const count = (benchmark: LoadedBenchmark) => Math.min(benchmark.items.length, limit ?? benchmark.items.length);
  const items = benchmarks.reduce((sum, benchmark) => sum + count(benchmark), 0);
  const names = benchmarks.map(({ name }) => name).join(', ');
  const who = judge === null ? 'no judge' : `judge ${judge.model}`;
  return `Evaluating ${models} on ${names}: ${plural(items, 'items')}, backend ${config.worker.backend}, ${who}.`;
}

function number(flag: string, text: string, isAllowed: (value: number) => boolean, allowed: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && isAllowed(value)) return value;
  throw new UsageError(`${flag} ${text}: allowed are ${allowed}`);
}

function whole(flag: string, text: string, from: number): number {
  return number(flag, text, (value) => Number.isSafeInteger(value) && value >= from, `whole numbers from ${from}`);
}
