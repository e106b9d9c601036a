import { freemem, totalmem } from 'node:os';
import { ConfigError } from '../config/errors.ts';
import { configHash } from '../config/hash.ts';
import { beyondPreset } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { isRefusal, type Plan } from '../placement/plan.ts';
import { piecesOf } from '../placement/workload.ts';
import { diskLine, roomWarning } from '../report/disk.ts';
import { configurationOf, fields, filesTable, type PlannedConfig, refusalText, renderPlan } from '../report/plan.ts';
import { runFiles } from '../report/runFiles.ts';
import { size } from '../report/text.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { modelShape } from './modelShape.ts';
import { type Placed, placementOf } from './placement.ts';
import { handStarts } from './posts.ts';
import { diskOf, roomForRuns } from './room.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `rzero plan` as given. */
export interface PlanFlags extends ConfigFlags {
  model?: string;
  gpus?: string;
  hosts?: string;
  gpu?: string;
  json?: true;
}

/**
 * `rzero plan`: where a run would compute, before anything starts.
 *
 * @throws ConfigError for what does not fit, PlacementError
 */
export async function planCommand(flags: PlanFlags, terminal: Terminal): Promise<void> {
  const config = configOf(flags, terminal.workingFolder);
  const placement = await placementOf(config, terminal);
  if (placement === undefined) {
    const text = flags.json ? documentWithoutGpus : withoutGpus;
    terminal.out(await text(config, terminal));
    return;
  }
  const { cluster, shape, workload, decision } = placement;
  if (isRefusal(decision)) {
    if (flags.json) terminal.out(`${JSON.stringify({ cluster, shape, refused: decision }, null, 2)}\n`);
    throw new ConfigError(refusalText(shape, decision));
  }
  const placed: Placed = { ...placement, decision };
  const disk = diskOf(config, shape, placed);
  const room = roomForRuns(terminal);
  if (flags.json) {
    terminal.out(
      `${JSON.stringify({ ...aboutRun(config), ...documentOf(placed), disk: { ...disk, room } }, null, 2)}\n`,
    );
    return;
  }
  const warning = roomWarning(disk, room);
  terminal.out(
    renderPlan({
      title: config.model,
      configuration: plannedConfig(config),
      files: runFiles(config),
      cluster,
      shape,
      workload,
      plan: decision,
      disk,
      room,
      notes: [...notesOf(config), ...(warning === undefined ? [] : [warning])],
      byHand: handStarts(config, placed),
      colour: terminal.page.colour,
    }),
  );
}

function notesOf({ worker }: Config): string[] {
  if (worker.count === null && worker.trainerProcesses === 1) return [];
  const set =
    worker.count === null ? `worker.trainerProcesses is ${worker.trainerProcesses}` : `worker.count is ${worker.count}`;
  return [`${set}, so \`rzero run\` starts workers by count and not as planned here; null and 1 leave it to the plan`];
}

function plannedConfig(config: Config): PlannedConfig {
  return { preset: config.preset, hash: configHash(config), changed: beyondPreset(config), warnings: config.warnings };
}

/** What of a document is the same with GPUs and without. */
function aboutRun(config: Config): object {
  return { config, configHash: configHash(config), files: runFiles(config) };
}

function documentOf({ cluster, shape, workload, decision }: Placed): object {
  const plan: Plan = decision;
  return { cluster, shape, pieces: piecesOf(workload, shape), ...plan };
}

function configOf(flags: PlanFlags, workingFolder: string): Config {
  const named = (
    [
      ['model', flags.model === undefined ? undefined : JSON.stringify(flags.model)],
      ['placement.gpusPerHost', flags.gpus],
      ['placement.hosts', flags.hosts],
      ['placement.gpu', flags.gpu === undefined ? undefined : JSON.stringify(flags.gpu)],
    ] as const
  ).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return configFrom(flags, workingFolder, named);
}

/**
 * What is planned where there is no GPU. Float32: 16 bytes a weight to train it, 4 for each copy that samples or stands
 * still.
 */
async function withoutGpus(config: Config, terminal: Terminal): Promise<string> {
  const memory = `${size(totalmem())} of memory, ${size(freemem())} of it free`;
  const who = (config.worker.count ?? 1) === 1 ? 'one worker computes' : `${config.worker.count} workers compute`;
  const about = fields(configurationOf(plannedConfig(config))).join('\n');
  const files = `Files below the run folder\n${filesTable(runFiles(config)).join('\n')}\n`;
  if (config.worker.backend === 'mock') {
    return `${about}\n\nThe mock worker computes no model, on the CPU: ${memory}.\n\n${files}`;
  }
  const shape = await modelShape(config.model, terminal.env, terminal.workingFolder);
  const { name, parameters } = shape;
  const room = roomForRuns(terminal);
  const disk = diskOf(config, shape, undefined);
  const warning = roomWarning(disk, room);
  return [
    about,
    '',
    `No GPU here: ${who} on the CPU, with ${memory}.`,
    `The weights of ${name} take ${size(4 * parameters)} there, and training them ${size(16 * parameters)}.`,
    diskLine(disk, room),
    ...(warning === undefined ? [] : [`Note: ${warning}`]),
    'To plan for GPUs: rzero plan --gpus 8 --gpu h100',
    '',
    files,
  ].join('\n');
}

async function documentWithoutGpus(config: Config, terminal: Terminal): Promise<string> {
  const { backend } = config.worker;
  const shape = backend === 'mock' ? undefined : await modelShape(config.model, terminal.env, terminal.workingFolder);
  const disk = shape && { ...diskOf(config, shape, undefined), room: roomForRuns(terminal) };
  return `${JSON.stringify({ ...aboutRun(config), gpus: 0, workers: 1, disk })}\n`;
}
