import { execa } from 'execa';

/** A GPU of this machine that this process may use. */
export interface FoundGpu {
  /** As the driver calls it, `NVIDIA H100 80GB HBM3`. */
  name: string;
  memoryBytes: number;
}

const QUERY = ['--query-gpu=index,uuid,name,memory.total', '--format=csv,noheader,nounits'];

/** Milliseconds that the driver gets to answer: the first call after a boot takes seconds. */
const DEADLINE = 20_000;

/**
 * The GPUs that nvidia-smi finds and CUDA_VISIBLE_DEVICES allows, in the order in which CUDA numbers them. None where
 * nvidia-smi is not there or fails: such a machine computes on its CPU.
 *
 * @param program what to run instead of `nvidia-smi`, with its arguments
 */
export async function findGpus(
  env: Readonly<Record<string, string | undefined>>,
  [program, ...args]: readonly [string, ...string[]] = ['nvidia-smi'],
): Promise<FoundGpu[]> {
  const { stdout, failed } = await execa(program, [...args, ...QUERY], {
    env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    extendEnv: false,
    reject: false,
    timeout: DEADLINE,
  });
  return failed ? [] : visible(parse(stdout), env.CUDA_VISIBLE_DEVICES);
}

interface Line extends FoundGpu {
  index: string;
  uuid: string;
}

function parse(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    const [index = '', uuid = '', name = '', mebibytes = ''] = line.split(', ').map((field) => field.trim());
    const memoryBytes = Number(mebibytes) * 2 ** 20;
    return memoryBytes > 0 ? [{ index, uuid, name, memoryBytes }] : [];
  });
}

/** As CUDA reads the variable: numbers or starts of UUIDs, up to the first that names no GPU. */
function visible(gpus: readonly Line[], listed: string | undefined): FoundGpu[] {
  const chosen = listed === undefined ? gpus : upToUnknown(listed.split(',').map((name) => findOne(gpus, name.trim())));
  return chosen.map(({ name, memoryBytes }) => ({ name, memoryBytes }));
}

function findOne(gpus: readonly Line[], name: string): Line | undefined {
  return gpus.find(({ index, uuid }) => index === name || (name.startsWith('GPU-') && uuid.startsWith(name)));
}

function upToUnknown(found: readonly (Line | undefined)[]): Line[] {
  const end = found.indexOf(undefined);
  return found.slice(0, end === -1 ? found.length : end) as Line[];
}
