import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { configUrl, hubToken } from '../../../ts/cli/hub.ts';
import { isHubName, isOffline } from '../../../ts/cli/hubFiles.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-hub-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['Qwen/Qwen3-4B-Base', true],
  ['gpt2', true],
  ['./mine', false],
  ['../mine', false],
  ['a/b/c', false],
  ['/models/mine', false],
  ['', false],
])('%p is a name on the hub: %p', (text, expected) => {
  expect(isHubName(text)).toBe(expected);
});

test('the token is where huggingface_hub has it', () => {
  expect(hubToken({ HF_HOME: folder })).toBeUndefined();
  writeFileSync(join(folder, 'token'), '\n');
  expect(hubToken({ HF_HOME: folder })).toBeUndefined();
  writeFileSync(join(folder, 'token'), 'hf_file\n');
  expect(hubToken({ HF_HOME: folder })).toBe('hf_file');
  expect(hubToken({ HF_TOKEN_PATH: join(folder, 'token') })).toBe('hf_file');
  expect(hubToken({ HF_HOME: folder, HF_TOKEN: 'hf_given' })).toBe('hf_given');
});

test('the hub is that of HF_ENDPOINT, unless it shall not be asked', () => {
  expect(configUrl('me/mine', {})).toBe('https://huggingface.co/me/mine/resolve/main/config.json');
  expect(configUrl('me/mine', { HF_ENDPOINT: 'http://mirror/' })).toBe(
    'http://mirror/me/mine/resolve/main/config.json',
  );
  expect([isOffline({}), isOffline({ HF_HUB_OFFLINE: '0' }), isOffline({ HF_HUB_OFFLINE: '1' })]).toEqual([
    false,
    false,
    true,
  ]);
});
