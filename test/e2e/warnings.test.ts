import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';
import { cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);
const read = (run: string, name: string) => readFileSync(join(path(run), name), 'utf8');
const metrics = (run: string) =>
  read(run, 'metrics.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** A small run of three iterations in which too few questions are kept for so many batches, always. */
const run = (name: string, action: string, ...more: string[]) =>
  cli(
    [
      ...['run', '--preset', 'mock', '--iterations', '3', ...SMALL_RUN, '--out', path(name)],
      ...['--set', 'warnings.nothing-kept.batches=1000', '--set', `warnings.nothing-kept.action=${action}`, ...more],
    ],
    { workingFolder: home.path },
  );

beforeAll(async () => {
  expect((await run('warned', 'none')).exitCode).toBe(0);
}, 60_000);

test('none: it is told and on record, in metrics, summary and status, and nothing comes of it', async () => {
  const warnings = metrics('warned').filter(({ kind, name }) => kind === 'warning' && name === 'nothing-kept');
  expect(warnings.map(({ iteration, phase, action }) => [iteration, phase, action])).toEqual(
    [1, 2, 3].map((iteration) => [iteration, 'questions', 'none']),
  );
  const { iterations } = JSON.parse(read('warned', 'summary.json'));
  expect(iterations[0].warnings).toContainEqual(expect.stringMatching(/^questions: nothing-kept: only \d+ questions /));
  const { out } = await cli(['status', path('warned'), '--json']);
  expect(JSON.parse(out).warnings.last).toContainEqual(
    expect.objectContaining({ iteration: 3, phase: 'questions', name: 'nothing-kept', action: 'none' }),
  );
});

test('stop: the run ends with 65 where it can go on, and with another action goes on to the same end', async () => {
  const { exitCode, err } = await run('stopped', 'stop');
  expect(exitCode).toBe(65);
  expect(err).toMatch(/iteration 1 +questions +warning: nothing-kept: only/);
  expect(err).toMatch(
    /^rzero: iteration 1, questions: nothing-kept: only .* rzero resume RUN --set warnings\.nothing-kept\.action=none$/m,
  );
  expect(JSON.parse(read('stopped', 'run.json'))).toMatchObject({ status: 'stopped', error: expect.any(String) });
  expect((await cli(['show', path('stopped')])).err).toMatch(/not finished: it was stopped; rzero resume/);

  // As it is, it stops there again.
  expect((await cli(['resume', path('stopped')])).exitCode).toBe(65);
  const resumed = await cli(['resume', path('stopped'), '--set', 'warnings.nothing-kept.action=none']);
  expect(resumed.exitCode).toBe(0);
  expect(read('stopped', 'summary.json')).toBe(read('warned', 'summary.json'));
  const models = (name: string) => name.includes('/models/');
  const differ = differences(resultDigests(path('warned')), resultDigests(path('stopped')));
  expect(differ.filter(models)).toEqual([]);
}, 60_000);

test('roll-back: the next iteration starts from the best Solver, whose models are kept', async () => {
  const { exitCode, err } = await run('rolled', 'roll-back', '--set', 'storage.keepModels=last');
  expect(exitCode).toBe(0);
  // The mock's answers are never right: of equals the first is the best, which is the base.
  expect(err).toMatch(/^Labels decide where a roll-back goes, and nothing else; /m);
  expect(err).toMatch(
    /^roll-back: iteration 1 gave nothing-kept; the best Solver so far is the base: iteration 2 starts/m,
  );
  expect(err).toMatch(/^iteration 2 +Challenger 2 from the base, judged by the base; Solver 2 from the base$/m);
  const starts = metrics('rolled').filter(({ kind }) => kind === 'iteration');
  expect(starts.map(({ challengerFrom, solverFrom }) => [challengerFrom, solverFrom])).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  expect((await cli(['verify', path('rolled')])).exitCode).toBe(0);
  expect((await cli(['gc', path('rolled')])).exitCode).toBe(0);
  expect([1, 2, 3].map((iteration) => existsSync(path(`rolled/iteration-${iteration}/models/solver`)))).toEqual([
    true,
    false,
    true,
  ]);
}, 60_000);

test('roll-back in a fork of a run that only warned: decided by what is on record', async () => {
  const fork = ['fork', path('warned'), '--at', 'iteration:2', '--out', path('forked')];
  expect((await cli([...fork, '--set', 'warnings.nothing-kept.action=roll-back'])).exitCode).toBe(0);
  expect((await cli(['resume', path('forked')])).exitCode).toBe(0);
  expect(read('forked', 'summary.json')).toBe(read('rolled', 'summary.json'));
}, 60_000);

test('a change of what decides the result is refused; of what only warns it is not', async () => {
  const changed = await cli(['resume', path('warned'), '--set', 'warnings.nothing-kept.action=roll-back']);
  expect(changed).toMatchObject({ exitCode: 78, err: expect.stringMatching(/warnings\.nothing-kept\.action: "none"/) });
});

test("a user's probe: its figure is on record, and a file that is none is named", async () => {
  const probe = ['{"question": "What is 1 + 1?", "answer": "2"}', '', '{"question": "And 2 + 2?", "answer": "4"}'];
  writeFileSync(path('probe.jsonl'), probe.join('\n'));
  expect((await run('probed', 'none', '--set', 'warnings.labels.probe=probe.jsonl')).exitCode).toBe(0);
  const phases = metrics('probed').filter(({ kind, phase }) => kind === 'phase' && phase === 'questions');
  expect(phases.map(({ probeAccuracy, probeQuestions }) => [probeAccuracy, probeQuestions])).toEqual([
    [0, 2],
    [0, 2],
    [0, 2],
  ]);
  const drop = ({ iterations, ...rest }: { iterations: { warnings: string[] }[] }) => ({
    ...rest,
    iterations: iterations.map((one) => ({ ...one, warnings: one.warnings.filter((text) => !/labels:/.test(text)) })),
  });
  expect(drop(JSON.parse(read('probed', 'summary.json')))).toEqual(drop(JSON.parse(read('warned', 'summary.json'))));

  writeFileSync(path('bad.jsonl'), '{"question": "What is 1 + 1?"}\n');
  const bad = await run('bad', 'none', '--set', 'warnings.labels.probe=bad.jsonl');
  expect(bad).toMatchObject({
    exitCode: 78,
    err: expect.stringMatching(/"warnings\.labels\.probe" is "bad\.jsonl": line 1: "answer" is missing/),
  });
}, 60_000);
