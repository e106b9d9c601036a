import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { cli, SMALL, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());

// Not a `.test.ts`: `npm run test:vllm` runs it, where there is an environment for it.
test('a whole iteration with vLLM: same seed, same summary, byte for byte', async () => {
  const summaries = [];
  for (const name of ['first', 'again']) {
    const out = join(home.path, name);
    const { exitCode, err } = await cli(['run', '--set', 'worker.backend=vllm', ...SMALL, '--out', out]);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
    summaries.push(readFileSync(join(out, 'summary.json'), 'utf8'));
  }
  expect(summaries[1]).toBe(summaries[0]);
}, 600_000);
