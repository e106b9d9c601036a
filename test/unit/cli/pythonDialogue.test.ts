import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { PythonDialogue } from '../../../ts/cli/pythonDialogue.ts';
import type { ToolLine } from '../../../ts/cli/pythonTool.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-dialogue-'));
afterAll(() => rmSync(home, { recursive: true }));

let written = 0;

/** A program in Python's place: a shell script. */
function program(script: string): string {
  const path = join(home, `${++written}.sh`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Answers question N with the line that it was asked. */
const ECHO = `n=0; while read -r line; do n=$((n+1)); echo "{\\"id\\": $n, \\"asked\\": $line}"; done`;

const start = (script: string, seconds = 20, signal = new AbortController().signal, lines: ToolLine[] = []) => {
  const surroundings = { env: process.env, signal };
  return PythonDialogue.start(program(script), 'tool', ['x'], surroundings, (line) => lines.push(line), seconds);
};

test('it hears what is said first, then has its questions answered', async () => {
  const lines: ToolLine[] = [];
  const stop = new AbortController();
  const script = `echo '{"item": 1}'; echo noise; echo '{"ready": {"version": "'"$2"'"}}'; ${ECHO}`;
  const { dialogue, ready } = await start(script, 20, stop.signal, lines);
  expect(lines).toEqual([{ item: 1 }]);
  expect(ready).toEqual({ ready: { version: 'tool' } });
  const answers = await Promise.all([dialogue.ask({ a: 1 }, 20), dialogue.ask({ a: 2 }, 20)]);
  expect(answers.map(({ asked }) => asked)).toEqual([
    { a: 1, id: 1 },
    { a: 2, id: 2 },
  ]);
  stop.abort('SIGINT');
  await expect(dialogue.ask({ a: 3 }, 20)).rejects.toBe('SIGINT');
});

test('an error that it says is what is thrown', async () => {
  const failing = start(`echo '{"error": {"code": "unknown_task", "message": "no such task"}}'; exit 1`);
  await expect(failing).rejects.toMatchObject({ name: 'ToolFailure', code: 'unknown_task', message: 'no such task' });
});

test('its death is told to whoever waits, and to whoever asks later, with its last words', async () => {
  const { dialogue } = await start(`echo '{"ready": {}}'; read -r line; echo trouble >&2; exit 3`);
  const death = { code: 'unavailable', message: 'python -m tool ended with exit code 3\ntrouble' };
  await expect(dialogue.ask({}, 20)).rejects.toMatchObject(death);
  await expect(dialogue.ask({}, 20)).rejects.toMatchObject(death);
});

test('one that says nothing in time is ended', async () => {
  await expect(start('exec sleep 60', 0.2)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'python -m tool has not answered in 0.2 s',
  });
});

test('a Python that cannot be run is named', async () => {
  const surroundings = { env: process.env, signal: new AbortController().signal };
  const starting = PythonDialogue.start('/nonexistent/python', 'tool', [], surroundings, () => {}, 20);
  await expect(starting).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/nonexistent/) });
});
