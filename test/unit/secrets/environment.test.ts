import { expect, test } from '@jest/globals';
import { redactorFor, secretsIn } from '../../../ts/secrets/environment.ts';

test('secrets are what variables of such names hold', () => {
  const held = {
    RZERO_TOKEN: 'rzero-token',
    RZERO_JUDGE_KEY: 'judge-key',
    HF_TOKEN: 'hub-token',
    HUGGING_FACE_HUB_TOKEN: 'old-hub-token',
    WANDB_API_KEY: 'wandb-key',
    AWS_SECRET_ACCESS_KEY: 'aws-key',
    MLFLOW_TRACKING_PASSWORD: 'mlflow-password',
  };
  const others = { PATH: '/usr/bin:/bin', TOKENIZERS_PARALLELISM: 'false', HF_TOKEN_PATH: '/home/me/token' };
  expect(secretsIn({ ...held, ...others })).toEqual(Object.values(held));
});

test('what is not set, or too short to be one, is none', () => {
  expect(secretsIn({ HF_TOKEN: undefined, WANDB_API_KEY: '', RZERO_TOKEN: '12345' })).toEqual([]);
  expect(redactorFor({ RZERO_TOKEN: '12345' })('12345 of 12345')).toBe('12345 of 12345');
});
