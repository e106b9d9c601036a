import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { describeBase } from '../../../ts/cli/baseModel.ts';
import { StandInHub } from '../../fixtures/standInHub.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-base-'));
let hub: StandInHub;
beforeAll(async () => {
  hub = await StandInHub.start();
});
afterEach(() => hub.reset());
afterAll(async () => {
  await hub.close();
  rmSync(home, { recursive: true });
});

function write(folder: string, files: Record<string, string>): void {
  mkdirSync(join(home, folder), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, folder, name), text);
}

describe('a base model', () => {
  test('the embedded one is under the licence of this project', async () => {
    const base = await describeBase('embedded', home, {});
    expect(base).toMatchObject({ dtype: 'float32', licence: { license: 'apache-2.0' }, notes: [] });
    expect(base.hub).toBeUndefined();
  });

  test('of a folder: what its card says, else what the text of its licence is', async () => {
    write('card', {
      'README.md': '---\nlicense: mit\n---\n',
      LICENSE: 'Apache License\nVersion 2.0',
      'config.json': '{}',
    });
    write('text', { 'LICENSE.txt': 'Apache License\n Version 2.0', 'config.json': '{"torch_dtype": "bfloat16"}' });
    write('bare', { 'config.json': 'no JSON' });
    const base = await describeBase('card', home, {});
    expect(base).toMatchObject({ title: 'card', licence: { license: 'mit' } });
    expect(base.licenceFiles).toEqual([join(home, 'card', 'LICENSE')]);
    expect(await describeBase('./text', home, {})).toMatchObject({
      dtype: 'bfloat16',
      licence: { license: 'apache-2.0' },
    });
    expect(await describeBase('bare', home, {})).toEqual({ title: 'bare', licence: {}, licenceFiles: [], notes: [] });
  });

  test('of the hub: what its card says there, with the float type of its config', async () => {
    hub.bases.set('Qwen/Base', {
      cardData: { license: 'other', license_name: 'qwen-research', license_link: 'LICENSE' },
      config: { text_config: { dtype: 'bfloat16' } },
    });
    expect(await describeBase('Qwen/Base', home, hub.env())).toMatchObject({
      title: 'Qwen/Base',
      hub: 'Qwen/Base',
      dtype: 'bfloat16',
      licence: { license: 'other', name: 'qwen-research', link: 'LICENSE' },
      notes: [],
    });
  });

  test('of the cache: nothing is asked that lies there', async () => {
    const snapshot = 'hub/models--Qwen--Base/snapshots/abc';
    write(snapshot, { 'README.md': '---\nlicense: apache-2.0\n---\n', 'config.json': '{"dtype": "float16"}' });
    write('hub/models--Qwen--Base/refs', { main: 'abc\n' });
    const base = await describeBase('Qwen/Base', home, { ...hub.env(), HF_HOME: home });
    expect(base).toMatchObject({ hub: 'Qwen/Base', dtype: 'float16', licence: { license: 'apache-2.0' } });
    expect(hub.requests).toEqual([]);
  });

  test.each([
    [{ HF_HUB_OFFLINE: '1' }, /HF_HUB_OFFLINE is set/],
    [{ HF_ENDPOINT: 'http://127.0.0.1:9' }, /licence of Qwen\/Absent could not be looked up/],
    [{}, /answers 404/],
  ])('what cannot be looked up is left out, with a note: %j', async (env, note) => {
    const base = await describeBase('Qwen/Absent', home, { ...hub.env(), ...env });
    expect(base).toMatchObject({ hub: 'Qwen/Absent', licence: {} });
    expect(base.dtype).toBeUndefined();
    expect(base.notes).toHaveLength(2);
    expect(base.notes[0]).toMatch(note);
  });
});
