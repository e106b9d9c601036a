import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { python } from '../fixtures/python.ts';
import { cli, temporaryFolder } from './cli.ts';

const SECRETS = { HF_TOKEN: 'hf_NobodyMayEverSeeThis0123456789', WANDB_API_KEY: 'a-key-that-looks-like-nothing' };

const home = temporaryFolder();
afterAll(() => {
  home.remove();
  for (const name of Object.keys(SECRETS)) delete process.env[name];
});

// Workers get this process's environment.
beforeAll(() => {
  Object.assign(process.env, SECRETS);
});

/** A Python that says all that it knows before it does what it is told. */
function babblingPython(name: string, ends: boolean): string {
  const path = join(home.path, name);
  const last = ends ? 'exit 3' : `exec ${python()} "$@"`;
  const says = 'echo "env: $HF_TOKEN $RZERO_TOKEN"; echo "HF_TOKEN=$HF_TOKEN, then $WANDB_API_KEY" >&2';
  writeFileSync(path, `#!/bin/sh\n${says}; echo "token was $RZERO_TOKEN"\n${last}\n`);
  chmodSync(path, 0o755);
  return path;
}

function everyFile(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return files.filter((path) => statSync(path).isFile());
}

test.each([
  ['runs', false, 0],
  ['ends', true, 69],
])('a worker that tells its secrets and %s leaves them nowhere', async (name, ends, exitCode) => {
  const out = join(home.path, `${name}-run`);
  const args = ['run', '--preset', 'mock', '--iterations', '1', '--set', 'worker.restarts=0', '--out', out];
  const result = await cli(args, { env: { ...SECRETS, RZERO_PYTHON: babblingPython(name, ends) } });
  expect(result.exitCode).toBe(exitCode);
  const log = readFileSync(join(out, 'worker.log'), 'utf8');
  expect(log).toContain('env: [redacted] [redacted]');
  expect(log).toContain('then [redacted]');
  expect(log).toContain('token was [redacted]\n');
  const texts = [result.out, result.err, ...everyFile(out).map((path) => readFileSync(path, 'latin1'))];
  for (const text of texts) for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
  if (ends) expect(result.err).toContain('token was [redacted]');
});

test('each attempt has a log, which says how it ended', async () => {
  const attempts = (out: string) => readdirSync(join(home.path, out, 'logs'));
  const last = (out: string, file: string) => {
    const lines = readFileSync(join(home.path, out, 'logs', file), 'utf8')
      .trim()
      .split('\n');
    return JSON.parse(lines.at(-1) as string);
  };
  expect(attempts('runs-run')).toEqual(['orchestrator-0001.jsonl']);
  expect(last('runs-run', 'orchestrator-0001.jsonl')).toMatchObject({ how: 'finished', exitCode: 0 });
  expect(last('ends-run', 'orchestrator-0001.jsonl')).toMatchObject({ level: 'error', how: 'failed', exitCode: 69 });
  const args = ['resume', join(home.path, 'ends-run')];
  const stopped = await cli(args, { stopAt: /iteration 1 +challenger/ });
  expect(stopped.exitCode).toBe(130);
  expect(attempts('ends-run')).toEqual(['orchestrator-0001.jsonl', 'orchestrator-0002.jsonl']);
  expect(last('ends-run', 'orchestrator-0002.jsonl')).toMatchObject({ attempt: 2, how: 'stopped', exitCode: 130 });
});
