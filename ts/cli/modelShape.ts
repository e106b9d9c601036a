import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlacementError } from '../placement/errors.ts';
import { knownShape } from '../placement/models.ts';
import { type ModelShape, shapeOf } from '../placement/shape.ts';
import { askHub, cachedConfig, configUrl } from './hub.ts';
import { isHubName, isOffline } from './hubFiles.ts';
import { modelSource } from './places.ts';

/** The hub did not answer. */
export class HubError extends Error {
  override readonly name = 'HubError';
}

/**
 * The shape of a configuration's model, by its config.json: of a folder, of the Hugging Face cache, as it is known
 * here, or of the hub (at HF_ENDPOINT, unless HF_HUB_OFFLINE is set).
 *
 * @throws PlacementError naming the file and what is wrong with it; HubError
 */
export async function modelShape(model: string, env: NodeJS.ProcessEnv, workingFolder: string): Promise<ModelShape> {
  const source = modelSource(model, workingFolder);
  const file = join(source, 'config.json');
  if (existsSync(source)) return shapeOf(model, parse(model, read(model, file)));
  const cached = cachedConfig(source, env);
  if (cached !== undefined) return shapeOf(model, parse(model, read(model, cached)));
  return knownShape(model) ?? shapeOf(model, parse(model, await fetchConfig(model, env)));
}

function parse(model: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PlacementError(`config.json of ${model} is not JSON: ${(error as Error).message}`);
  }
}

function read(model: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new PlacementError(`model ${model} has no readable ${file}: ${code === 'ENOENT' ? 'no such file' : message}`);
  }
}

async function fetchConfig(model: string, env: NodeJS.ProcessEnv): Promise<string> {
  if (!isHubName(model)) throw new PlacementError(`model ${model} is no folder here, and no name on the hub`);
  const hint = 'give a folder with its config.json as the model, or load it once so that the cache has it';
  if (isOffline(env))
    throw new PlacementError(`model ${model} is not in the cache, and HF_HUB_OFFLINE is set: ${hint}`);
  const url = configUrl(model, env);
  const cannot = (error: Error) => new HubError(`${url} cannot be fetched: ${error.message}; ${hint}`);
  const response = await askHub(model, env).catch((error: Error) => {
    throw cannot(error);
  });
  if (!response.ok) throw new PlacementError(`${url} answers ${response.status}: ${hint}`);
  return response.text().catch((error: Error) => {
    throw cannot(error);
  });
}
