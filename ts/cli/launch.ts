import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import { formatConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Job } from '../launch/job.ts';
import { POD_KEYS } from '../launch/kubernetes.ts';
import { command } from '../launch/shell.ts';
import { submit } from '../launch/submit.ts';
import { TARGETS } from '../launch/targets.ts';
import { GPU_NAMES } from '../placement/gpu.ts';
import { isRefusal } from '../placement/plan.ts';
import { refusalText } from '../report/plan.ts';
import { WorkerStartError } from '../worker/errors.ts';
import { keyPaths, makeKeys } from '../worker/keyFolder.ts';
import { hostPostsByCount } from '../worker/post.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { placementOf } from './placement.ts';
import { ROOT } from './places.ts';
import { namesOf } from './posts.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero launch` as given. */
export interface LaunchFlags extends ConfigFlags {
  out: string;
  run?: string;
  model?: string;
  gpus?: string;
  hosts?: string;
  gpu?: string;
  count?: string;
  submit?: true;
  json?: true;
}

/** The targets whose machines do not have this machine's files. */
const FAR: Readonly<Record<string, 'kubernetes' | 'skypilot'>> = { kubernetes: 'kubernetes', skypilot: 'skypilot' };

/**
 * `rzero launch`: write down a job for one machine, Slurm, Kubernetes or SkyPilot, and hand it in where that is asked
 * for.
 *
 * @returns the exit code
 * @throws UsageError, ConfigError, LaunchError, KeyError; WorkerStartError where it cannot be handed in
 */
export async function launchCommand(target: string, flags: LaunchFlags, terminal: Terminal): Promise<number> {
  const emitter = TARGETS[target];
  if (emitter === undefined) {
    throw new UsageError(`target ${target}: allowed are ${Object.keys(TARGETS).join(', ')}`);
  }
  const folder = resolve(terminal.workingFolder, flags.out);
  const { job, names } = await jobOf(target, folder, flags, terminal);
  // With no keys yet, to see what files there are, and what the target refuses, before anything is written.
  const own = emitter.files(job).map(({ path }) => path);
  requireOwn(folder, flags.out, [...own, 'config.yml', 'keys', 'logs', 'run']);
  mkdirSync(folder, { recursive: true });
  makeKeys(join(folder, 'keys'), names);
  const files = emitter.files({ ...job, keys: keysIn(join(folder, 'keys'), names) });
  for (const { path, text, mode } of [{ path: 'config.yml', text: job.configText, mode: 0o644 }, ...files]) {
    writeFileSync(join(folder, path), text, { mode });
    // The mode of a file that was there stays otherwise.
    chmodSync(join(folder, path), mode);
  }
  const { submit: words, watch } = emitter.submission(job);
  // Slurm wants the folder of its output before the job begins.
  mkdirSync(join(folder, 'logs'), { recursive: true });
  if (flags.json) {
    const written = ['config.yml', ...own].map((path) => join(folder, path));
    terminal.out(
      `${JSON.stringify({ target, name: job.name, run: job.run, workers: names, files: written, submit: words, watch })}\n`,
    );
  } else {
    terminal.out(
      [
        `${target} job ${job.name} in ${flags.out}: ${names.length} ${names.length === 1 ? 'worker' : 'workers'} on ${job.hosts} ${job.hosts === 1 ? 'host' : 'hosts'}; the run goes to ${job.run}.`,
        ...(flags.submit ? [] : ['Submit it:', `  ${command(words)}`]),
        'Watch it:',
        `  ${command(watch)}`,
        '',
      ].join('\n'),
    );
  }
  if (!flags.submit) return 0;
  const shown = target === 'local';
  const answer = await submit(words, { shown, env: terminal.env, signal: terminal.signal });
  if (answer.missing) {
    throw new WorkerStartError('worker_start_failed', `cannot submit: there is no ${words[0]} on this machine's PATH`);
  }
  if (shown) return answer.exitCode;
  if (answer.exitCode !== 0) {
    throw new WorkerStartError(
      'worker_start_failed',
      `${words[0]} refused the job with exit code ${answer.exitCode}`,
      answer.output,
    );
  }
  terminal.err(`${answer.output.trimEnd()}\n`);
  return 0;
}

