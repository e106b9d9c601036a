import { freemem, totalmem } from 'node:os';
import type { Config } from '../config/schema.ts';
import { type Finding, failed, ok, TOPICS, warning } from '../inspect/finding.ts';
import { sum } from '../placement/memory.ts';
import { isRefusal } from '../placement/plan.ts';
import { findingLines, promptLines, verdictLine } from '../report/modelReport.ts';
import { layoutText, refusalText } from '../report/plan.ts';
import { size } from '../report/text.ts';
import { startWorker } from '../worker/startWorker.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { EXIT } from './exitCodes.ts';
import { inspectModel } from './inspection.ts';
import { placementOf } from './placement.ts';
import { modelSource, pythonPath } from './places.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `rzero model check` as given. */
export interface ModelCheckFlags extends ConfigFlags {
  json?: true;
}

/**
 * `rzero model check`: whether a run could begin with a model, and what the model would see. Nothing is loaded.
 *
 * @returns the exit code: 0 where it is usable
 * @throws ConfigError; PlacementError; WorkerStartError; WorkerCallError `model_unloadable`, `hub_unavailable`,
 *   `hub_forbidden`
 */
export async function modelCheckCommand(model: string, flags: ModelCheckFlags, terminal: Terminal): Promise<number> {
  const { env, workingFolder, signal, page } = terminal;
  const config = configFrom(flags, workingFolder, [`model=${JSON.stringify(model)}`]);
  const { backend, threads } = config.worker;
  const worker = await startWorker({ python: pythonPath(env, backend), backend, threads, signal });
  const { report, asked, findings } = await inspectModel(
    worker,
    config,
    modelSource(config.model, workingFolder),
    undefined,
    signal,
  ).finally(() => worker.close());
  const all = [...findings, ...(report.parameters > 0 ? [await judgeMemory(config, report.parameters, terminal)] : [])];
  all.sort((a, b) => TOPICS.indexOf(a.topic) - TOPICS.indexOf(b.topic));
  const usable = all.every(({ status }) => status !== 'failed');
  if (flags.json) {
    const prompts = report.prompts.map((prompt, index) => ({ who: asked[index]?.who, ...prompt }));
    terminal.out(`${JSON.stringify({ model, usable, findings: all, report: { ...report, prompts } }, null, 2)}\n`);
  } else {
    const shown = { colour: page.colour, width: page.width() };
    const lines = [
      `${config.model}, preset ${config.preset}, backend ${backend}`,
      '',
      ...findingLines(all, shown),
      ...promptLines(report.prompts, asked, shown),
      '',
      verdictLine(all, shown),
    ];
    terminal.out(`${lines.join('\n')}\n`);
  }
  return usable ? EXIT.ok : EXIT.badData;
}

/** Whether it fits where it would compute: the GPUs of a plan, or this machine. */
async function judgeMemory(config: Config, parameters: number, terminal: Terminal): Promise<Finding> {
  if (config.worker.backend === 'mock') return ok('memory', 'the mock worker computes no model');
  const placement = await placementOf(config, terminal);
  if (placement === undefined) {
    // Float32, as `rzero plan` counts without a GPU.
    const needed = 16 * parameters;
    const message = `on the CPU ${size(4 * parameters)} of weights, ${size(needed)} to train them; this machine has ${size(totalmem())}, ${size(freemem())} of it free`;
    if (needed <= totalmem()) return ok('memory', message);
    return warning('memory', message, 'plan for GPUs: rzero plan --gpus 8 --gpu h100');
  }
  const { cluster, shape, decision } = placement;
  if (isRefusal(decision)) {
    return failed('memory', refusalText(shape, decision).replaceAll(/\s+/g, ' '), 'rzero plan says more');
  }
  const fullest = Math.max(...decision.ledgers.map(({ items }) => sum(items)));
  const gpus = `${cluster.hosts * cluster.gpusPerHost} x ${cluster.gpu.name}`;
  return ok('memory', `on ${gpus}, ${layoutText(decision.layout)}: ${size(fullest)} on the fullest GPU (rzero plan)`);
}
