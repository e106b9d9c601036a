import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { warnOfLittleRoom } from '../../../ts/cli/room.ts';
import { loadConfig } from '../../../ts/config/load.ts';

const terminal = { env: { HOME: '/nowhere' }, workingFolder: tmpdir() };
const HUGE = 'iterations=1000000';

function warning(preset: string, ...sets: string[]): Promise<string> {
  return warnOfLittleRoom(loadConfig({ preset, sets }), undefined, tmpdir(), terminal);
}

test('a run that needs more than is free is told so in a line', async () => {
  expect(await warning('paper', HUGE)).toMatch(
    /^rzero: the run needs about \d+ GiB and \d+(\.\d)? [KMG]iB are free in \S+\n$/,
  );
});

test('nothing is said where there is enough, of the mock, and of a model that is not here', async () => {
  expect(await warning('embedded')).toBe('');
  expect(await warning('mock', HUGE)).toBe('');
  expect(await warning('paper', HUGE, 'model="me/mine"')).toBe('');
});