async function jobOf(target: string, folder: string, flags: LaunchFlags, terminal: Terminal) {
  const { workingFolder } = terminal;
  const far = FAR[target];
  const asked = configOf(flags, workingFolder);
  const name = nameOf(folder);
  const counted = flags.count === undefined ? undefined : number('--count', flags.count);
  const hosts = counted === undefined ? asked.placement.hosts : number('--hosts', flags.hosts ?? '1');
  let names = Array.from({ length: hosts }, (_, host) => hostPostsByCount(host, counted ?? 1))
    .flat()
    .map((one) => one.name);
  let [gpusPerHost, gpu, spans] = [0, '', false];
  if (counted === undefined) {
    const placement = await placementOf(asked, terminal);
    if (placement === undefined) {
      throw new ConfigError(
        'nothing says which GPUs the hosts have: give --gpus and --gpu, or --count for so many workers a host without a plan',
      );
    }
    const { decision, shape, cluster } = placement;
    if (isRefusal(decision)) throw new ConfigError(refusalText(shape, decision));
    if (!GPU_NAMES.includes(cluster.gpu.name)) {
      throw new ConfigError(
        `option "placement.gpu" is "": say which of ${GPU_NAMES.join(', ')} is most like the ${cluster.gpu.name} here`,
      );
    }
    names = namesOf(decision, cluster.hosts);
    spans = new Set(decision.layout.trainer.places.map(({ host }) => host)).size > 1;
    [gpusPerHost, gpu] = [cluster.gpusPerHost, cluster.gpu.name];
  }
  if (far !== undefined) requireFarPaths(asked, target, workingFolder);
  const config: Config = {
    ...asked,
    // Written out, so that every machine works out the same plan, one without GPUs too.
    placement: { ...asked.placement, gpusPerHost, gpu },
    worker: {
      ...asked.worker,
      count: 0,
      expect: names.length,
      listen: `tcp://${target === 'local' ? '127.0.0.1' : '0.0.0.0'}:${asked.launch.port}`,
      keys: keysOf(target, folder),
    },
  };
  const home = far === undefined ? join(folder, 'run') : `${asked.launch[far].mountPath}/runs/${name}`;
  const run = flags.run ?? home;
  const job: Job = {
    name,
    config,
    configText: formatConfig(config),
    hosts,
    gpusPerHost,
    gpu,
    count: counted,
    spans,
    program: programOf(asked, target),
    folder,
    workingFolder,
    run: far === undefined ? resolve(workingFolder, run) : run,
    keys: new Map(),
  };
  return { job, names };
}

/** Where the orchestrator finds its keys. */
function keysOf(target: string, folder: string): string {
  if (target === 'kubernetes') return POD_KEYS;
  // Relative to the home folder, where SkyPilot begins.
  if (target === 'skypilot') return 'rzero-job/keys';
  return join(folder, 'keys');
}

function programOf({ launch }: Config, target: string): readonly string[] {
  if (launch.program.length > 0) return launch.program;
  if (FAR[target] !== undefined || (target === 'slurm' && launch.slurm.container !== 'none')) return ['rzero'];
  return [process.execPath, join(ROOT, 'dist', 'cli', 'main.js')];
}

/** @throws ConfigError for what lies in a folder that the job's machines do not have */
function requireFarPaths({ model, rewards }: Config, target: string, workingFolder: string): void {
  const { module } = rewards.challenger;
  if (model !== 'embedded' && !isAbsolute(model) && existsSync(resolve(workingFolder, model))) {
    throw new ConfigError(
      `option "model" is "${model}", a folder of this machine: ${target} needs a hub name, or an absolute path there`,
    );
  }
  if (module !== '' && !isAbsolute(module)) {
    throw new ConfigError(`option "rewards.challenger.module" is "${module}": ${target} needs an absolute path there`);
  }
}

function configOf(flags: LaunchFlags, workingFolder: string): Config {
  const named = (
    [
      ['model', flags.model === undefined ? undefined : JSON.stringify(flags.model)],
      ['placement.gpusPerHost', flags.gpus],
      ['placement.hosts', flags.count === undefined ? flags.hosts : undefined],
      ['placement.gpu', flags.gpu === undefined ? undefined : JSON.stringify(flags.gpu)],
    ] as const
  ).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return configFrom(flags, workingFolder, named);
}

function number(flag: string, text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 1024) return value;
  throw new UsageError(`${flag} ${text}: allowed is a whole number from 1 to 1024`);
}

/** A job's name by its folder's, as DNS allows it. */
function nameOf(folder: string): string {
  const text = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return /^[a-z]/.test(text) ? text : `rzero${text === '' ? '' : `-${text}`}`.slice(0, 40);
}

/** @throws UsageError for a folder that holds what is not a job's */
function requireOwn(folder: string, name: string, own: readonly string[]): void {
  if (/[\r\n]/.test(folder))
    throw new UsageError(`--out ${JSON.stringify(name)}: allowed is a path without line breaks`);
  if (!existsSync(folder)) return;
  const other = readdirSync(folder).find((entry) => !own.includes(entry));
  if (other !== undefined) {
    throw new UsageError(`--out ${name}: it holds ${other}, which is not of such a job; name an empty or new folder`);
  }
}

function keysIn(folder: string, names: readonly string[]): Map<string, string> {
  const paths = keyPaths(folder);
  const all = [
    ['orchestrator.key', paths.orchestratorKey],
    ['orchestrator.pub', paths.orchestratorPublic],
    ...names.flatMap((name) => [
      [`allowed/${name}.pub`, paths.workerPublic(name)],
      [`workers/${name}.key`, paths.workerKey(name)],
    ]),
  ] as [string, string][];
  return new Map(all.map(([path, file]) => [path, readFileSync(file, 'utf8')]));
}
