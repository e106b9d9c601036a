import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Whether a model's source can be a name on the hub; `./name` is a folder. */
export function isHubName(name: string): boolean {
  return /^[\w.-]+(\/[\w.-]+)?$/.test(name) && !/^\.+(\/|$)/.test(name);
}

/** Whether the user has forbidden huggingface_hub the network. */
export function isOffline(env: NodeJS.ProcessEnv): boolean {
  return /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '');
}

/** The hub's address, without a final slash. */
export function hubUrl(env: NodeJS.ProcessEnv): string {
  return (env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/$/, '');
}

/**
 * Where huggingface_hub keeps the files of a model's main branch, if it has any: refs/main names the commit whose files
 * are below snapshots.
 */
export function cachedSnapshot(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache'), 'huggingface');
  const folder = join(env.HF_HUB_CACHE ?? join(home, 'hub'), `models--${name.replaceAll('/', '--')}`);
  const reference = join(folder, 'refs', 'main');
  if (!existsSync(reference)) return undefined;
  const snapshot = join(folder, 'snapshots', readFileSync(reference, 'utf8').trim());
  return existsSync(snapshot) ? snapshot : undefined;
}
