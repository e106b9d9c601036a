import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { MachineFacts, Needs } from '../doctor/machine.ts';
import type { ModelFacts, PlanFacts } from '../doctor/model.ts';
import { pinsOf } from '../doctor/pins.ts';
import { PlacementError } from '../placement/errors.ts';
import type { ModelShape } from '../placement/shape.ts';
import { layoutText } from '../report/plan.ts';
import { plural } from '../report/text.ts';
import { type FreeSpace, freeSpace } from '../store/freeSpace.ts';
import { untilAnswered } from '../store/tryFolder.ts';
import { findGpus } from '../worker/foundGpus.ts';
import { inspectHere } from '../worker/inspectHere.ts';
import { keyPaths, readOrchestratorKeys } from '../worker/keyFolder.ts';
import { readKeyPair } from '../worker/keys.ts';
import type { Post } from '../worker/post.ts';
import { TransportError } from '../worker/transport.ts';
import { placeWorkers } from './conduct.ts';
import { Door } from './door.ts';
import { askHub, cachedConfig, configUrl, hubToken } from './hub.ts';
import { isHubName, isOffline } from './hubFiles.ts';
import { HubError, modelShape } from './modelShape.ts';
import type { Placed } from './placement.ts';
import { modelSource, WORKER_PACKAGE } from './places.ts';
import { postsOf } from './posts.ts';
import { diskOf } from './room.ts';
import type { Terminal } from './terminal.ts';

/** Bytes of a weight as the hub has it; and where it is trained in float32 on a CPU, or stands still there. */
const BF16 = 2;
const TRAINED = 16;
const STILL = 4;

/** Milliseconds that a Python gets to look at the machine: nvidia-smi alone may take 20 s. */
const LOOK_DEADLINE = 28_000;

/** Where the configuration's model is. */
export async function modelFacts({ model: name, worker }: Config, terminal: Terminal): Promise<ModelFacts> {
  const { env, workingFolder } = terminal;
  if (worker.backend === 'mock') return { name, where: { place: 'mock' } };
  const folder = modelSource(name, workingFolder);
  await untilAnswered(resolve(workingFolder, folder));
  if (existsSync(folder)) {
    const files = statSync(folder).isDirectory() ? readdirSync(folder) : [];
    const hasWeights = files.some((file) => file.endsWith('.safetensors'));
    return { name, where: { place: 'folder', folder, hasConfig: files.includes('config.json'), hasWeights } };
  }
  if (!isHubName(name)) return { name, where: { place: 'nowhere' } };
  const cached = cachedConfig(name, env);
  if (cached !== undefined) return { name, where: { place: 'cache', folder: dirname(cached) } };
  if (isOffline(env)) return { name, where: { place: 'offline' } };
  const [url, token] = [configUrl(name, env), hubToken(env) !== undefined];
  try {
    const { status, headers } = await askHub(name, env);
    return { name, where: { place: 'hub', url, status, word: headers.get('x-error-code') ?? '', token } };
  } catch (error) {
    return { name, where: { place: 'unreachable', url, reason: (error as Error).message } };
  }
}

/** What a run would start here, and whether it fits. */
export type Fit = PlanFacts & { posts: Post[]; placed?: Placed; shape?: ModelShape };

/**
 * Place a run as `rzero run` would.
 *
 * @throws ConfigError for what cannot be started here
 */
export async function fitOf(config: Config, terminal: Terminal): Promise<Fit> {
  const { worker, trainer, model } = config;
  const placed = await placeWorkers(config, terminal).catch(unknownModel);
  if (placed === 'unknown') return { kind: 'unknown', posts: [{}] };
  const posts = postsOf(config, placed);
  if (worker.backend === 'mock') return { kind: 'mock', posts };
  if (placed !== undefined) {
    const { cluster, decision, shape } = placed;
    const gpus = `${cluster.hosts * cluster.gpusPerHost} x ${cluster.gpu.name}`;
    return { kind: 'fits', text: `${gpus}: ${layoutText(decision.layout)} (rzero plan)`, posts, placed, shape };
  }
  const shape = await modelShape(model, terminal.env, terminal.workingFolder).catch(unknownModel);
  if (shape === 'unknown') return { kind: 'unknown', posts };
  const here = posts.length;
  if (here === 0 || (await findGpus(terminal.env)).length > 0) {
    return { kind: 'fits', text: `${plural(here, 'workers')} started here by count, without a plan`, posts, shape };
  }
  const trained = trainer.loraRank === 0 ? TRAINED : STILL;
  const needBytes = shape.parameters * (trained + STILL * Math.max(1, here - 1));
  return { kind: 'cpu', needBytes, memoryBytes: totalmem(), posts, shape };
}

