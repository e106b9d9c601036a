import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { extractAnswer } from '../domain/answers/extract.ts';
import type { Item, LoadedBenchmark, Mark } from './benchmark.ts';
import type { Description } from './description.ts';
import { arithmeticItems } from './embedded.ts';
import { BenchmarkError } from './errors.ts';
import { BadRecord, itemOf } from './fields.ts';
import { markOf } from './grading.ts';
import { unstyled } from './plainText.ts';
import { conversationFor } from './prompts.ts';
import { FORMATS, readRecords } from './records.ts';
import { describeSuite } from './suites.ts';
import type { BenchmarkTools, OpenTask } from './tools.ts';

/** What loading needs of the world. */
export interface LoadOptions {
  /** A folder with NAME.jsonl, .json, .csv or .parquet for each benchmark that would come from the hub. */
  readonly data?: string;
  /** What paths are relative to. */
  readonly workingFolder: string;
  readonly tools: BenchmarkTools;
  /** Ends what is under way, and the processes that grade. */
  readonly signal: AbortSignal;
}

/** Items with where they are from, and a task's own scores. */
interface Loaded {
  readonly items: readonly Item[];
  readonly origin: string;
  readonly task?: OpenTask;
}

/**
 * The benchmarks of a suite with their items, in order.
 *
 * @param suite see {@link describeSuite}
 * @throws BenchmarkError; what `signal` was aborted with
 */
export async function loadSuite(suite: string, options: LoadOptions): Promise<LoadedBenchmark[]> {
  const loaded: LoadedBenchmark[] = [];
  for (const description of describeSuite(suite, options.workingFolder)) {
    options.signal.throwIfAborted();
    loaded.push(benchmarkOf(description, await load(description, options)));
  }
  return loaded;
}

async function load(description: Description, options: LoadOptions): Promise<Loaded> {
  const { source } = description;
  if ('problems' in source)
    return { items: arithmeticItems(source), origin: 'held-out questions of the embedded domain' };
  if ('task' in source) {
    const task = await options.tools.openTask(source, options.signal);
    const items = task.items.map((item, index) => ({ id: String(index + 1), ...item }));
    return { items, origin: `reasoning-gym ${task.version}, ${source.task}, seed ${source.seed}`, task };
  }
  if ('file' in source) {
    const name = shortPath(source.file, options.workingFolder);
    return { items: await readItems([{ path: source.file, name }], description), origin: name };
  }
  if (options.data !== undefined) {
    const file = dataFile(options.data, description.name, options.workingFolder);
    return { items: await readItems([file], description), origin: file.name };
  }
  const { files, commit } = await options.tools.download(source, options.signal).catch((error: unknown) => {
    throw withWayOn(error, description.name);
  });
  const named = files.map((path) => ({ path, name: `${source.hub}, ${path}` }));
  return { items: await readItems(named, description), origin: `${source.hub} at ${commit}` };
}

/** A file below a folder by its path from there, any other by its whole path. */
function shortPath(file: string, folder: string): string {
  const short = relative(folder, file);
  return short.startsWith('..') ? file : short;
}

/** What can be done where the hub is not to be had. */
function withWayOn(error: unknown, name: string): unknown {
  if (!(error instanceof BenchmarkError) || !['unavailable', 'refused'].includes(error.code)) return error;
  const files = `${name}.jsonl (or .json, .csv, .parquet)`;
  return new BenchmarkError(
    error.code,
    `${error.message}, or go on without the hub: --data FOLDER reads FOLDER/${files}`,
  );
}

/** A file with what errors call it. */
interface NamedFile {
  readonly path: string;
  readonly name: string;
}

/** @throws BenchmarkError `data` where the folder has no file of the benchmark */
function dataFile(folder: string, benchmark: string, workingFolder: string): NamedFile {
  const files = FORMATS.map((format) => `${benchmark}.${format}`);
  const found = files.find((file) => existsSync(resolve(workingFolder, folder, file)));
  if (found === undefined) {
    throw new BenchmarkError(
      'data',
      `the data folder ${folder} has no ${files.join(', ')}: ${benchmark} is read from one of these`,
    );
  }
  return { path: resolve(workingFolder, folder, found), name: join(folder, found) };
}

async function readItems(files: readonly NamedFile[], { fields, title }: Description): Promise<Item[]> {
  const items: Item[] = [];
  const seen = new Map<string, string>();
  for (const { path, name } of files) {
    for await (const { record, place } of readRecords(path, name)) {
      const at = `${name}, ${place}`;
      try {
        const item = itemOf(record, fields as NonNullable<typeof fields>, items.length + 1);
        const before = seen.get(item.id);
        if (before !== undefined) throw new BadRecord(`the id ${JSON.stringify(item.id)} is that of ${before} too`);
        seen.set(item.id, place);
        items.push(item);
      } catch (error) {
        if (!(error instanceof BadRecord)) throw error;
        throw new BenchmarkError('data', `${at}: ${error.message}`);
      }
    }
  }
  if (items.length > 0) return items;
  throw new BenchmarkError(
    'data',
    `${files.map(({ name }) => name).join(', ')} has no record: ${title} needs at least one`,
  );
}

/** A benchmark of its description and items. */
export function benchmarkOf(description: Description, { items, origin, task }: Loaded): LoadedBenchmark {
  const { name, title, group, metric, samples, maxTokens, prompt, extraction } = description;
  const graded = task === undefined ? extraction : `reasoning-gym ${task.version}`;
  const places = new Map(items.map(({ id }, index) => [id, index]));
  return {
    name,
    title,
    group,
    metric,
    samples,
    maxTokens,
    items,
    origin,
    digest: digestOf(items, description, graded),
    conversation: (item) => conversationFor(prompt, item),
    grade: async (item, responses) =>
      task === undefined
        ? responses.map((response) => markOf(extraction, item, response))
        : gradeByTask(task, places.get(item.id) ?? -1, responses),
  };
}

/** The task's own verdict on what the last box holds; only a full score is right. */
async function gradeByTask(task: OpenTask, item: number, responses: readonly string[]): Promise<Mark[]> {
  const boxes = responses.map((response) => extractAnswer(response));
  const answers = boxes.map((box) => (box === null ? null : plainAnswer(box)));
  const given = answers.filter((answer) => answer !== null);
  const scores = given.length === 0 ? [] : [...(await task.score(item, given))];
  return answers.map((answer) => {
    const score = answer === null ? 0 : scores.shift();
    return { answer, correct: score === 1, undecided: score === null };
  });
}

/** Tasks compare plain text, in which lines, blanks, `$` and `**` may count. */
function plainAnswer(box: string): string {
  const text = unstyled(box).trim();
  return /^\$([^$]*)\$$/.exec(text)?.[1] ?? text;
}

function digestOf(items: readonly Item[], { prompt }: Description, graded: string): string {
  const hash = createHash('sha256').update(JSON.stringify(graded));
  for (const item of items) hash.update(`\n${JSON.stringify([item, conversationFor(prompt, item)])}`);
  return hash.digest('hex');
}
