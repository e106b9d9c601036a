import { setImmediate } from 'node:timers/promises';
import type { FileMark, ModelMark } from '../ports/journal.ts';
import { ModelCheck } from './modelCheck.ts';
import { type KeepingRule, needed } from './needed.ts';
import { ObjectStore, objectFile } from './objects.ts';
import { type PhaseRecord, phaseRecords } from './phaseRecords.ts';
import type { RunFolder } from './runFolder.ts';
import type { Past } from './segments.ts';
import { sha256Of } from './sha256.ts';

/** Something of a run that is not what it was. */
export interface Problem {
  /** Relative to the run, `/`-separated. */
  name: string;
  problem: string;
  /** What it means for a run that goes on. */
  effect: string;
}

/** What was compared with what was written, and what was otherwise. */
export interface Verification {
  lines: number;
  objects: number;
  records: number;
  checkpoints: number;
  models: number;
  problems: Problem[];
}

export interface VerifyOptions {
  /** Told how many bytes were read since it was told last, and of what. */
  onBytes?: (bytes: number, name: string) => void;
  signal?: AbortSignal;
}

/**
 * Compare all that a run's journal names with the SHA-256 that is on record. Nothing is changed.
 *
 * What a run has freed is not missed.
 *
 * @param past its journal, which was read and so is whole
 * @throws an error of the file system; the reason of `signal`
 */
export async function verifyRun(
  folder: RunFolder,
  past: Past,
  rule: KeepingRule,
  { onBytes = () => {}, signal }: VerifyOptions = {},
): Promise<Verification> {
  const { entries } = past;
  const resuming = { ...rule, storage: { ...rule.storage, keepModels: 'last', keepAnswers: false } } as const;
  const forResume = needed(entries, resuming);
  const kept = needed(entries, rule);
  const objects = new ObjectStore(folder.path);
  const models = new ModelCheck((name) => folder.file(name));
  const found: Verification = {
    lines: past.last?.seq ?? 0,
    objects: 0,
    records: 0,
    checkpoints: 0,
    models: 0,
    problems: [],
  };
  const report = (name: string, problem: string, effect: string) => found.problems.push({ name, problem, effect });

  const checkObject = (name: string, effect: string): void => {
    const file = objectFile(name);
    if (!forResume.has(file) && !folder.has(file)) return;
    found.objects += 1;
    const damage = objects.damageOf(name);
    if (damage !== undefined) report(file, damage === 'absent' ? 'is gone' : 'is damaged', effect);
  };
  const checkRecords = ({ name, sha256 }: FileMark, effect: string): void => {
    found.records += 1;
    const seen = sha256Of(folder.file(name), (bytes) => onBytes(bytes, name));
    if (seen !== sha256) report(name, seen === undefined ? 'is gone' : 'is damaged', effect);
  };
  const checkModel = (model: ModelMark, effect: string): void => {
    const damage = models.damageOf(model, (bytes) => onBytes(bytes, model.name));
    if (damage !== undefined) report(damage.name, damage.problem, effect);
  };

  for (const record of phaseRecords(entries)) {
    const where = placeOf(record);
    const { done, answers, credits, checkpoints, steps } = record;
    if (done !== undefined) checkObject(done.value, `${where} is done again`);
    const answered = done === undefined ? 'it is asked for again' : NO_EFFECT;
    for (const object of new Set(answers.values())) checkObject(object, answered);
    for (const object of credits) checkObject(object, NO_EFFECT);
    await turn(signal);
    if (done !== undefined) {
      for (const file of done.files) checkRecords(file, `${where} is done again`);
    } else {
      for (const { step, files } of steps.values()) {
        for (const file of files) checkRecords(file, `${where} goes on from before step ${step}`);
      }
    }
    await turn(signal);
    for (const model of done === undefined ? [...checkpoints.values()].flatMap((point) => point.models) : []) {
      if (!kept.has(model.name)) continue;
      found.checkpoints += 1;
      checkModel(model, `${where} goes on from an earlier checkpoint, or from its start`);
      await turn(signal);
    }
    if (done?.model === undefined || !(kept.has(done.model.name) || folder.has(done.model.name))) continue;
    found.models += 1;
    checkModel(done.model, `${where} is done again`);
    await turn(signal);
  }
  return found;
}

const NO_EFFECT = 'no later phase needs it';

function placeOf({ iteration, phase }: PhaseRecord): string {
  return `iteration ${iteration}, ${phase}`;
}

/** Let signals be heard. */
async function turn(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
