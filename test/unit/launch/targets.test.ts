import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../../ts/config/load.ts';
import { type Job, LaunchError } from '../../../ts/launch/job.ts';
import { TARGETS } from '../../../ts/launch/targets.ts';

const SITE = [
  'launch.kubernetes.image=registry.example/rzero:1',
  'launch.kubernetes.claim=shared',
  'launch.kubernetes.queue=gpus',
  'launch.kubernetes.hubTokenSecret=hub',
  'launch.skypilot.volume=shared',
  'launch.slurm.partition=gpu',
  'launch.slurm.time=1-00:00:00',
  'launch.slurm.directives=["--reservation=mine"]',
  'launch.slurm.prologue=["module load cuda"]',
];

/** Two hosts of 8 GPUs, on which one trainer is. */
function job(...sets: string[]): Job {
  const config = loadConfig({ preset: 'paper', sets: [...SITE, ...sets] });
  return {
    name: 'first-run',
    config,
    configText: 'preset: paper\n',
    hosts: 2,
    gpusPerHost: 8,
    gpu: 'h100',
    count: undefined,
    spans: true,
    program: ['rzero'],
    folder: "/home/me/it's $first",
    workingFolder: '/home/me',
    run: '/home/me/runs/first',
    keys: new Map([
      ['orchestrator.key', 'ORCHESTRATOR'],
      ['orchestrator.pub', 'PUBLIC'],
      ['allowed/host-0-trainer.pub', 'ALLOWED'],
      ['workers/host-0-trainer.key', 'WORKER'],
    ]),
  };
}

/** Compare with a file beside this one; UPDATE_GOLDEN=1 writes it. */
function expectGolden(name: string, text: string): void {
  const file = fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe(text);
}

describe('golden files', () => {
  test.each(Object.keys(TARGETS))('%s', (target) => {
    for (const { path, text } of TARGETS[target]?.files(job()) ?? []) expectGolden(path, text);
  });

  test.each(['pyxis', 'apptainer'])('slurm with %s', (container) => {
    const own = job(`launch.slurm.container=${container}`, 'launch.slurm.image=rzero.sqsh');
    expectGolden(`${container}.sbatch`, TARGETS.slurm?.files(own)[0]?.text ?? '');
  });

  test('skypilot with a bucket', () => {
    const own = { ...job('launch.skypilot.volume=""', 'launch.skypilot.bucket=s3://mine'), hosts: 1, spans: false };
    expectGolden('bucket.yml', TARGETS.skypilot?.files(own)[0]?.text ?? '');
  });
});

test('kubernetes: ends that would come again fail the job, and all others begin it anew', () => {
  const [jobset] = TARGETS.kubernetes?.files(job()) ?? [];
  const set = parseAllDocuments(jobset?.text ?? '')[2]?.toJS();
  expect(set.spec.failurePolicy.rules).toEqual([
    { name: 'fatal', action: 'FailJobSet', onJobFailureReasons: ['PodFailurePolicy'] },
  ]);
  for (const { name, template } of set.spec.replicatedJobs) {
    const { podFailurePolicy, template: pod } = template.spec;
    expect(podFailurePolicy.rules[0].onExitCodes.values).toEqual([2, 65, 77, 78]);
    expect(podFailurePolicy.rules[0].onExitCodes.containerName).toBe(pod.spec.containers[0].name);
    expect(pod.spec.restartPolicy).toBe('Never');
    // worker.graceSeconds is 120.
    expect(pod.spec.terminationGracePeriodSeconds).toBe(name === 'leader' ? 180 : 240);
  }
});

test('kubernetes: a secret goes to those alone who need it', () => {
  const files = TARGETS.kubernetes?.files(job()) ?? [];
  const [leader, workers] = parseAllDocuments(files[1]?.text ?? '').map((one) => one.toJS().stringData);
  expect(leader).toEqual({ 'orchestrator.key': 'ORCHESTRATOR', 'host-0-trainer.pub': 'ALLOWED' });
  expect(workers).toEqual({ 'orchestrator.pub': 'PUBLIC', 'host-0-trainer.key': 'WORKER' });
  expect(files.map(({ mode }) => mode)).toEqual([0o644, 0o600]);
  expect(files[0]?.text).not.toMatch(/ORCHESTRATOR|WORKER\b/);
});

test.each([
  ['slurm', ['launch.slurm.container=pyxis'], 'option "launch.slurm.image" is ""'],
  ['kubernetes', ['launch.kubernetes.claim=""'], 'option "launch.kubernetes.claim" is ""'],
  [
    'skypilot',
    ['launch.skypilot.volume=""', 'launch.skypilot.bucket=s3://b'],
    'option "launch.skypilot.bucket" is "s3://b"',
  ],
])('%s refuses %j', (target, sets, message) => {
  const act = () => TARGETS[target]?.files(job(...sets));
  expect(act).toThrow(LaunchError);
  expect(act).toThrow(message);
});
