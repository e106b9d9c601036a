import { nearest } from '../domain/nearest.ts';
import type { Description, TaskSource } from './description.ts';
import { EMBEDDED } from './embedded.ts';
import { BenchmarkError } from './errors.ts';
import { readOwnBenchmark } from './own.ts';
import { REGISTRY } from './registry.ts';

/** Every benchmark that has a name. */
export const NAMED: readonly Description[] = [...REGISTRY, ...EMBEDDED];

/** Several benchmarks under one name. */
export const SUITES: Readonly<Record<string, readonly Description[]>> = {
  math: REGISTRY.filter(({ group }) => group === 'math'),
  general: REGISTRY.filter(({ group }) => group === 'general'),
  all: REGISTRY,
  embedded: EMBEDDED.filter(({ name }) => name === 'arithmetic' || name === 'arithmetic-10'),
};

/** What a task of Reasoning Gym is named by, and how many items it makes unless told otherwise. */
const TASK_PREFIX = 'reasoning-gym:';
const TASK_ITEMS = 100;

/**
 * The benchmarks that a list of names stands for, in its order and each once: `math`, `gsm8k,amc`, `my.yml`,
 * `reasoning-gym:chain_sum:size=50:seed=1`.
 *
 * @param folder that paths are relative to
 * @throws BenchmarkError `unknown` for a name that is none, with the nearest; `config` for a file that describes none
 */
export function describeSuite(list: string, folder: string): Description[] {
  const chosen = new Map<string, Description>();
  for (const name of list.split(',').map((part) => part.trim())) {
    for (const description of describeOne(name, folder)) {
      const before = chosen.get(description.name);
      if (before !== undefined && before !== description && description.group === 'own') {
        throw new BenchmarkError(
          'config',
          `${name}: there is a benchmark ${description.name} already: give it another name`,
        );
      }
      chosen.set(description.name, before ?? description);
    }
  }
  return [...chosen.values()];
}

function describeOne(name: string, folder: string): readonly Description[] {
  if (Object.hasOwn(SUITES, name)) return SUITES[name] ?? [];
  const known = NAMED.find((each) => each.name === name);
  if (known !== undefined) return [known];
  if (name.startsWith(TASK_PREFIX)) return [describeTask(name)];
  if (/\.(?:ya?ml|json)$/i.test(name)) return [readOwnBenchmark(name, folder)];
  const names = [...Object.keys(SUITES), ...NAMED.map((each) => each.name)];
  const hint = nearest(name, names);
  const allowed = `there are ${names.join(', ')}, ${TASK_PREFIX}TASK, and files that end in .yml, .yaml or .json`;
  throw new BenchmarkError(
    'unknown',
    `"${name}" is no benchmark${hint === undefined ? '' : ` (did you mean "${hint}"?)`}: ${allowed}`,
  );
}

function describeTask(name: string): Description {
  const [task = '', ...options] = name.slice(TASK_PREFIX.length).split(':');
  const source = { task, size: TASK_ITEMS, seed: 0 };
  for (const option of options) {
    const [, key, digits] = /^(size|seed)=(\d{1,9})$/.exec(option) ?? [];
    if (key === undefined || (key === 'size' && Number(digits) < 1)) {
      const allowed = 'size=N with N from 1, and seed=N with N from 0, are allowed';
      throw new BenchmarkError('unknown', `${name}: "${option}" is no option: ${allowed}`);
    }
    source[key as 'size' | 'seed'] = Number(digits);
  }
  if (!/^\w+$/.test(task)) {
    throw new BenchmarkError(
      'unknown',
      `${name}: "${task}" is no task: its name has letters, digits and _, as chain_sum`,
    );
  }
  return taskDescription(name, source);
}

function taskDescription(name: string, source: TaskSource): Description {
  return {
    name,
    title: `Reasoning Gym, ${source.task}`,
    group: 'own',
    source,
    prompt: 'solver',
    extraction: 'boxed',
    metric: 'greedy',
    samples: 0,
    maxTokens: 4096,
    items: source.size,
  };
}
