import { createColors } from 'picocolors';
import type { Item, LoadedBenchmark } from '../benchmarks/benchmark.ts';
import { type Description, isPinned } from '../benchmarks/description.ts';
import { loadSuite } from '../benchmarks/load.ts';
import { NAMED, SUITES } from '../benchmarks/suites.ts';
import { columns, oneLine, plural, visible } from '../report/text.ts';
import { benchmarkTools } from './benchmarkTools.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero benchmarks` as given. */
export interface BenchmarksFlags {
  item?: string;
  data?: string;
  json?: true;
}

/**
 * `rzero benchmarks`: all that have a name, or an item of each of a suite as a model sees it.
 *
 * @throws BenchmarkError where the items cannot be had; UsageError for an item that is not there
 */
export async function benchmarksCommand(
  suite: string | undefined,
  flags: BenchmarksFlags,
  terminal: Terminal,
): Promise<void> {
  if (suite === undefined) {
    const given = flags.item !== undefined ? '--item' : flags.data !== undefined ? '--data' : undefined;
    if (given !== undefined) throw new UsageError(`${given} is for a benchmark, and none is named`);
    terminal.out(flags.json ? `${JSON.stringify(NAMED, null, 2)}\n` : `${listing(terminal).join('\n')}\n`);
    return;
  }
  const benchmarks = await loadSuite(suite, {
    ...(flags.data === undefined ? {} : { data: flags.data }),
    workingFolder: terminal.workingFolder,
    tools: benchmarkTools(terminal),
    signal: terminal.signal,
  });
  const shown = benchmarks.map((benchmark) => ({ benchmark, item: itemOf(benchmark, flags.item) }));
  if (flags.json) terminal.out(`${JSON.stringify(shown.map(documentOf), null, 2)}\n`);
  else terminal.out(`${shown.map((each) => linesOf(each, terminal).join('\n')).join('\n\n')}\n`);
}

interface Shown {
  benchmark: LoadedBenchmark;
  item: Item;
}

function itemOf({ name, items }: LoadedBenchmark, id: string | undefined): Item {
  const item = id === undefined ? items[0] : items.find((each) => each.id === id);
  if (item !== undefined) return item;
  const first = items.slice(0, 3).map((each) => each.id);
  throw new UsageError(
    `--item ${id}: ${name} has ${plural(items.length, 'items')}, which begin with ${first.join(', ')}`,
  );
}

function documentOf({ benchmark, item }: Shown): object {
  const { name, title, group, metric, samples, maxTokens, items, origin, digest } = benchmark;
  const { messages } = benchmark.conversation(item);
  return { name, title, group, items: items.length, metric, samples, maxTokens, origin, digest, item, messages };
}

function linesOf({ benchmark, item }: Shown, terminal: Terminal): string[] {
  const { bold, dim } = createColors(terminal.page.colour);
  const { name, title, items, maxTokens, origin, digest } = benchmark;
  const indented = (text: string) =>
    visible(text)
      .split('\n')
      .map((line) => `  ${line}`.trimEnd());
  const sizes = `${plural(items.length, 'items')}, ${measure(benchmark)}, at most ${maxTokens} new tokens`;
  const category = item.category === undefined ? '' : `, ${oneLine(item.category)}`;
  return [
    `${bold(oneLine(title))} (${name}): ${sizes}`,
    dim(`${origin}, digest ${digest}`),
    '',
    `item ${oneLine(item.id)}${category}`,
    ...benchmark.conversation(item).messages.flatMap(({ role, content }) => [dim(role), ...indented(content)]),
    dim('what is right'),
    ...indented(item.answer === '' ? 'what the task itself says' : item.answer),
  ];
}

function listing(terminal: Terminal): string[] {
  const { bold, dim } = createColors(terminal.page.colour);
  const head = ['name', 'title', 'group', 'items', 'measure', 'tokens', 'from'];
  const [title = '', ...rows] = columns([head, ...NAMED.map(rowOf)], [3, 5]);
  const suites = Object.entries(SUITES).map(([name, list]) => `${name} (${list.length})`);
  return [
    bold(title),
    ...rows,
    '',
    `suites: ${suites.join(', ')}, and reasoning-gym:TASK`,
    dim('~ names a branch and no commit: its files may change; an evaluation records the commit that it read'),
  ];
}

function rowOf({ name, title, group, items, source, maxTokens, ...rest }: Description): string[] {
  const from =
    'hub' in source
      ? `${source.hub} at ${isPinned(source) ? source.revision.slice(0, 8) : `~${source.revision}`}`
      : 'made here';
  return [name, title, group, `${items ?? ''}`, measure(rest), `${maxTokens}`, from];
}

/** What counts: `greedy`, `mean@32`. */
function measure({ metric, samples }: Pick<Description, 'metric' | 'samples'>): string {
  return metric === 'greedy' ? 'greedy' : `mean@${samples}`;
}
