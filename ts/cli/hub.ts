import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds that the hub gets to answer with a small file. */
const DEADLINE = 20_000;

/** Whether a text can be the name of a model on the hub: `owner/name` or `name`. */
export function isHubName(text: string): boolean {
  return /^[\w.-]+(\/[\w.-]+)?$/.test(text) && !/^\.+$/.test(text.split('/')[0] ?? '');
}

/** Whether huggingface_hub, and so we, shall not ask the hub. */
export function isOffline(env: NodeJS.ProcessEnv): boolean {
  return /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '');
}

/** Where the hub has a model's config.json. */
export function configUrl(model: string, env: NodeJS.ProcessEnv): string {
  return `${(env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/$/, '')}/${model}/resolve/main/config.json`;
}

/** Where huggingface_hub keeps the file, if it has it: refs/main names the commit whose files are below snapshots. */
export function cachedConfig(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folder = join(env.HF_HUB_CACHE ?? join(hubHome(env), 'hub'), `models--${name.replaceAll('/', '--')}`);
  const reference = join(folder, 'refs', 'main');
  if (!existsSync(reference)) return undefined;
  const file = join(folder, 'snapshots', readFileSync(reference, 'utf8').trim(), 'config.json');
  return existsSync(file) ? file : undefined;
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
