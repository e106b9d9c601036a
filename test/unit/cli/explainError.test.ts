import { expect, test } from '@jest/globals';
import { explainError } from '../../../ts/cli/explainError.ts';
import { HubError } from '../../../ts/cli/modelShape.ts';
import { UsageError } from '../../../ts/cli/usage.ts';
import { ConfigError } from '../../../ts/config/errors.ts';
import { StoppedByWarning, TrainingDiverged } from '../../../ts/loop/errors.ts';
import { PlacementError } from '../../../ts/placement/errors.ts';
import { PublishError } from '../../../ts/publish/errors.ts';
import { RunFolderError } from '../../../ts/store/runFolder.ts';
import { AddressError } from '../../../ts/worker/address.ts';
import { WorkerCallError, WorkerStartError } from '../../../ts/worker/errors.ts';
import { KeyError } from '../../../ts/worker/keys.ts';
import { TransportError } from '../../../ts/worker/transport.ts';

const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), {
  code: 'ENOSPC',
  syscall: 'write',
});

test.each([
  ['a wrong configuration', new ConfigError('option'), 78],
  ['a GPU that nobody knows', new PlacementError('gpu'), 78],
  ['a hub that does not answer', new HubError('no'), 69],
  ['a wrong flag', new UsageError('flag'), 2],
  ['a wrong address', new AddressError('address'), 78],
  ['a key that others can read', new KeyError('exposed', 'no'), 78],
  ['a ZeroMQ without encryption', new KeyError('unsupported', 'no'), 69],
  ['an address that needs keys', new TransportError('insecure', 'no'), 78],
  ['a port in use', new TransportError('bind_failed', 'no'), 69],
  ['a taken run folder', new RunFolderError('run_exists', 'there'), 2],
  ['a model that cannot be loaded', new WorkerCallError('model_unloadable', 'no'), 65],
  ['a checkpoint that cannot be written', new WorkerCallError('io_error', 'no'), 74],
  ['a training that diverged', new TrainingDiverged('solver, step 1', 2, { name: 'x', value: 1 }, 'inf'), 65],
  [
    'a warning that stops',
    new StoppedByWarning('iteration 1, solver', { name: 'length', message: 'long', action: 'stop' }),
    65,
  ],
  ['a worker that is gone', new WorkerCallError('worker_gone', 'no'), 69],
  ['a worker that does not start', new WorkerStartError('worker_start_failed', 'no'), 69],
  ["a worker's bug", new WorkerCallError('internal', 'no'), 1],
  ['a damaged model', new PublishError('damaged', 'no'), 65],
  ['a run without weights', new PublishError('no_weights', 'no'), 65],
  ['a token that is refused', new PublishError('no_permission', 'no'), 77],
  ['a hub that cannot be reached', new PublishError('unavailable', 'no'), 69],
  ['a full disk', noSpace, 74],
  ['anything else', new TypeError('x is not a function'), 1],
])('%s', (_, error, exitCode) => {
  expect(explainError(error).exitCode).toBe(exitCode);
});

test('of a long log only the end is shown', () => {
  const log = Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n');
  const { message } = explainError(new WorkerCallError('worker_gone', 'the worker ended', log));
  expect(message.split('\n')).toHaveLength(26);
  expect(message).toMatch(/^the worker ended\nline 75\n[\s\S]*line 99$/);
});

test('a bug comes with its stack', () => {
  expect(explainError(new TypeError('x is not a function')).message).toMatch(/TypeError: x is not a function\n +at /);
});
