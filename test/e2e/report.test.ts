import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serveCommand } from '../../ts/cli/serve.ts';
import { withoutSecrets } from '../../ts/cli/terminal.ts';
import type { RunSummary } from '../../ts/report/runSummary.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';
import { ASSETS, readBack } from '../unit/page/setup.ts';
import { cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
const workingFolder = home.path;
beforeAll(async () => {
  const { exitCode } = await cli(['run', '--preset', 'mock', ...SMALL_RUN, '--out', 'run'], { workingFolder });
  expect(exitCode).toBe(0);
}, 60_000);
afterAll(() => home.remove());

const summaryOf = (run: string) => JSON.parse(readFileSync(join(home.path, run, 'summary.json'), 'utf8')) as RunSummary;

describe('rzero report', () => {
  test('writes a page with the figures of the summary, what was asked, and what the workers did', async () => {
    const { exitCode, out, err } = await cli(['report', 'run', '--price', '3', '--currency', '€'], { workingFolder });
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toMatch(/^run\/report\.html: [\d.]+ KiB, \d+ questions\n$/);
    const { run, tables, details } = readBack(join(home.path, 'run', 'report.html'));
    const summary = summaryOf('run');
    for (const [at, { evaluation, gain, questions }] of run.iterations.entries()) {
      const { scores, gain: comparison } = summary.evaluations[at] as RunSummary['evaluations'][number];
      expect(evaluation?.mean?.value).toBeCloseTo(scores.mean?.value ?? Number.NaN, 3);
      if (at === 0) continue;
      expect(gain?.mean?.low).toBeCloseTo(comparison?.mean?.figure.low ?? Number.NaN, 3);
      const last = summary.iterations[at - 1]?.phases.questions?.last;
      expect(questions).toMatchObject({ candidates: last?.candidates, kept: last?.kept });
    }
    expect(tables[0]?.text).toHaveLength(run.questions.count);
    expect(details).toHaveLength(run.questions.count);
    expect(run.phases.every(({ activity }) => activity !== null && activity.tokens > 0)).toBe(true);
    expect(run.cost.busyShare).toBeGreaterThan(0);
    expect(run.cost.price).toBeCloseTo(3 * (run.cost.deviceHours ?? Number.NaN), 9);
  });

  test('of a fork has the phases that it shares', async () => {
    await cli(['fork', 'run', '--at', 'iteration:2', '--out', 'fork', '--set', 'solver.steps=1'], { workingFolder });
    const { exitCode } = await cli(['report', 'fork', '--out', 'fork.html', '--samples', 'none'], { workingFolder });
    expect(exitCode).toBe(0);
    const { run, details } = readBack(join(home.path, 'fork.html'));
    expect(run.iterations.slice(0, 2).map(({ evaluation }) => evaluation?.mean?.value)).toEqual(
      readBack(join(home.path, 'run', 'report.html'))
        .run.iterations.slice(0, 2)
        .map(({ evaluation }) => evaluation?.mean?.value),
    );
    expect(details.length).toBeGreaterThan(0);
    expect(details.every(({ samples }) => samples === null)).toBe(true);
  }, 60_000);

  test.each([
    [['report', 'run', '--price', 'cheap'], 2, '--price is "cheap", allowed is what a device-hour costs, as 2.5'],
    [['report', 'run', '--samples', 'few'], 2, '--samples is "few", allowed are all, none and a whole number of MiB'],
    [['report', 'nowhere'], 2, 'nowhere is not a run folder'],
    [['report', 'run', '--out', 'run/config.yml/x'], 74, 'config.yml'],
    [['serve', 'run', '--port', '70000'], 2, '--port is "70000", allowed are whole numbers from 0 to 65535'],
    [['serve', 'nowhere'], 2, 'nowhere is not a run folder'],
  ])('%j is refused', async (args, code, message) => {
    const { exitCode, err } = await cli(args, { workingFolder });
    expect(err).toContain(message);
    expect(exitCode).toBe(code);
    expect(existsSync(join(home.path, 'nowhere'))).toBe(false);
  });
});

describe('rzero serve', () => {
  /** Serve the run; `said` waits until that is on stdout or stderr. */
  function serve(host: string) {
    const stop = new AbortController();
    let text = '';
    const heard = new EventTarget();
    const hear = (more: string): void => {
      text += more;
      heard.dispatchEvent(new Event('more'));
    };
    const page = { live: false, colour: false, width: () => 100 };
    const terminal = withoutSecrets({
      out: hear,
      err: hear,
      send: async () => true,
      input: async function* () {},
      screen: page,
      page,
      env: {},
      workingFolder,
      signal: stop.signal,
    });
    const flags = { host, port: '0', currency: '$' };
    const ended = serveCommand('run', flags, terminal, async () => ASSETS, 1);
    const said = async (what: RegExp): Promise<string> => {
      for (;;) {
        const found = what.exec(text);
        if (found !== null) return found[1] ?? found[0];
        await once(heard, 'more');
      }
    };
    return { said, stop: () => stop.abort('SIGINT'), ended, text: () => text };
  }

  test('answers at the address that it says, until it is told to stop', async () => {
    const { said, stop, ended, text } = serve('127.0.0.1');
    const url = await said(/(http:\/\/127\.0\.0\.1:\d+\/)/);
    const run = (await (await fetch(`${url}data/run.json`)).json()) as { run: object };
    expect(run.run).toMatchObject({ name: 'run', state: 'finished' });
    // A stream that is open does not keep it from ending.
    const events = await fetch(`${url}events`);
    stop();
    await ended;
    await expect(fetch(url)).rejects.toThrow();
    await events.body?.cancel().catch(() => {});
    expect(text()).not.toContain('warning');
  });

  test('a port that is taken, and an address of another machine, are named', async () => {
    const { said, stop, ended } = serve('127.0.0.1');
    const port = await said(/:(\d+)\//);
    const taken = await cli(['serve', 'run', '--port', port], { workingFolder });
    expect(taken).toMatchObject({ exitCode: 2, err: expect.stringContaining(`--port is ${port}, which is taken`) });
    const foreign = await cli(['serve', 'run', '--port', '0', '--host', '192.0.2.1'], { workingFolder });
    expect(foreign).toMatchObject({ exitCode: 2, err: expect.stringContaining('--host is "192.0.2.1"') });
    stop();
    await ended;
  });

  test('warns where others can reach it', async () => {
    const { said, stop, ended } = serve('0.0.0.0');
    await said(/warning: whoever reaches 0\.0\.0\.0 sees this run, without a password/);
    await said(/http:\/\/0\.0\.0\.0:\d+\//);
    stop();
    await ended;
  });
});
