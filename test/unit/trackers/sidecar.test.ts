import { expect, test } from '@jest/globals';
import { sidecarArguments, sidecarEnvironment } from '../../../ts/trackers/sidecar.ts';

test('what it is told', () => {
  const sending = { tracker: 'wandb', run: '/runs/a', project: 'p', name: '', entity: '' } as const;
  expect(sidecarArguments(sending).join(' ')).toBe('-m rzero_track /runs/a --to wandb --project p');
  expect(sidecarArguments({ ...sending, name: 'n', entity: 'e' }).join(' ')).toMatch(/ --name n --entity e$/);
});

test("its environment has the tracker's credentials, and not the workers' secret", () => {
  const env = sidecarEnvironment({ WANDB_API_KEY: 'key', RZERO_TOKEN: 'secret', PYTHONPATH: '/mine', NONE: undefined });
  expect(env).toMatchObject({ WANDB_API_KEY: 'key', PYTHONPATH: expect.stringMatching(/py_worker:\/mine$/) });
  expect(Object.keys(env)).not.toContain('RZERO_TOKEN');
  expect(Object.keys(env)).not.toContain('NONE');
});
