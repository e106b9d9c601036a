import type { SpawnOptions } from './spawn.ts';

/** A worker to start on this machine: what it has that the others need not have. */
export type Post = Pick<SpawnOptions, 'role' | 'processes' | 'gpus' | 'engine'> &
  Partial<Pick<SpawnOptions, 'backend'>>;

/** A worker to start on one of several hosts, or that host's part of a worker of several. */
export interface HostPost {
  /** Its name in logs; that of its key as well, where it is this host's part that connects. */
  name: string;
  /** Whether it is this host's part that connects. */
  dials: boolean;
  post: Post;
  /** Names of its devices, alike on all hosts; undefined where it has none by plan. */
  devices?: readonly string[];
  /** Where several hosts are one worker: how many, and which of them this is. */
  nodes?: { count: number; rank: number };
}

/** Workers of a host where nothing is planned. */
export function hostPostsByCount(host: number, count: number): HostPost[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `host-${host}-worker-${index + 1}`,
    dials: true,
    post: {},
  }));
}

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