/** A model that cannot be looked at is another check's business. */
function unknownModel(error: unknown): 'unknown' {
  if (error instanceof HubError || error instanceof PlacementError) return 'unknown';
  throw error;
}

/** The packages of a backend, and the versions that the tests ran with. */
export function pinsFor(backend: string): Record<string, string> {
  return pinsOf(readFileSync(join(WORKER_PACKAGE, 'pyproject.toml'), 'utf8'), backend);
}

/** What machines have to be good for. */
export function needsOf({ worker }: Config, env: NodeJS.ProcessEnv, model?: ModelFacts, fit?: Fit): Needs {
  const pins = pinsFor(worker.backend);
  const processes = Math.max(1, ...(fit?.posts ?? []).map((post) => post.processes ?? 1));
  const needs = { backend: worker.backend, pins, processes };
  if (model?.where.place !== 'hub') return needs;
  const bytes = fit?.shape === undefined ? undefined : fit.shape.parameters * BF16;
  return { ...needs, hubModel: { name: model.name, bytes, tokenHere: hubToken(env) !== undefined } };
}

/** The keys of the configuration, with all that is wrong with those that lie here. */
export function keysFacts({ worker }: Config, workingFolder: string) {
  if (worker.keys === '') return { folder: '', workers: 0, problems: [] };
  const folder = resolve(workingFolder, worker.keys);
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const known = attempt(() => readOrchestratorKeys(folder));
  const { workerKey } = keyPaths(folder);
  const pairs = dirname(workerKey('any'));
  for (const file of existsSync(pairs) ? readdirSync(pairs) : []) {
    if (file.endsWith('.key')) attempt(() => readKeyPair(join(pairs, file)));
  }
  return { folder: worker.keys, workers: known?.allowed.size ?? 0, problems };
}

/** The address where workers are to dial in, and whether it can be had. */
export interface Listening {
  address: string;
  door?: Door;
  problem?: { message: string; insecure: boolean };
}

/**
 * Listen where the configuration has workers dial in.
 *
 * @throws AddressError, KeyError
 */
export async function openDoor(config: Config, { env, workingFolder }: Terminal): Promise<Listening> {
  const address = config.worker.listen;
  if (address === '') return { address };
  try {
    return { address, door: await Door.open(config, env, workingFolder) };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { address, problem: { message: error.message, insecure: error.code === 'insecure' } };
  }
}

/** The nearest folder to a path that is there. */
export function nearestFolder(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/**
 * What the Python here says of this machine.
 *
 * @param folder whose file system it is to tell
 * @throws WorkerStartError
 */
export async function lookHere(
  python: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  needs: Needs,
): Promise<MachineFacts> {
  const options = { python, packageFolder: WORKER_PACKAGE, workingFolder: folder, env, deadline: LOOK_DEADLINE };
  const machine = await inspectHere(options);
  const used = await findGpus(env);
  // By name and size: of those that are alike it does not matter which.
  const gpus = used.length === machine.gpus.length ? machine.gpus : visible(machine.gpus, env.CUDA_VISIBLE_DEVICES);
  return { machine, gpus, needs, path: python };
}

/** Those of all GPUs that CUDA would number, as far as they are named by numbers or starts of UUIDs. */
function visible(gpus: MachineFacts['gpus'], listed = ''): MachineFacts['gpus'] {
  const names = listed.split(',').map((name) => name.trim());
  return gpus.filter(({ uuid }, index) =>
    names.some((name) => name === String(index) || (name.startsWith('GPU-') && uuid.startsWith(name))),
  );
}

/** What the run may have open; undefined where this is not Linux. */
export function openFilesLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** What is free where the run goes, and what it needs. */
export async function diskFacts(
  config: Config,
  fit: Fit | undefined,
  path: string,
): Promise<{ need: number | undefined; room: FreeSpace | undefined }> {
  await untilAnswered(nearestFolder(path));
  const need = fit?.shape && diskOf(config, fit.shape, fit.placed).underWay;
  return { need, room: freeSpace(path) };
}
