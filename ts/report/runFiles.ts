import type { Settings } from '../domain/settings.ts';

/** A file or folder of a run, `/`-separated and relative to it, and what it is. */
export interface RunFile {
  path: string;
  what: string;
}

/** The files that a run of these settings leaves, those of the iterations once for all. */
export function runFiles(settings: Pick<Settings, 'iterations' | 'arm'> & Kept): RunFile[] {
  const { iterations, arm, storage } = settings;
  const each = iterations === 1 ? 'iteration-1' : `iteration-1..${iterations}`;
  const trains = arm !== 'untrained-challenger';
  const models = { every: each, best: `iteration-BEST, ${last(iterations)}`, last: last(iterations) }[
    storage.keepModels
  ];
  return [
    { path: 'config.yml', what: 'the resolved configuration and its hash' },
    { path: 'journal/, objects/', what: 'the truth, which rzero resume, status and verify read' },
    { path: 'metrics.jsonl', what: 'a line a step and a phase' },
    { path: 'logs/, worker.log', what: 'what each attempt did, and what the worker said' },
    { path: 'summary.json', what: 'every figure of the table at the end' },
    ...(trains ? [{ path: `${each}/challenger/`, what: 'every question asked in training, with its reward' }] : []),
    { path: `${each}/questions.jsonl`, what: 'every candidate, its votes and its fate' },
    { path: `${each}/problems.jsonl`, what: 'what the Solver is trained on' },
    { path: `${each}/solver/`, what: 'every rollout with its reward' },
    { path: 'iteration-0/, ... evaluation.jsonl', what: 'every response to the held-out problems' },
    { path: `${models}/models/`, what: `Hugging Face folders: ${trains ? 'challenger and solver' : 'solver'}` },
  ];
}

interface Kept {
  storage: { keepModels: 'every' | 'best' | 'last' };
}

function last(iterations: number): string {
  return `iteration-${iterations}`;
}
