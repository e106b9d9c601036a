import type { SpawnOptions } from './spawn.ts';

/** A worker to start on this machine: what it has that the others need not have. */
export type Post = Pick<SpawnOptions, 'role' | 'processes' | 'gpus' | 'engine'> &
  Partial<Pick<SpawnOptions, 'backend'>>;

/**
 * So many workers, alike unless several processes train together: they are the first, of the backend torch and a GPU
 * each, and each of the others samples on the next GPU.
 */
export function postsByCount(count: number, trainerProcesses = 1): Post[] {
  return Array.from({ length: count }, (_, index) => {
    if (trainerProcesses === 1) return {};
    if (index === 0) return { backend: 'torch', role: 'train', processes: trainerProcesses };
    return { role: 'sample', gpus: [trainerProcesses + index - 1] };
  });
}
