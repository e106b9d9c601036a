import type { Target } from './job.ts';
import { kubernetes } from './kubernetes.ts';
import { local } from './local.ts';
import { skypilot } from './skypilot.ts';
import { slurm } from './slurm.ts';

/** What a job can be written down for, by name. */
export const TARGETS: Readonly<Record<string, Target>> = { local, slurm, kubernetes, skypilot };
