import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import type { ModelMark } from '../ports/journal.ts';
import { PublishError } from '../publish/errors.ts';
import { readJournal } from '../store/journal.ts';
import { ModelCheck } from '../store/modelCheck.ts';
import { chooseModel } from '../store/modelChoice.ts';
import { RunFolder } from '../store/runFolder.ts';
import { sha256Of } from '../store/sha256.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { isHubName } from './hubFiles.ts';
import { modelSource } from './places.ts';
import { presentConfig, recordedRun } from './recordedConfig.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** A model that is to be evaluated. */
export interface Subject {
  /** As scores.json has it. */
  model: ScoresDocument['model'];
  /** What the worker is to load. */
  source: string;
  /** Where the evaluation goes unless told otherwise, as a person would type it. */
  folder: string;
}

/** What to evaluate, and how workers compute. */
export interface Subjects {
  subjects: readonly Subject[];
  config: Config;
  /** What paths in the configuration are relative to. */
  workingFolder: string;
}

export interface SubjectFlags extends ConfigFlags {
  iteration?: string;
}

/** A run's Solvers, or its base, as asked for. */
type Which = number | 'last' | 'best' | 'all';

/**
 * The models that a name stands for: those of a run, where it is a run's folder; else a model.
 *
 * @throws UsageError, ConfigError, RunFolderError, JournalError, PublishError for a run's model that is damaged
 */
export function subjectsOf(name: string, flags: SubjectFlags, terminal: Terminal): Subjects {
  const path = resolve(terminal.workingFolder, name);
  if (existsSync(join(path, 'journal')) || existsSync(join(path, 'run.json')))
    return ofRun(name, path, flags, terminal);
  if (flags.iteration !== undefined) {
    throw new UsageError(`--iteration is for a run's folder, and ${name} is none`);
  }
  return ofModel(name, flags, terminal);
}

function ofModel(name: string, flags: SubjectFlags, { workingFolder }: Terminal): Subjects {
  const config = configFrom(flags, workingFolder, [`model=${JSON.stringify(name)}`]);
  const source = modelSource(config.model, workingFolder);
  const isMock = name.startsWith('mock://');
  if (isMock && config.worker.backend !== 'mock') {
    throw new UsageError(
      `${name} is a model of the backend mock, and worker.backend is ${config.worker.backend}: give --preset mock`,
    );
  }
  if (!isMock && !existsSync(source) && !isHubName(name)) {
    throw new UsageError(
      `${name} is no model and no run: there is no such folder, and no name on the hub has that form`,
    );
  }
  const model = { name, identity: existsSync(source) ? identityOf(source) : null, backbone: name, iteration: null };
  return { subjects: [{ model, source, folder: join('evals', slug(name)) }], config, workingFolder };
}

function ofRun(name: string, path: string, flags: SubjectFlags, terminal: Terminal): Subjects {
  const folder = RunFolder.open(name, path);
  const { entries } = readJournal(path);
  const recorded = recordedRun(entries, name);
  const { workingFolder } = recorded;
  const asIs = flags.preset === undefined && flags.config === undefined;
  const config = asIs
    ? presentConfig(folder, name, recorded.config, flags.set ?? [])
    : configFrom(flags, terminal.workingFolder, [`model=${JSON.stringify(recorded.config.model)}`]);
  const computing = { config, workingFolder: asIs ? workingFolder : terminal.workingFolder };
  const which = whichOf(flags.iteration ?? 'last');
  const made = (iteration: 'last' | 'best' | number) => {
    try {
      return chooseModel(entries, 'solver', iteration);
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`run ${name}: ${error.message}; --iteration 0 is its base`);
      throw error;
    }
  };
  const baseName = recorded.config.model;
  const backbone = baseName;
  const subject = (iteration: number, model: ModelMark): Subject => {
    const damage = new ModelCheck((file) => folder.file(file)).damageOf(model);
    if (damage !== undefined) {
      throw new PublishError('damaged', `${name}/${damage.name} ${damage.problem}: such a model is not evaluated`);
    }
    const named = { name: `${name}, iteration ${iteration}`, identity: model.manifestSha256, backbone, iteration };
    return { model: named, source: folder.file(model.name), folder: join(name, 'evals', `iteration-${iteration}`) };
  };
  const base = (): Subject => {
    const source = modelSource(baseName, workingFolder);
    const identity = existsSync(source) ? identityOf(source) : null;
    const named = { name: `${name}, its base ${baseName}`, identity, backbone, iteration: 0 };
    return { model: named, source, folder: join(name, 'evals', 'iteration-0') };
  };
  if (which === 0) return { subjects: [base()], ...computing };
  if (which !== 'all') {
    const { iteration, model } = made(which);
    return { subjects: [subject(iteration, model)], ...computing };
  }
  const last = made('last').iteration;
  const solvers = Array.from({ length: last }, (_, index) => made(index + 1))
    // What storage.keepModels has freed is left out.
    .filter(({ model }) => folder.has(model.name))
    .map(({ iteration, model }) => subject(iteration, model));
  return { subjects: [base(), ...solvers], ...computing };
}

function whichOf(text: string): Which {
  if (text === 'last' || text === 'best' || text === 'all') return text;
  if (/^(0|[1-9]\d{0,5})$/.test(text)) return Number(text);
  throw new UsageError(
    `--iteration is ${JSON.stringify(text)}: allowed are last, best, all, and a number from 0 (the base)`,
  );
}

/** SHA-256 (hex) of a model folder: that of its manifest, where a run has made it; else of its files' names and hashes. */
function identityOf(folder: string): string | null {
  const manifest = join(folder, 'manifest.json');
  if (existsSync(manifest)) return createHash('sha256').update(readFileSync(manifest)).digest('hex');
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (/\.(json|safetensors|bin|model|txt|jinja)$/.test(name) && statSync(path).isFile()) {
      hash.update(`${name} ${sha256Of(path)}\n`);
    }
  }
  return hash.digest('hex');
}

/** A model's name as that of a folder: the last two parts of a path or hub name. */
function slug(name: string): string {
  const parts = name
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => !['', '.', '..'].includes(part));
  return (
    parts
      .slice(-2)
      .join('-')
      .replace(/[^\w.-]/g, '_') || 'model'
  );
}
