import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describeDiskError, isDiskError, RunDiskError } from '../../../ts/cli/diskError.ts';
import { explainError } from '../../../ts/cli/explainError.ts';
import { WorkerCallError } from '../../../ts/worker/errors.ts';

const SIZE = String.raw`\d+(\.\d)? [KMG]iB`;

function systemError(code: string, text: string, path?: string): Error {
  const named = path === undefined ? '' : ` '${path}'`;
  return Object.assign(new Error(`${code}: ${text}, write${named}`), { code, syscall: 'write', path });
}

test.each([
  ['ENOSPC', 'no space left on device', `: ${SIZE} are free in ${tmpdir()}$`],
  ['EDQUOT', 'disk quota exceeded', `: ${SIZE} are free in ${tmpdir()}, but the quota is used up$`],
  ['EIO', 'i/o error', "file'$"],
  ['EROFS', 'read-only file system', "file'$"],
  ['EFBIG', 'file too large', "file'$"],
])('%s names the file and, where it is a matter of room, what is free there', (code, text, end) => {
  const file = join(tmpdir(), 'rzero-none', 'file');
  const error = systemError(code, text, file);
  expect(describeDiskError(error)).toMatch(new RegExp(`^${code}: ${text}, write '${file}'`));
  expect(describeDiskError(error)).toMatch(new RegExp(end));
  expect(explainError(error)).toEqual({ exitCode: 74, message: expect.stringMatching(new RegExp(end)) });
});

test.each([
  "path '/run/x' cannot be written: [Errno 28] No space left on device: '/run/x'",
  "path '/run/x' cannot be written: Error while serializing: I/O error: No space left on device (os error 28)",
])('a worker without room: %s', (message) => {
  const error = new WorkerCallError('io_error', message);
  expect(isDiskError(error)).toBe(true);
  const described = describeDiskError(error, tmpdir());
  expect(described).toMatch(new RegExp(`: ${SIZE} are free in ${tmpdir()}$`));
  expect(describeDiskError(error)).toBe(message);
});

test('a run that met one says how it goes on', () => {
  const cause = systemError('EIO', 'i/o error', '/run/journal/0001.jsonl');
  const begun = new RunDiskError(cause, { name: 'runs/a', path: '/run', begun: true });
  expect(explainError(begun)).toEqual({
    exitCode: 74,
    message:
      "EIO: i/o error, write '/run/journal/0001.jsonl'\n" +
      'What is on record is safe. When that is mended, go on with: rzero resume runs/a',
  });
  const not = new RunDiskError(cause, { name: 'runs/a', path: '/run', begun: false });
  expect(not.message).toMatch(/\nNothing was done yet: when that is mended, remove runs\/a and start the run again$/);
});

test('other failures are no matter of the disk', () => {
  expect(isDiskError(new WorkerCallError('worker_gone', 'gone'))).toBe(false);
  expect(isDiskError(new TypeError('x'))).toBe(false);
});
