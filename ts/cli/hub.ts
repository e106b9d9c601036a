import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cachedSnapshot, hubUrl } from './hubFiles.ts';

/** Milliseconds that the hub gets to answer with a small file. */
const DEADLINE = 20_000;

/** Where the hub has a model's config.json. */
export function configUrl(model: string, env: NodeJS.ProcessEnv): string {
  return `${hubUrl(env)}/${model}/resolve/main/config.json`;
}

/** The config.json of a model that is in the cache. */
export function cachedConfig(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const snapshot = cachedSnapshot(name, env);
  const file = snapshot === undefined ? undefined : join(snapshot, 'config.json');
  return file !== undefined && existsSync(file) ? file : undefined;
}

/** The token for the hub, where huggingface_hub looks for it; undefined where there is none. A secret. */
export function hubToken(env: NodeJS.ProcessEnv): string | undefined {
  const given = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN;
  if (given) return given.trim();
  try {
    return readFileSync(env.HF_TOKEN_PATH || join(hubHome(env), 'token'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ask the hub for a model's config.json, with the token where there is one.
 *
 * @throws Error where there is no answer, whose message says why
 */
export async function askHub(model: string, env: NodeJS.ProcessEnv): Promise<Response> {
  const token = hubToken(env);
  try {
    return await fetch(configUrl(model, env), {
      signal: AbortSignal.timeout(DEADLINE),
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error((cause as Error | undefined)?.message ?? message);
  }
}

function hubHome(env: NodeJS.ProcessEnv): string {
  return env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache'), 'huggingface');
}
