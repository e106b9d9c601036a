import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listed } from './lists.ts';
import { endProgram, firstSign, type Side, startProgram } from './side.ts';

/**
 * HTTP and JSON files: a request names a file with what is asked, the server (files.py) reads it, writes another
 * one with its answer and says so, and the caller reads that.
 */
export async function startFileSide(python: string): Promise<Side> {
  const program = startProgram(python, 'files.py', []);
  if (program.stdout === null) throw new Error('files.py has no output');
  const [port] = await firstSign(program, once(program.stdout, 'data'));
  const folder = mkdtempSync(join(tmpdir(), 'rzero-wire-'));
  const question = join(folder, 'question.json');
  const ask = async (verb: string, request: unknown): Promise<unknown> => {
    await writeFile(question, JSON.stringify(request));
    const url = `http://127.0.0.1:${String(port).trim()}/${verb}?name=${encodeURIComponent(question)}`;
    const response = await fetch(url);
    const { name } = (await response.json()) as { name: string };
    return JSON.parse(await readFile(name, 'utf8'));
  };
  return {
    name: 'files',
    forward(params) {
      const request = listed(params);
      return async () => Float32Array.from(((await ask('forward', request)) as { logprobs: number[] }).logprobs);
    },
    train(params) {
      const request = listed(params);
      return async () => ((await ask('train', request)) as { loss: number }).loss;
    },
    async close() {
      await endProgram(program);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
