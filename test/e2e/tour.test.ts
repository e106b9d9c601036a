import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { python } from '../fixtures/python.ts';
import { temporaryFolder } from './cli.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const home = temporaryFolder();
afterAll(() => home.remove());

/** The commands of the README's tour, in order; a line that ends with a backslash goes on. */
function commands(): string[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const tour = /^## A tour\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
  const blocks = [...tour.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks
    .join('')
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.replace(/\s+# .*$/, '').trim())
    .filter((line) => line !== '');
}

/** A folder on PATH in which `rzero` is what the sources are. */
function shimFolder(): string {
  const folder = join(home.path, 'bin');
  mkdirSync(folder);
  const loader = join(ROOT, 'test/fixtures/typescript.mjs');
  const main = join(ROOT, 'ts/cli/main.ts');
  writeFileSync(join(folder, 'rzero'), `#!/bin/sh\nexec "${process.execPath}" --import "${loader}" "${main}" "$@"\n`);
  chmodSync(join(folder, 'rzero'), 0o755);
  return folder;
}

async function inShell(line: string, bin: string): Promise<{ code: number; out: string; err: string }> {
  const { HOME: _, HF_TOKEN: __, ...env } = process.env;
  const child = spawn('bash', ['-c', line], {
    cwd: home.path,
    env: {
      ...env,
      NODE_OPTIONS: '',
      HOME: home.path,
      HF_HUB_OFFLINE: '1',
      RZERO_PYTHON: python(),
      PATH: `${bin}${delimiter}${process.env.PATH}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}

describe("the README's tour", () => {
  const [alias = '', ...rest] = commands();

  test('begins with a name for the command, which is there', () => {
    const [, target = ''] = /^alias rzero="node \$PWD\/(\S+)"$/.exec(alias) ?? [];
    expect(readFileSync(join(ROOT, target), 'utf8')).toContain('rzeroCommand.mjs');
    expect(rest.length).toBeGreaterThan(10);
  });

  const bin = shimFolder();
  // One after another, as a reader would: later commands look at what earlier ones made.
  test.each(rest)(
    '%s',
    async (line) => {
      const { code, out, err } = await inShell(line, bin);
      expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
      const [, file] = / > (\S+)$/.exec(line) ?? [];
      const said = file === undefined ? `${out}${err}` : readFileSync(join(home.path, file), 'utf8');
      expect(said).not.toBe('');
    },
    180_000,
  );
});
