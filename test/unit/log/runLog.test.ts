import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { RunLog, type RunLogOptions } from '../../../ts/log/runLog.ts';
import { redactor } from '../../../ts/secrets/redact.ts';

let folder: string;
let troubles: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-log-'));
  troubles = [];
});

afterEach(() => rmSync(folder, { recursive: true }));

const path = () => join(folder, 'logs/orchestrator-0003.jsonl');

function open(options: Partial<RunLogOptions> = {}): RunLog {
  const onTrouble = (message: string) => {
    troubles.push(message);
  };
  return new RunLog({ path: path(), attempt: 3, level: 'info', redact: redactor(['hunter-2']), onTrouble, ...options });
}

function lines(): Record<string, unknown>[] {
  return readFileSync(path(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('a line has level, time, attempt, place, event and message, and what else there is to say', async () => {
  const log = open();
  log.note('attempt-started', 'attempt 3 begins', { seed: 1 });
  log.report({ type: 'activity', tokens: 70, deviceSeconds: 4, busySeconds: 3 });
  log.report({ type: 'phase-ended', iteration: 1, phase: 'solver', seconds: 4, metrics: { reward: 0.5 } });
  log.report({ type: 'recovery', message: 'lost' });
  log.note('attempt-ended', 'out of memory', { how: 'failed', exitCode: 69 }, 'error');
  await log.close();
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(lines()).toEqual([
    { level: 'info', time, attempt: 3, event: 'attempt-started', seed: 1, message: 'attempt 3 begins' },
    {
      level: 'info',
      time,
      attempt: 3,
      event: 'phase-ended',
      iteration: 1,
      phase: 'solver',
      seconds: 4,
      metrics: { reward: 0.5 },
      workers: { tokens: 70, deviceSeconds: 4, busySeconds: 3 },
      message: 'ended after 4.0 s',
    },
    { level: 'warn', time, attempt: 3, event: 'recovery', message: 'lost' },
    { level: 'error', time, attempt: 3, event: 'attempt-ended', how: 'failed', exitCode: 69, message: 'out of memory' },
  ]);
  expect(troubles).toEqual([]);
});

test('has what its level lets through, behind what was there', async () => {
  for (const level of ['warn', 'silent', 'debug'] as const) {
    const log = open({ level });
    log.report({ type: 'workers', message: `${level} workers` });
    log.report({ type: 'recovery', message: `${level} recovery` });
    await log.close();
  }
  expect(lines().map(({ message }) => message)).toEqual(['warn recovery', 'debug workers', 'debug recovery']);
});

test('no secret is in it, however deep', async () => {
  const log = open();
  log.note('x', 'said hunter-2', { one: 'hunter-2', more: [{ deep: 'a hunter-2 b' }] });
  await log.close();
  expect(readFileSync(path(), 'utf8')).not.toContain('hunter-2');
  expect(lines()).toMatchObject([{ message: 'said [redacted]', more: [{ deep: 'a [redacted] b' }] }]);
});

test.each([
  ['a disk that is full', '/dev/full', 'ENOSPC'],
  ['a file in the place of its folder', '/dev/null/orchestrator-0001.jsonl', 'EEXIST'],
])('%s is told once, and nobody fails or waits', async (_, where, code) => {
  const log = open({ path: where });
  for (let n = 0; n < 100; n++) {
    log.report({ type: 'workers', message: `message ${n}` });
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  expect(troubles).toEqual([expect.stringContaining(code)]);
});
