import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { runPythonTool, type ToolLine } from '../../../ts/cli/pythonTool.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-tool-'));
afterAll(() => rmSync(home, { recursive: true }));

/** A program in Python's place: a shell script. */
function program(script: string): string {
  const path = join(home, `${Math.abs(hash(script))}.sh`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);
}

const run = (script: string, onLine?: (line: ToolLine) => void, signal = new AbortController().signal) =>
  runPythonTool(program(script), 'tool', ['a b'], { env: process.env, signal }, onLine);

test('it is told the lines of JSON, and those alone', async () => {
  const lines: ToolLine[] = [];
  await run(`echo '{"arguments": "'"$*"'"}'; echo warning; echo '{broken'; echo '{"done": 1}'`, (line) =>
    lines.push(line),
  );
  expect(lines).toEqual([{ arguments: '-m tool a b' }, { done: 1 }]);
});

test('what the tool says went wrong is what is thrown', async () => {
  const failing = run(`echo '{"error": {"code": "no_permission", "message": "no token"}}'; exit 1`);
  await expect(failing).rejects.toMatchObject({ name: 'ToolFailure', code: 'no_permission', message: 'no token' });
});

test('an end without a word shows what was printed last', async () => {
  const failing = run('echo trouble >&2; exit 3');
  await expect(failing).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/exit code 3\ntrouble$/),
  });
});

test('a Python that cannot be run is named', async () => {
  const terminal = { env: process.env, signal: new AbortController().signal };
  await expect(runPythonTool('/nonexistent/python', 'tool', [], terminal)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/\/nonexistent\/python.*npm run setup/),
  });
});

test('it is stopped when the command is', async () => {
  const stop = new AbortController();
  const stopped = run(`echo '{"up": 1}'; exec sleep 60`, () => stop.abort('SIGINT'), stop.signal);
  await expect(stopped).rejects.toBe('SIGINT');
});
