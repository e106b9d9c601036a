import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WorkerStartError } from '../../../ts/worker/errors.ts';
import { inspectHere } from '../../../ts/worker/inspectHere.ts';
import { python } from '../../fixtures/python.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-inspect-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const packageFolder = fileURLToPath(new URL('../../../py_worker', import.meta.url));

function look(program: string, deadline = 20_000) {
  return inspectHere({ python: program, packageFolder, workingFolder: folder, env: process.env, deadline });
}

/** A program in place of Python. */
function script(body: string): string {
  const path = join(folder, 'python');
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a Python says what the machine has, without a worker', async () => {
  const machine = await look(python());
  expect(machine.python).toMatch(/^3\.\d+/);
  expect(machine.packages).toHaveProperty('pyzmq');
  expect(machine.workingFolder.path).toBe(folder);
  expect(machine.memoryFreeBytes).toBeLessThanOrEqual(machine.memoryBytes);
});

test.each([
  ['is not there', () => '/nowhere/python', /^the Python at \/nowhere\/python cannot be run: .*ENOENT/s],
  ['fails', () => script('echo "No module named x" >&2; exit 3'), /ends with exit code 3: No module named x$/],
  ['prints something else', () => script('echo hello'), /says what is no description of a machine: /],
  [
    'prints another description',
    () => script(`echo '{"host": 1}'`),
    /says what is no description of a machine: .*Machine/,
  ],
])('one that %s is refused in one sentence', async (_, program, message) => {
  const call = look(program());
  await expect(call).rejects.toThrow(WorkerStartError);
  await expect(call).rejects.toThrow(message);
});

test('one that hangs is killed', async () => {
  await expect(look(script('exec sleep 600'), 100)).rejects.toThrow('says nothing within 0.1 s');
});
