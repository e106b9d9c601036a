import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { type DiskNeed, diskNeed } from '../placement/disk.ts';
import { PlacementError } from '../placement/errors.ts';
import type { ModelShape } from '../placement/shape.ts';
import { roomWarning } from '../report/disk.ts';
import { type FreeSpace, freeSpace } from '../store/freeSpace.ts';
import { postsByCount } from '../worker/post.ts';
import { modelShape } from './modelShape.ts';
import type { Placed } from './placement.ts';
import type { Terminal } from './terminal.ts';

/** Folder of runs that are given no other name. */
export const RUNS = 'runs';

/** What is free where runs go. */
export function roomForRuns({ workingFolder }: Pick<Terminal, 'workingFolder'>): FreeSpace | undefined {
  return freeSpace(join(workingFolder, RUNS));
}

/**
 * The space that a configuration's run needs.
 *
 * @param placed undefined where workers are counted by hand, or one computes without a GPU: what they sample in is not
 *   known then, and counted as float32
 */
export function diskOf(config: Config, shape: ModelShape, placed: Placed | undefined): DiskNeed {
  const { backend, count, trainerProcesses, listen } = config.worker;
  const kept = { backend: backend === 'vllm' ? backend : ('torch' as const), settings: config };
  if (placed !== undefined) return diskNeed(kept, shape, placed.decision.layout.single ? 0 : 2);
  const several = postsByCount(count ?? 1, trainerProcesses).length > 1 || listen !== '';
  return diskNeed(kept, shape, several ? 4 : 0);
}

/**
 * A line that says so where a run needs more space than is free, else ''. The network is not asked: of a model that is
 * not here yet nothing is said, nor of the mock's, which is none.
 *
 * @param path the run's folder
 */
export async function warnOfLittleRoom(
  config: Config,
  placed: Placed | undefined,
  path: string,
  { env, workingFolder }: Pick<Terminal, 'env' | 'workingFolder'>,
): Promise<string> {
  if (config.worker.backend === 'mock') return '';
  const shape = placed?.shape ?? (await shapeHere(config.model, env, workingFolder));
  if (shape === undefined) return '';
  const warning = roomWarning(diskOf(config, shape, placed), freeSpace(path));
  return warning === undefined ? '' : `rzero: ${warning}\n`;
}

async function shapeHere(
  model: string,
  env: NodeJS.ProcessEnv,
  workingFolder: string,
): Promise<ModelShape | undefined> {
  try {
    return await modelShape(model, { ...env, HF_HUB_OFFLINE: '1' }, workingFolder);
  } catch (error) {
    if (error instanceof PlacementError) return undefined;
    throw error;
  }
}
