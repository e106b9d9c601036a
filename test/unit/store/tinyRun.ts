import { loadConfig } from '../../../ts/config/load.ts';
import type { Settings } from '../../../ts/domain/settings.ts';
import { History } from '../../../ts/loop/history.ts';
import { coevolveThrough } from '../../../ts/loop/recovery.ts';
import type { Journal } from '../../../ts/ports/journal.ts';
import { RunFolder } from '../../../ts/store/runFolder.ts';
import { createMemoryWorker } from '../../../ts/worker/memoryWorker.ts';
import { babbling } from '../../fixtures/babbling.ts';

/** Settings of a run that takes a fraction of a second. */
export function tinySettings(change: (settings: Settings) => void = () => {}): Settings {
  const settings: Settings = loadConfig({ preset: 'mock' });
  Object.assign(settings, { model: 'memory:tiny', iterations: 2 });
  const phase = { steps: 2, rollouts: 2, miniBatch: 4, prompts: 2 };
  Object.assign(settings.challenger, phase);
  Object.assign(settings.solver, phase);
  const { challenger, solver, answering, questions, evaluation } = settings;
  for (const { sampling } of [challenger, solver, answering, questions, evaluation]) sampling.maxTokens = 8;
  questions.candidates = 4;
  answering.votes = 2;
  evaluation.samples = 1;
  change(settings);
  return settings;
}

/** Do a run, or go on with it, in a folder, as one process does. */
export async function liveTiny(path: string, journal: Journal, settings: Settings, folder = openFolder(path)) {
  await coevolveThrough({
    settings,
    worker: babbling(createMemoryWorker()),
    exam: {
      name: 'test',
      questions: ['q'],
      grade: (responses) => responses.map((texts) => texts.map((text) => text.includes('{1}'))),
      gradeMajority: (responses) => responses.map(() => false),
    },
    store: folder,
    reporter: { report: () => {} },
    clock: { now: () => 0 },
    history: new History(journal),
    stopping: new AbortController().signal,
    signal: new AbortController().signal,
    mostLosses: 1,
    requestSamples: 64,
  });
}

/** The run's folder, new or not. */
export function openFolder(path: string): RunFolder {
  return RunFolder.unfinished(path) ?? RunFolder.create(path);
}
