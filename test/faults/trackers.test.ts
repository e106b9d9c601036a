import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CliResult, cli, SMALL, temporaryFolder } from '../e2e/cli.ts';

const folder = temporaryFolder();
const RUN = ['run', '--preset', 'mock', ...SMALL];
const TRACKED = ['--set', 'tracking.to=[tensorboard, wandb]', '--set', 'tracking.waitSeconds=1'];
const fakes = fileURLToPath(new URL('../fixtures/trackers', import.meta.url));

afterAll(folder.remove);

interface Outcome extends CliResult {
  summary: string;
  seconds: number;
}

/** A run, with a wandb that misbehaves so. */
async function tracked(name: string, how: string, args: readonly string[] = TRACKED): Promise<Outcome> {
  const out = join(folder.path, name);
  const started = performance.now();
  const result = await cli([...RUN, ...args, '--out', out], { env: environment(name, how) });
  const seconds = (performance.now() - started) / 1000;
  return { ...result, seconds, summary: readFileSync(join(out, 'summary.json'), 'utf8') };
}

function environment(name: string, how: string): NodeJS.ProcessEnv {
  return { PYTHONPATH: fakes, RZERO_FAKE_TRACKER: how, RZERO_FAKE_TRACKER_LOG: join(folder.path, `${name}.calls`) };
}

/** What the tracker was given: `[what, ...values]`, call by call. */
function calls(name: string): [string, ...unknown[]][] {
  const path = join(folder.path, `${name}.calls`);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

const numbers = (name: string) => calls(name).flatMap(([what, step]) => (what === 'log' ? [step] : []));
const oneLine = (text: string) => text.replace(/\s+/g, ' ');

describe('who follows the figures', () => {
  let without: Outcome;

  beforeAll(async () => {
    without = await tracked('without', '', []);
  });

  test('gets them all while the run goes on, and knows no secret', async () => {
    const { exitCode, summary, err } = await tracked('well', '', [...TRACKED, '--set', 'tracking.waitSeconds=60']);
    expect([exitCode, summary, err.includes('recovery')]).toEqual([0, without.summary, false]);
    const all = calls('well');
    expect(all.map(([what]) => what).filter((what) => what !== 'log')).toEqual(['init', 'config', 'summary', 'finish']);
    expect(all[0]?.slice(2)).toEqual(['rzero', false, 15]);
    // One iteration of two steps a role: the base's exam, 2 + 1, the questions, 2 + 1, the exam.
    expect(numbers('well')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(all.find(([what]) => what === 'log')?.[2]).toMatchObject({ global_step: 0, iteration: 0 });
  });

  test.each([
    ['hang', /wandb has not got all of this run yet: rzero track .* --to wandb sends the rest/],
    ['raise', /wandb has not got all of this run yet: rzero track .* --to wandb sends the rest/],
    ['slow', /wandb has not got all of this run yet: rzero track .* --to wandb sends the rest/],
    ['die', /wandb gets no more of this run: its process ended with SIGKILL; rzero track .* sends what is missing/],
  ])('and does %s neither changes a run nor holds it up', async (how, said) => {
    const { exitCode, summary, err, seconds } = await tracked(how, how);
    expect([exitCode, summary]).toEqual([0, without.summary]);
    expect(oneLine(err)).toMatch(said);
    // tracking.waitSeconds is 1; one call of the slow one alone takes 10.
    expect(seconds).toBeLessThan(without.seconds + 6);
    // What is missing is sent later, and nothing twice.
    const track = await cli(['track', join(folder.path, how), '--to', 'wandb'], { env: environment(how, '') });
    expect([track.exitCode, track.err]).toEqual([0, expect.stringContaining('wandb has all that is on record')]);
    expect(numbers(how)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('and cannot write, as on a disk that is full, neither changes a run nor holds it up', async () => {
    const out = join(folder.path, 'full');
    const args = [...TRACKED, '--out', out];
    const result = await cli([...RUN, ...args], {
      env: { ...environment('full', ''), RZERO_FAKE_TRACKER_LOG: '/dev/full' },
    });
    expect(result.exitCode).toBe(0);
    expect(readFileSync(join(out, 'summary.json'), 'utf8')).toBe(without.summary);
    expect(oneLine(result.err)).toMatch(/wandb has not got all of this run yet/);
  });
});

describe('rzero track', () => {
  test('without a run, a tracker or a package', async () => {
    const nowhere = await cli(['track', join(folder.path, 'nowhere'), '--to', 'wandb']);
    expect([nowhere.exitCode, nowhere.err]).toEqual([2, expect.stringContaining('is not a run folder')]);
    const out = join(folder.path, 'plain');
    await cli([...RUN, '--out', out]);
    const unnamed = await cli(['track', out]);
    expect([unnamed.exitCode, unnamed.err]).toEqual([2, expect.stringContaining('names no tracker of its own')]);
    const wrong = await cli(['track', out, '--to', 'comet']);
    expect([wrong.exitCode, wrong.err]).toEqual([2, expect.stringContaining('--to is one of tensorboard, wandb')]);
    const made = await cli(['track', out, '--to', 'tensorboard']);
    expect([made.exitCode, made.err]).toEqual([0, expect.stringMatching(/^tensorboard: .*tfevents/)]);
  });
});
