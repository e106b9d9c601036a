import { loadConfig } from '../../../ts/config/load.ts';
import type { Settings } from '../../../ts/domain/settings.ts';
import { History } from '../../../ts/loop/history.ts';
import { coevolveThrough } from '../../../ts/loop/recovery.ts';
import type { Journal } from '../../../ts/ports/journal.ts';
import type { Worker } from '../../../ts/ports/worker.ts';
import { RunFolder } from '../../../ts/store/runFolder.ts';
import { createMemoryWorker } from '../../../ts/worker/memoryWorker.ts';

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

/** A question from any text, so that a model that babbles can be asked. */
function babbling(worker: Worker): Worker {
  const sample: Worker['sample'] = async (params, options) => {
    const batch = await worker.sample(params, options);
    const texts = batch.texts.map((text, index) => {
      const sum = [...text].reduce((total, character) => total + (character.codePointAt(0) as number), index);
      return params.modelId === 'challenger' ? `<question>${sum} alpha</question>\\boxed{1}` : `\\boxed{${sum % 2}}`;
    });
    return { ...batch, texts };
  };
  return { ...worker, sample };
}
