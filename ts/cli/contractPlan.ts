import { resolve } from 'node:path';
import type { Case, ContractOptions } from '../contract/context.ts';
import { CASES } from '../contract/suite.ts';
import { nearest } from '../domain/nearest.ts';
import { parseListenAddress } from '../worker/address.ts';
import { EMBEDDED_MODEL, modelSource } from './places.ts';
import { splitCommand } from './splitCommand.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero contract` as given. */
export interface ContractFlags {
  worker?: string;
  listen?: string;
  keys?: string;
  source?: string;
  tolerance?: string;
  learningRate?: string;
  only?: string[];
  skip?: string[];
  deadline?: string;
  wait?: string;
  threads?: string;
  json?: true;
}

/** Where the worker comes from. */
export type Subject =
  | { backend: string }
  | { command: readonly string[] }
  | { address: string; keys: string | undefined };

/** What the flags ask for. */
export interface ContractPlan extends Required<Pick<ContractOptions, 'source' | 'tolerance' | 'learningRate'>> {
  subject: Subject;
  cases: readonly Case[];
  skip: ReadonlyMap<string, string>;
  /** Seconds that a case may take. */
  deadline: number;
  /** Seconds to wait for the worker. */
  wait: number;
  threads: number;
}

type Defaults = Pick<ContractPlan, 'tolerance' | 'learningRate'> & { source?: string };

/** What suits the workers of this package. Their sources are small models. */
const BACKENDS: Readonly<Record<string, Defaults>> = {
  // Computed in 64 bits, sent in 32.
  mock: { source: 'mock://babble', tolerance: 1e-5, learningRate: 0.05 },
  // 32-bit sums whose order depends on the batch's shape.
  torch: { source: EMBEDDED_MODEL, tolerance: 1e-4, learningRate: 1e-3 },
  // Two engines for one distribution.
  vllm: { source: EMBEDDED_MODEL, tolerance: 1e-3, learningRate: 1e-3 },
};

const FOREIGN: Defaults = { tolerance: 1e-4, learningRate: 1e-3 };

/** @throws UsageError or AddressError that names the flag, the value seen and what is allowed */
export function planContract(flags: ContractFlags, workingFolder: string): ContractPlan {
  const subject = subjectOf(flags, workingFolder);
  const defaults = ('backend' in subject && BACKENDS[subject.backend]) || FOREIGN;
  const source = flags.source === undefined ? defaults.source : modelSource(flags.source, workingFolder);
  if (source === undefined) {
    throw new UsageError('--source MODEL is required: a model that the worker can load, as small as there is');
  }
  return {
    subject,
    source,
    tolerance: number('--tolerance', flags.tolerance, defaults.tolerance, 0),
    learningRate: number('--learning-rate', flags.learningRate, defaults.learningRate, 0),
    cases: flags.only === undefined ? CASES : casesOf('--only', flags.only),
    skip: skipsOf(flags.skip ?? []),
    deadline: number('--deadline', flags.deadline, 60, 0),
    wait: number('--wait', flags.wait, 300, 0),
    threads: Math.ceil(number('--threads', flags.threads, 1, 0)),
  };
}

function subjectOf({ worker, listen, keys }: ContractFlags, workingFolder: string): Subject {
  if ((worker === undefined) === (listen === undefined)) {
    throw new UsageError('either --worker NAME|COMMAND or --listen ADDRESS is required, not both');
  }
  if (listen !== undefined) {
    parseListenAddress(listen); // what is wrong with it is told before anything is bound
    return { address: listen, keys: keys === undefined ? undefined : resolve(workingFolder, keys) };
  }
  if (keys !== undefined)
    throw new UsageError('--keys FOLDER goes with --listen: workers that are started here need none');
  const line = worker as string;
  if (Object.hasOwn(BACKENDS, line)) return { backend: line };
  const command = wordsOf(line);
  const allowed = `${Object.keys(BACKENDS).join(', ')}, or a command that starts a worker`;
  if (command.length === 0) throw new UsageError(`--worker: saw an empty command, allowed are ${allowed}`);
  return { command };
}

function wordsOf(line: string): string[] {
  try {
    return splitCommand(line);
  } catch (error) {
    throw new UsageError(`--worker: ${(error as Error).message} in ${line}`);
  }
}

function skipsOf(assignments: readonly string[]): Map<string, string> {
  return new Map(
    assignments.map((assignment) => {
      const [, id = '', reason = ''] = /^([^=]*)=?(.*)$/s.exec(assignment) ?? [];
      casesOf('--skip', [id]);
      if (reason.trim() === '') {
        throw new UsageError(`--skip: saw ${assignment}, allowed is ID=REASON; the report shows the reason`);
      }
      return [id, reason.trim()];
    }),
  );
}

function casesOf(flag: string, ids: readonly string[]): Case[] {
  const known = CASES.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown === undefined) return CASES.filter(({ id }) => ids.includes(id));
  const near = nearest(unknown, known);
  const hint = near === undefined ? '' : ` (is ${near} meant?)`;
  throw new UsageError(`${flag}: there is no case ${unknown}${hint}; allowed are ${known.join(', ')}`);
}

function number(flag: string, text: string | undefined, missing: number, above: number): number {
  if (text === undefined) return missing;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > above) return value;
  throw new UsageError(`${flag}: saw ${text}, allowed is a number above ${above}`);
}
