import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { modelShape } from '../../../ts/cli/modelShape.ts';
import { PlacementError } from '../../../ts/placement/errors.ts';

const CONFIG = {
  model_type: 'llama',
  num_hidden_layers: 2,
  hidden_size: 8,
  intermediate_size: 16,
  num_attention_heads: 2,
  vocab_size: 10,
  max_position_embeddings: 64,
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-shape-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A cache as huggingface_hub leaves it. */
function cache(hub: string, layers: number): void {
  const model = join(hub, 'models--me--mine');
  mkdirSync(join(model, 'refs'), { recursive: true });
  mkdirSync(join(model, 'snapshots', 'abc'), { recursive: true });
  writeFileSync(join(model, 'refs', 'main'), 'abc');
  writeFileSync(
    join(model, 'snapshots', 'abc', 'config.json'),
    JSON.stringify({ ...CONFIG, num_hidden_layers: layers }),
  );
}

describe('the shape of a model', () => {
  test('in a folder, the embedded one too', async () => {
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine', 'config.json'), JSON.stringify(CONFIG));
    expect(await modelShape('./mine', {}, folder)).toMatchObject({ name: './mine', layers: 2, vocabulary: 10 });
    expect(await modelShape('embedded', {}, folder)).toMatchObject({ name: 'embedded', parameters: 299_808 });
  });

  test('in the cache of the hub, wherever that is', async () => {
    const offline = { HF_HUB_OFFLINE: '1' };
    cache(join(folder, '.cache', 'huggingface', 'hub'), 2);
    cache(join(folder, 'home', 'hub'), 3);
    cache(join(folder, 'hub'), 4);
    const layers = async (env: object) => (await modelShape('me/mine', { ...offline, ...env }, folder)).layers;
    expect(await layers({ HOME: folder })).toBe(2);
    expect(await layers({ HOME: folder, HF_HOME: join(folder, 'home') })).toBe(3);
    expect(await layers({ HF_HOME: join(folder, 'home'), HF_HUB_CACHE: join(folder, 'hub') })).toBe(4);
  });

  test('that is known needs neither', async () => {
    const shape = await modelShape('Qwen/Qwen3-4B-Base', { HOME: folder, HF_HUB_OFFLINE: '1' }, folder);
    expect(shape.parameters).toBe(4_022_468_096);
  });

  test.each([
    ['./mine', 'model ./mine has no readable'],
    ['me/mine', 'model me/mine is not in the cache, and HF_HUB_OFFLINE is set'],
    ['a/b/c', 'model a/b/c is no folder here, and no name on the hub'],
  ])('%s is refused in one sentence', async (model, message) => {
    mkdirSync(join(folder, 'mine'));
    const call = modelShape(model, { HOME: folder, HF_HUB_OFFLINE: '1' }, folder);
    await expect(call).rejects.toThrow(PlacementError);
    await expect(modelShape(model, { HOME: folder, HF_HUB_OFFLINE: '1' }, folder)).rejects.toThrow(message);
  });

  test('whose config.json is broken is refused', async () => {
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine', 'config.json'), '{');
    await expect(modelShape('mine', {}, folder)).rejects.toThrow('config.json of mine is not JSON');
  });
});

describe('the hub', () => {
  let server: Server;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url?.includes('mine')) response.end(JSON.stringify(CONFIG));
      else response.writeHead(401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    server.close();
  });

  test('is asked at HF_ENDPOINT, where nobody else knows', async () => {
    const HF_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const env = { HOME: folder, HF_ENDPOINT };
    expect(await modelShape('me/mine', env, folder)).toMatchObject({ layers: 2 });
    await expect(modelShape('me/other', env, folder)).rejects.toThrow('/me/other/resolve/main/config.json answers 401');
    expect(asked).toEqual(['/me/mine/resolve/main/config.json', '/me/other/resolve/main/config.json']);
  });

  test('that is not there is named', async () => {
    const env = { HOME: folder, HF_ENDPOINT: 'http://127.0.0.1:1' };
    await expect(modelShape('me/mine', env, folder)).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:1\/me\/mine\/resolve\/main\/config\.json cannot be fetched: /,
    );
  });
});
