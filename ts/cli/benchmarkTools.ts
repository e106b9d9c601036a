import type { HubSource, TaskSource } from '../benchmarks/description.ts';
import { BenchmarkError } from '../benchmarks/errors.ts';
import type { BenchmarkTools, Download, OpenTask } from '../benchmarks/tools.ts';
import { pythonPath, tasksPython } from './places.ts';
import { PythonDialogue } from './pythonDialogue.ts';
import { runPythonTool, ToolFailure } from './pythonTool.ts';
import type { Terminal } from './terminal.ts';

/** Seconds that a task may take to make its items, and to score all answers to one of them. */
const MAKING = 600;
const SCORING = 300;

/** What benchmarks need Python for, with the Python of this project. */
export function benchmarkTools({ env }: Pick<Terminal, 'env'>): BenchmarkTools {
  return {
    download: (source, signal) => download(source, { env, signal }),
    openTask: (source, signal) => openTask(source, { env, signal }),
  };
}

type Surroundings = Pick<Terminal, 'env' | 'signal'>;

async function download({ hub, revision, files }: HubSource, surroundings: Surroundings): Promise<Download> {
  let result: Download | undefined;
  const args = [hub, '--revision', revision, ...files.flatMap((file) => ['--file', file])];
  try {
    await runPythonTool(pythonPath(surroundings.env, 'torch'), 'rzero_hub.download', args, surroundings, (line) => {
      if (line.result !== undefined) result = line.result as Download;
    });
  } catch (error) {
    throw asBenchmarkError(error);
  }
  if (result === undefined)
    throw new BenchmarkError('unavailable', 'python -m rzero_hub.download ended without a result');
  return result;
}

async function openTask({ task, size, seed }: TaskSource, surroundings: Surroundings): Promise<OpenTask> {
  const items: { question: string; answer: string }[] = [];
  const args = [task, '--size', String(size), '--seed', String(seed)];
  const python = tasksPython(surroundings.env);
  try {
    const { dialogue, ready } = await PythonDialogue.start(
      python,
      'rzero_tasks',
      args,
      surroundings,
      (line) => {
        if (line.item !== undefined) items.push(line.item as { question: string; answer: string });
      },
      MAKING,
    );
    return {
      version: (ready.ready as { version: string }).version,
      items,
      async score(item, answers) {
        try {
          return (await dialogue.ask({ item, answers }, SCORING)).scores as (number | null)[];
        } catch (error) {
          throw asBenchmarkError(error);
        }
      },
    };
  } catch (error) {
    throw asBenchmarkError(error);
  }
}

const CODES: Readonly<Record<string, BenchmarkError['code']>> = {
  not_found: 'data',
  unknown_task: 'unknown',
  refused: 'refused',
  unavailable: 'unavailable',
};

/** A fault of the disk stays one. */
function asBenchmarkError(error: unknown): unknown {
  if (!(error instanceof ToolFailure)) return error;
  if (error.code === 'io') return Object.assign(new Error(error.message), { code: 'EIO', syscall: 'download' });
  return new BenchmarkError(CODES[error.code] ?? 'unavailable', error.message);
}
