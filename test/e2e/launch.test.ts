import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { python } from '../fixtures/python.ts';
import { cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const PROGRAM = [process.execPath, '--import', path('../fixtures/typescript.mjs'), path('../../ts/cli/main.ts')];
const FAKES = path('../fixtures/slurm');

/** The summary that one worker started by `rzero run` comes to. */
let alone: string;

beforeAll(async () => {
  await cli(['run', '--preset', 'mock', '--out', 'alone'], { workingFolder: home.path });
  alone = readFileSync(join(home.path, 'alone', 'summary.json'), 'utf8');
});
afterAll(() => home.remove());

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Write down a mock job of two hosts with a worker each. */
async function launch(target: string, out: string, ...sets: string[]) {
  const own = [`launch.program=${JSON.stringify(PROGRAM)}`, `launch.port=${await freePort()}`, ...sets];
  const given = ['--preset', 'mock', '--hosts', '2', '--count', '1', '--out', out, '--json'];
  const result = await cli(['launch', target, ...given, ...own.flatMap((set) => ['--set', set])], {
    workingFolder: home.path,
  });
  if (result.exitCode !== 0) throw new Error(result.err);
  return JSON.parse(result.out) as { run: string; submit: string[]; name: string; workers: string[] };
}

/** Run a program to its end, and do something whenever its run's journal is there. */
async function finish(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  meanwhile?: (child: ChildProcess) => void,
) {
  const [program = '', ...args] = words;
  const child = spawn(program, args, {
    cwd: home.path,
    env: { ...process.env, RZERO_PYTHON: python(), NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  meanwhile?.(child);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, output };
}

const summaryOf = (run: string) => readFileSync(join(run, 'summary.json'), 'utf8');

test('local: one script has the run done by the workers of two hosts, whatever its folder is called', async () => {
  const job = await launch('local', `a job's "$HOME" \`x\``);
  const { exitCode, output } = await finish(job.submit);
  expect(output).toContain('No gain');
  expect(exitCode).toBe(0);
  expect(summaryOf(job.run)).toBe(alone);
  // A finished run is shown, and its workers are not needed: nobody waits for them.
  expect(job.workers).toEqual(['host-0-worker-1', 'host-1-worker-1']);
}, 60_000);

test('slurm: the orchestrator on one node, workers on both; a warning has it queued again, and it goes on', async () => {
  const job = await launch('slurm', 'batch', 'challenger.steps=40');
  const [, script = ''] = job.submit;
  const log = (attempt: string, name: string) => {
    const file = join(home.path, 'batch', 'logs', attempt, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const { exitCode, output } = await finish(job.submit, { PATH: `${FAKES}:${process.env.PATH}` }, () => {
    const look = setInterval(() => {
      if (!log('7-0', 'orchestrator.log').includes('2 in all')) return;
      clearInterval(look);
      const shells = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
      process.kill(Number.parseInt(shells.find((line) => line.endsWith(` bash ${script}`)) ?? '', 10), 'SIGUSR1');
    }, 50);
  });
  expect(output).toContain('ended with 0 after 1 requeues');
  expect(exitCode).toBe(0);
  expect(log('7-0', 'orchestrator.log')).toContain('stopped; go on with');
  expect(log('7-0', 'host-1.log')).toContain('the orchestrator has told the workers to stop');
  expect(log('7-1', 'orchestrator.log')).toContain('holds a run that is not finished: going on with it.');
  expect(existsSync(join(job.run, 'summary.json'))).toBe(true);
}, 60_000);

describe('kubernetes', () => {
  test('what the containers run has the run done, with keys that come as a Secret has them', async () => {
    const site = ['launch.kubernetes.image=rzero', 'launch.kubernetes.claim=shared'];
    const job = await launch('kubernetes', 'pods', ...site);
    const folder = join(home.path, 'pods');
    expect(statSync(join(folder, 'secrets.yml')).mode & 0o777).toBe(0o600);
    const root = join(home.path, 'root');
    // Paths of a pod, put below a folder of the test's; names of pods are this machine.
    const here = (text: string) =>
      text
        .replaceAll('/etc/rzero-keys', `${root}/secret`)
        .replaceAll('/run/rzero', `${root}/own`)
        .replaceAll('/etc/rzero/', `${root}/config/`)
        .replaceAll(/(?<![\w./-])\/rzero\//g, `${root}/storage/`)
        .replaceAll(/pods-leader-0-0\.pods/g, '127.0.0.1')
        .replaceAll('tcp://0.0.0.0', 'tcp://127.0.0.1');
    const [configMap, , jobSet] = documents(join(folder, 'jobset.yml'));
    const secrets = documents(join(folder, 'secrets.yml'));
    mkdirSync(join(root, 'config'), { recursive: true });
    mkdirSync(join(root, 'storage'));
    writeFileSync(join(root, 'config', 'config.yml'), here(configMap.data['config.yml']));
    const [leader, workers] = jobSet.spec.replicatedJobs.map((one: Any) => one.template.spec.template.spec);
    const start = async (pod: Any, secret: Any, index: number) => {
      const at = (text: string) => here(text).replaceAll(root, join(root, `${pod.containers[0].name}-${index}`));
      const own = join(root, `${pod.containers[0].name}-${index}`);
      mkdirSync(join(own, 'secret'), { recursive: true });
      for (const [name, text] of Object.entries<string>(secret.stringData)) {
        writeFileSync(join(own, 'secret', name), text);
        chmodSync(join(own, 'secret', name), 0o440);
      }
      expect((await finish(pod.initContainers[0].command.map(at))).exitCode).toBe(0);
      cpSync(join(root, 'config'), join(own, 'config'), { recursive: true });
      const config = join(own, 'config', 'config.yml');
      writeFileSync(config, readFileSync(config, 'utf8').replaceAll(`${root}/own`, `${own}/own`));
      const words = pod.containers[0].command.map((word: string) =>
        at(word).replaceAll(`${own}/storage`, `${root}/storage`),
      );
      return finish(words, { JOB_COMPLETION_INDEX: String(index) });
    };
    const ends = await Promise.all([
      start(leader, secrets[0], 0),
      start(workers, secrets[1], 0),
      start(workers, secrets[1], 1),
    ]);
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(summaryOf(here(job.run))).toBe(alone);
  }, 60_000);
});

// biome-ignore lint/suspicious/noExplicitAny: documents of Kubernetes, looked into by name
type Any = any;

function documents(file: string): Any[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS());
}

test('skypilot: what each node runs has the run done', async () => {
  const storage = join(home.path, 'volume');
  const job = await launch('skypilot', 'sky', 'launch.skypilot.volume=v', `launch.skypilot.mountPath=${storage}`);
  const { run } = parse(readFileSync(join(home.path, 'sky', 'task.yml'), 'utf8'));
  mkdirSync(join(storage, 'runs'), { recursive: true });
  const nodes = [0, 1].map((rank) => {
    const own = join(home.path, `node-${rank}`);
    mkdirSync(join(own, 'rzero-job'), { recursive: true });
    cpSync(join(home.path, 'sky', 'config.yml'), join(own, 'rzero-job', 'config.yml'));
    cpSync(join(home.path, 'sky', 'keys'), join(own, 'rzero-job', 'keys'), { recursive: true });
    const env = { HOME: own, SKYPILOT_NODE_RANK: String(rank), SKYPILOT_NODE_IPS: '127.0.0.1\n127.0.0.1' };
    return finish(['bash', '-c', `cd "$HOME" || exit\n${run}`], env);
  });
  const ends = await Promise.all(nodes);
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(summaryOf(job.run)).toBe(alone);
}, 60_000);

describe('refuses', () => {
  const act = (...args: string[]) => cli(['launch', ...args], { workingFolder: home.path, env: { PATH: '/nowhere' } });

  test.each([
    [['moon', '--out', 'x'], 2, 'target moon: allowed are local, slurm, kubernetes, skypilot'],
    [['slurm', '--preset', 'mock', '--out', 'x'], 78, 'give --gpus and --gpu, or --count'],
    [['slurm', '--preset', 'paper', '--gpus', '1', '--gpu', 'l4', '--out', 'x'], 78, 'does not fit on one l4'],
    [['kubernetes', '--preset', 'mock', '--count', '1', '--out', 'x'], 78, 'option "launch.kubernetes.image" is ""'],
    [['skypilot', '--preset', 'mock', '--count', '1', '--out', 'x'], 78, 'option "launch.skypilot.volume" is ""'],
    [['slurm', '--preset', 'mock', '--count', '1', '--out', 'alone'], 2, '--out alone: it holds '],
  ])('%j with %i', async (args, exitCode, message) => {
    const result = await act(...args);
    expect(result.err).toContain(message);
    expect(result.exitCode).toBe(exitCode);
    expect(existsSync(join(home.path, 'x'))).toBe(false);
  });

  test('to submit where nothing takes jobs, by its name', async () => {
    const result = await act('slurm', '--preset', 'mock', '--count', '1', '--out', 'nobody', '--submit');
    expect(result).toMatchObject({ exitCode: 69 });
    expect(result.err).toContain("there is no sbatch on this machine's PATH");
  });
});
