import { basename } from 'node:path';
import { configHash } from '../config/hash.ts';
import type { Config } from '../config/schema.ts';
import { createArithmeticExam } from '../eval/exam.ts';
import type { JournalEntry, ModelMark } from '../ports/journal.ts';
import { modelCard } from '../publish/card.ts';
import { PublishError } from '../publish/errors.ts';
import { type ExportMark, MARK_FILE } from '../publish/exportMark.ts';
import { LiveBlock } from '../report/liveBlock.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { shorten, size } from '../report/text.ts';
import { formatDocument } from '../store/files.ts';
import { readJournal } from '../store/journal.ts';
import { ModelCheck } from '../store/modelCheck.ts';
import { chooseModel, lastMeasured, type Role, type WhichIteration } from '../store/modelChoice.ts';
import { unneeded } from '../store/needed.ts';
import type { NewFolder } from '../store/newFolder.ts';
import type { RunFolder } from '../store/runFolder.ts';
import { type BaseModel, describeBase, dtypeOf } from './baseModel.ts';
import { choose } from './choice.ts';
import { pythonPath } from './places.ts';
import { runPythonTool, ToolFailure } from './pythonTool.ts';
import { recordedRun } from './recordedConfig.ts';
import { summarizeRun } from './summarizeRun.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';
import { VERSION } from './version.ts';

/** Which model of a run, and in what form, as given. */
export interface ModelFlags {
  role?: string;
  iteration?: string;
  merge?: true;
  dtype?: string;
}

const ROLES: Readonly<Record<string, Role>> = { solver: 'solver', challenger: 'challenger' };
const DTYPES: Readonly<Record<string, string>> = { float32: 'float32', bfloat16: 'bfloat16', float16: 'float16' };

/** A run as its journal has it. */
export interface PublishedRun {
  /** Its folder as it was typed. */
  name: string;
  folder: RunFolder;
  entries: readonly JournalEntry[];
  config: Config;
  /** Its UUID. */
  id: string;
  finished: boolean;
  /** The folder that relative paths in its configuration start from. */
  workingFolder: string;
}

/** What is to be written, and from what. */
export interface ModelExport {
  run: PublishedRun;
  base: BaseModel;
  role: Role;
  iteration: number;
  model: ModelMark;
  /** Its files by name, all of them intact. */
  files: readonly string[];
  form: 'whole' | 'adapter' | 'merged';
  dtype: string;
  /** Why that type. */
  why: string;
  /** Whether every weight is written anew. */
  converts: boolean;
}

/** Read a run that something is to be taken from. @throws RunFolderError, JournalError */
export function readRun(folder: RunFolder, name: string): PublishedRun {
  const { entries, run } = readJournal(folder.path);
  const { config, workingFolder } = recordedRun(entries, name);
  const last = entries.at(-1);
  const finished = last?.type === 'end' && last.how === 'finished';
  return { name, folder, entries, config, id: run, finished, workingFolder };
}

/** What is known of a run's base, and on the screen what is not. */
export async function baseOf({ config, workingFolder }: PublishedRun, { env, err }: Terminal): Promise<BaseModel> {
  const base = await describeBase(config.model, workingFolder, env);
  for (const note of base.notes) err(`Note: ${note}\n`);
  return base;
}

/**
 * Decide what is written, and compare the model with what the journal says of it.
 *
 * @throws UsageError for flags that do not fit the run; PublishError for a model that is damaged, or of no use elsewhere
 */
export async function planExport(run: PublishedRun, flags: ModelFlags, terminal: Terminal): Promise<ModelExport> {
  const { name, folder, config } = run;
  const role = choose('--role', flags.role ?? 'solver', ROLES);
  const asked = flags.dtype === undefined ? undefined : choose('--dtype', flags.dtype, DTYPES);
  const { iteration, model } = chosen(run, role, whichIteration(flags.iteration ?? 'last'));
  if (config.worker.backend === 'mock') {
    throw new PublishError(
      'no_weights',
      `run ${name} was computed by the mock worker, whose model is a table of letters: there are no weights that anybody ` +
        'could open. Run a preset with a model, embedded say',
    );
  }
  const files = intactFiles(run, model, terminal);
  const isAdapter = files.includes('adapter_config.json');
  if (flags.merge && !isAdapter) throw new UsageError(`--merge is for adapters, and ${model.name} has all weights`);
  if (asked !== undefined && isAdapter && !flags.merge) {
    throw new UsageError(`--dtype ${asked} is for all weights, and ${model.name} has adapters alone: give --merge too`);
  }
  const own = isAdapter ? 'float32' : (dtypeOf(folder.readDocument(`${model.name}/config.json`)) ?? 'float32');
  const form = !isAdapter ? 'whole' : flags.merge ? 'merged' : 'adapter';
  const base = await baseOf(run, terminal);
  const { dtype, why } = typeOf(form, own, asked, base.dtype);
  return { run, base, role, iteration, model, files, form, dtype, why, converts: form === 'merged' || dtype !== own };
}

function whichIteration(text: string): WhichIteration {
  if (text === 'last' || text === 'best') return text;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`--iteration is ${JSON.stringify(text)}: allowed are last, best, and a number from 1`);
}

