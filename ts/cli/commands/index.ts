import { addBenchmarks } from './benchmarks.ts';
import { addCompare } from './compare.ts';
import { addCompletion } from './completion.ts';
import { addConfig } from './config.ts';
import type { AddCommand } from './context.ts';
import { addContract } from './contract.ts';
import { addDoctor } from './doctor.ts';
import { addEval } from './eval.ts';
import { addExport } from './export.ts';
import { addFilters } from './filters.ts';
import { addFork } from './fork.ts';
import { addGc } from './gc.ts';
import { addJudge } from './judge.ts';
import { addKeys } from './keys.ts';
import { addLaunch } from './launch.ts';
import { addMethodFilters } from './methodFilters.ts';
import { addModel } from './model.ts';
import { addPlan } from './plan.ts';
import { addPush } from './push.ts';
import { addReport } from './report.ts';
import { addResume } from './resume.ts';
import { addRun } from './run.ts';
import { addRuns } from './runs.ts';
import { addServe } from './serve.ts';
import { addShow } from './show.ts';
import { addStatus } from './status.ts';
import { addTrack } from './track.ts';
import { addVerify } from './verify.ts';
import { addWorkers } from './workers.ts';

/** All commands by what they are for, in the order of the help. */
export const COMMANDS: Readonly<Record<string, readonly AddCommand[]>> = {
  'Runs:': [addRun, addResume, addFork, addLaunch],
  'Before a run:': [addModel, addPlan, addConfig, addDoctor],
  'Looking at runs:': [addStatus, addShow, addReport, addServe, addRuns, addTrack, addVerify, addGc],
  'Measuring models:': [addBenchmarks, addEval, addCompare],
  'Taking models away:': [addExport, addPush],
  'Workers:': [addWorkers, addKeys, addContract],
  'Filters for the shell:': [addFilters, addJudge, addMethodFilters],
  'The shell itself:': [addCompletion],
};
