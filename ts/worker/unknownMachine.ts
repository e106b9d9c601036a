import type { Folder, Machine } from '../protocol/generated.ts';

const NOWHERE: Folder = { path: '', fileSystem: '', freeBytes: 0 };

/** A machine of which its name alone is known, as a worker without a process of its own may say. */
export function unknownMachine(host: string): Machine {
  return {
    host,
    platform: '',
    python: '',
    packages: {},
    curve: false,
    torchCuda: '',
    driver: '',
    gpus: [],
    cpus: 0,
    memoryBytes: 0,
    memoryFreeBytes: 0,
    shmBytes: 0,
    shmFreeBytes: 0,
    workingFolder: NOWHERE,
    hubCache: NOWHERE,
    hubToken: false,
    openFiles: 0,
    clock: 0,
  };
}
