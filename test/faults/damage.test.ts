import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { readJournal } from '../../ts/store/journal.ts';
import { cli, temporaryFolder } from '../e2e/cli.ts';
import { python } from '../fixtures/python.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

beforeAll(async () => {
  const args = ['run', '--preset', 'mock', ...SMALL_RUN, '--out'];
  expect((await cli([...args, path('alone')])).exitCode).toBe(0);
  // It is killed in the last Solver phase, right after its checkpoint.
  const { entries } = readJournal(path('alone'));
  const last = entries.findLastIndex((entry) => entry.type === 'checkpoint' && entry.phase === 'solver');
  const program = ['--import', here('../fixtures/typescript.mjs'), here('../fixtures/dyingCli.ts')];
  const given = { RZERO_PYTHON: python(), NODE_OPTIONS: '', RZERO_DIE_AFTER: String(last + 1) };
  const killed = spawnSync(process.execPath, [...program, ...args, path('killed')], {
    env: { ...process.env, ...given },
  });
  expect(killed.signal).toBe('SIGKILL');
}, 60_000);

function files(): string[] {
  return readdirSync(path('killed'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path('killed').length + 1))
    .filter((name) => statSync(join(path('killed'), name)).size > 0)
    .sort();
}

const DAMAGES: Record<string, (file: string) => void> = {
  cut: (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
  changed: (file) => {
    const bytes = readFileSync(file);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] as number) ^ 4;
    writeFileSync(file, bytes);
  },
  gone: (file) => rmSync(file),
};

/** What a run must not go on without, or cannot trust when it is damaged: it is refused by name then. */
const REFUSED: Record<string, Partial<Record<string, RegExp>>> = {
  'journal/0001.jsonl': {
    changed: /journal\/0001\.jsonl, line \d+ is damaged/,
    gone: /was lost before its configuration/,
  },
  'config.yml': { cut: /config\.yml/, changed: /config\.yml|was begun with another configuration|Changed since/ },
};

test.each(Object.keys(DAMAGES))(
  'every file of a killed run, %s: the run ends as one that was left alone, or says what it cannot go on without',
  async (how) => {
    expect(files().length).toBeGreaterThan(30);
    for (const name of files()) {
      rmSync(path('damaged'), { recursive: true, force: true });
      cpSync(path('killed'), path('damaged'), { recursive: true });
      DAMAGES[how]?.(join(path('damaged'), name));
      const { exitCode, err } = await cli(['run', '--out', path('damaged')]);
      const told = REFUSED[name]?.[how];
      if (exitCode === 0 || told === undefined) {
        expect({ name, exitCode, err: exitCode === 0 ? '' : err }).toEqual({ name, exitCode: 0, err: '' });
        const changed = differences(resultDigests(path('alone')), resultDigests(path('damaged')));
        expect({ name, changed }).toEqual({ name, changed: [] });
        expect(readFileSync(path('damaged/summary.json'))).toEqual(readFileSync(path('alone/summary.json')));
      } else {
        expect([2, 65, 78]).toContain(exitCode);
        expect(err).toMatch(told);
      }
    }
  },
  180_000,
);