function chosen({ name, folder, entries, config }: PublishedRun, role: Role, which: WhichIteration) {
  if (role === 'challenger' && config.arm === 'untrained-challenger') {
    throw new UsageError(`run ${name} has no Challenger of its own: in its arm, ${config.arm}, the base model asks`);
  }
  try {
    const choice = chooseModel(entries, role, which);
    const freed = unneeded(entries, config).has(choice.model.name) && !folder.has(choice.model.name);
    if (!freed) return choice;
    const why = `storage.keepModels is ${config.storage.keepModels}`;
    throw new UsageError(`run ${name} has not kept ${choice.model.name} (${why}): take --iteration last`);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`run ${name}: ${error.message}`);
    throw error;
  }
}

/**
 * The type of the weights. Training keeps float32 so that small steps count; who opens a model expects the type and size
 * of its base, and samplers on GPUs drew what was measured from such weights.
 */
function typeOf(form: ModelExport['form'], own: string, asked: string | undefined, base: string | undefined) {
  if (form === 'adapter') return { dtype: own, why: 'as they were trained' };
  if (asked !== undefined) return { dtype: asked, why: 'as was asked for' };
  if (base !== undefined && Object.hasOwn(DTYPES, base)) {
    return { dtype: base, why: base === own ? "the base model's type" : `the base model's type; trained as ${own}` };
  }
  return { dtype: own, why: "as they were trained, since the base model's type is not known" };
}

function intactFiles({ name, folder }: PublishedRun, model: ModelMark, { screen, err }: Terminal): string[] {
  const check = new ModelCheck((file) => folder.file(file));
  const block = new LiveBlock(err, screen.width);
  let read = 0;
  const damage = check.damageOf(model, (bytes) => {
    read += bytes;
    if (screen.live) block.draw([shorten(`${size(read)} compared with the journal`, screen.width())]);
  });
  if (read > 0 && screen.live) block.draw([]);
  if (damage === undefined) return check.filesOf(model);
  throw new PublishError(
    'damaged',
    `${name}/${damage.name} ${damage.problem}. Such a model is not passed on: rzero resume ${name} makes it again where the run ` +
      'can go on',
  );
}

/**
 * Write a model with its card into a folder that is not there yet.
 *
 * @param title how its card's example opens it
 * @param sharing whether the folder's files may be the run's own: only where nobody is going to write to them
 * @throws PublishError `not_convertible`; an error of the file system
 */
export async function writeModel(
  what: ModelExport,
  target: NewFolder,
  title: string,
  sharing: 'copy' | 'link',
  terminal: Terminal,
): Promise<void> {
  const { run, base, model, files, converts, dtype } = what;
  const remade = /\.safetensors$|\.safetensors\.index\.json$|^(adapter_)?config\.json$/;
  for (const file of files.filter((name) => !converts || !remade.test(name))) {
    terminal.signal.throwIfAborted();
    // A text is cheap, and may be written to by who gets it.
    const how = file.endsWith('.safetensors') ? sharing : 'copy';
    await target[how](run.folder.file(`${model.name}/${file}`), file);
  }
  if (converts) {
    const python = pythonPath(terminal.env, run.config.worker.backend);
    const args = [run.folder.file(model.name), target.path, '--dtype', dtype];
    terminal.err(`Writing the weights as ${dtype}...\n`);
    await runPythonTool(python, 'rzero_worker.convert', args, terminal).catch((error: unknown) => {
      throw error instanceof ToolFailure ? new PublishError('not_convertible', error.message) : error;
    });
  }
  for (const path of base.licenceFiles) await target.copy(path, basename(path));
  target.write('README.md', cardOf(what, title));
  target.write(MARK_FILE, formatDocument(markOf(what)));
}

function markOf({ run, base, role, iteration, model, form, dtype }: ModelExport): ExportMark {
  const { hub, licence } = base;
  const { manifestSha256 } = model;
  const over = hub === undefined ? {} : { base: hub };
  return { format: 1, kind: 'model', run: run.id, role, iteration, manifestSha256, form, dtype, ...over, licence };
}

function cardOf({ run, base, role, iteration, form, dtype, why }: ModelExport, name: string): string {
  const { config, finished } = run;
  const { preset, arm, seed, iterations } = config;
  return modelCard({
    role,
    iteration,
    name,
    run: { preset, arm, seed, iterations, finished, configHash: configHash(config), version: VERSION },
    base,
    weights: { form, dtype, why },
    settings: config,
    summary: summaryOf(run),
    problem:
      config.model === 'embedded'
        ? 'Keep only the last two digits. Start with 47. (1) Add 8. (2) Subtract 9.'
        : 'What is the sum of all odd numbers from 1 to 99?',
  });
}

/** A run's figures, of a run that is not finished those of the iterations that are over. */
function summaryOf({ folder, entries, config, finished }: PublishedRun): RunSummary {
  if (finished && folder.has('summary.json')) return folder.readDocument<RunSummary>('summary.json');
  const exam = createArithmeticExam(config.evaluation.problems);
  const iterations = lastMeasured(entries);
  if (iterations !== undefined) return summarizeRun(folder, entries, { ...config, iterations }, exam);
  const { preset, arm, seed, model } = config;
  return { run: { preset, arm, seed, model, iterations: 0, exam: exam.name }, evaluations: [], iterations: [] };
}
