import { addConfig } from './config.ts';
import type { AddCommand } from './context.ts';
import { addContract } from './contract.ts';
import { addExport } from './export.ts';
import { addFilters } from './filters.ts';
import { addFork } from './fork.ts';
import { addGc } from './gc.ts';
import { addKeys } from './keys.ts';
import { addMethodFilters } from './methodFilters.ts';
import { addPlan } from './plan.ts';
import { addPush } from './push.ts';
import { addResume } from './resume.ts';
import { addRun } from './run.ts';
import { addRuns } from './runs.ts';
import { addShow } from './show.ts';
import { addTrack } from './track.ts';
import { addVerify } from './verify.ts';

/** All commands by what they are for, in the order of the help. */
export const COMMANDS: Readonly<Record<string, readonly AddCommand[]>> = {
  'Runs:': [addRun, addResume, addFork],
  'Before a run:': [addPlan, addConfig],
  'Looking at runs:': [addShow, addRuns, addTrack, addVerify, addGc],
  'Taking models away:': [addExport, addPush],
  'Workers:': [addKeys, addContract],
  'Filters for the shell:': [addFilters, addMethodFilters],
};
