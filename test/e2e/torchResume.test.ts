import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { readJournal } from '../../ts/store/journal.ts';
import { cli, SMALL, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);

afterEach(() => {
  delete process.env.RZERO_FAULT;
  delete process.env.RZERO_FAULT_ONCE;
});

beforeAll(async () => {
  expect((await cli(['run', ...SMALL, '--out', path('alone')])).exitCode).toBe(0);
}, 120_000);

function expectAsAlone(name: string): void {
  expect(differences(resultDigests(path('alone')), resultDigests(path(name)))).toEqual([]);
  expect(readFileSync(join(path(name), 'summary.json'))).toEqual(readFileSync(join(path('alone'), 'summary.json')));
}

test('a PyTorch run that is stopped goes on to the same weights, bit for bit', async () => {
  const { exitCode } = await cli(['run', ...SMALL, '--out', path('stopped')], { stopAt: /Challenger 1 from/ });
  expect(exitCode).toBe(130);
  expect((await cli(['resume', path('stopped')])).exitCode).toBe(0);
  expectAsAlone('stopped');
}, 120_000);

test('so does one whose worker is killed within a step, and right after another', async () => {
  process.env.RZERO_FAULT = 'kill@forward_backward:3;kill-after@optim_step:2';
  process.env.RZERO_FAULT_ONCE = mkdtempSync(path('once-'));
  expect((await cli(['run', ...SMALL, '--out', path('killed')])).exitCode).toBe(0);
  const { entries } = readJournal(path('killed'));
  expect(entries.filter(({ type }) => type === 'recovery')).toHaveLength(2);
  expectAsAlone('killed');
}, 120_000);
