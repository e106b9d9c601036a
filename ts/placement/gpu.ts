import { nearest } from '../domain/nearest.ts';
import { PlacementError } from './errors.ts';
import { MIB } from './units.ts';

/** What of a GPU decides what fits on it and how long that takes. */
export interface Gpu {
  /** As in the table, `h100`, or as the driver calls it where it is not in the table. */
  name: string;
  /** Bytes of memory, as nvidia-smi reports them. */
  memoryBytes: number;
  /** Bytes a second between its memory and its processors, peak. */
  bandwidth: number;
  /** Dense bfloat16 operations a second with float32 sums, peak; a multiplication and an addition are two. */
  flops: number;
  /** Bytes a second, one way, to another GPU of its host, peak: NVLink where it has that, else PCIe. */
  link: number;
  /** Bytes a second, one way, to the host's memory, peak: PCIe. */
  hostLink: number;
  /** What an hour of it costs, in US dollars. */
  dollarsPerHour: number;
}

const PCIE_4 = 32e9;
const PCIE_5 = 64e9;

/**
 * GPUs by name. Speeds are those of NVIDIA's data sheets without sparsity: A100 (SXM4, NVLink 600 GB/s both ways), H100
 * and H200 (SXM5, 900 GB/s), B200 (HGX, 1.8 TB/s), L40S, L4, A10, RTX A6000, and the Ada and Ampere architecture papers
 * for RTX 4090 and 3090 (bfloat16 with float32 sums, which GeForce cards do at half rate). Memory is what nvidia-smi
 * says. Dollars are round figures of what clouds asked on demand in 2025; they order GPUs by price and are nobody's
 * offer.
 */
const GPUS: Readonly<Record<string, Omit<Gpu, 'name' | 'memoryBytes'> & { mebibytes: number; called: RegExp }>> = {
  'a100-40': gpu(/\bA100\b/, 40_960, 1.555e12, 312e12, 300e9, PCIE_4, 1.3),
  'a100-80': gpu(/\bA100\b/, 81_920, 2.039e12, 312e12, 300e9, PCIE_4, 1.8),
  h100: gpu(/\bH100\b/, 81_559, 3.35e12, 989e12, 450e9, PCIE_5, 3),
  h200: gpu(/\bH200\b/, 143_771, 4.8e12, 989e12, 450e9, PCIE_5, 3.8),
  b200: gpu(/\bG?B200\b/, 183_359, 7.7e12, 2250e12, 900e9, PCIE_5, 5),
  l40s: gpu(/\bL40S\b/, 46_068, 0.864e12, 362e12, PCIE_4, PCIE_4, 0.9),
  l4: gpu(/\bL4\b/, 23_034, 0.3e12, 121e12, PCIE_4, PCIE_4, 0.4),
  a10: gpu(/\bA10\b/, 23_028, 0.6e12, 125e12, PCIE_4, PCIE_4, 0.75),
  'rtx-a6000': gpu(/\bRTX A6000\b/, 49_140, 0.768e12, 154.8e12, PCIE_4, PCIE_4, 0.8),
  'rtx-4090': gpu(/\bRTX 4090\b/, 24_564, 1.008e12, 165.2e12, PCIE_4, PCIE_4, 0.7),
  'rtx-3090': gpu(/\bRTX 3090\b/, 24_576, 0.936e12, 71e12, PCIE_4, PCIE_4, 0.45),
};

function gpu(
  called: RegExp,
  mebibytes: number,
  bandwidth: number,
  flops: number,
  link: number,
  hostLink: number,
  dollarsPerHour: number,
) {
  return { called, mebibytes, bandwidth, flops, link, hostLink, dollarsPerHour };
}

/** The names that {@link gpuNamed} knows. */
export const GPU_NAMES: readonly string[] = Object.keys(GPUS);

/**
 * The GPU of a name in the table, in capital or small letters.
 *
 * @throws PlacementError that says which names there are
 */
export function gpuNamed(text: string): Gpu {
  const name = text.toLowerCase();
  const found = GPUS[name];
  if (found === undefined) {
    const hint = nearest(name, GPU_NAMES);
    const meant = hint === undefined ? '' : ` (did you mean "${hint}"?)`;
    throw new PlacementError(`GPU "${text}" is not known${meant}; there are: ${GPU_NAMES.join(', ')}`);
  }
  const { called: _, mebibytes, ...speeds } = found;
  return { name, memoryBytes: mebibytes * MIB, ...speeds };
}

/**
 * The GPU that a driver found: the one of the table whose name occurs in it and whose memory is nearest, with the
 * memory that it really has, which may be a part of the card's. One that is not in the table counts as fast as the card
 * of the table whose memory is nearest: layouts are compared on the same GPU, so that its speed hardly decides.
 *
 * @param called as nvidia-smi has it, `NVIDIA H100 80GB HBM3`
 * @param memoryBytes above 0
 */
export function gpuFound(called: string, memoryBytes: number): Gpu {
  const distance = (name: string): number => Math.abs(gpuNamed(name).memoryBytes - memoryBytes);
  const closest = (names: readonly string[]): string | undefined =>
    [...names].sort((a, b) => distance(a) - distance(b))[0];
  const known = closest(GPU_NAMES.filter((name) => GPUS[name]?.called.test(called)));
  if (known !== undefined) return { ...gpuNamed(known), memoryBytes };
  return { ...gpuNamed(closest(GPU_NAMES) as string), name: called, memoryBytes };
}
