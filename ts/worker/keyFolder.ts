import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CurveServer,
  createKeyPair,
  KeyError,
  readKeyPair,
  readPublicKey,
  requireUnwritable,
  writeKeyPair,
  writePublicKey,
} from './keys.ts';

/** Where the keys of a folder lie. */
export interface KeyPaths {
  /** The orchestrator's pair, which stays on its machine, and its public half, which every worker gets. */
  orchestratorKey: string;
  orchestratorPublic: string;
  /** Public keys of the workers that may connect, one file `NAME.pub` each. */
  allowed: string;
  /** A worker's pair, which goes to its machine. */
  workerKey(name: string): string;
  /** Its entry in the list of who may connect. */
  workerPublic(name: string): string;
}

/**
 * What became of a worker's keys: `made` now; `kept` as they were; `shut_out`: it has a pair, but was
 * taken from the list of who may connect, which is how a worker is turned away for good.
 */
export type KeyFate = 'made' | 'kept' | 'shut_out';

/** Names become file names. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The layout of a key folder. */
export function keyPaths(folder: string): KeyPaths {
  return {
    orchestratorKey: join(folder, 'orchestrator.key'),
    orchestratorPublic: join(folder, 'orchestrator.pub'),
    allowed: join(folder, 'allowed'),
    workerKey: (name) => join(folder, 'workers', `${name}.key`),
    workerPublic: (name) => join(folder, 'allowed', `${name}.pub`),
  };
}

/** Whether a worker can have this name: 1 to 63 letters, digits, dots, dashes or underscores, no sign first. */
export function isWorkerName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Make a key folder, or add to one: the orchestrator's keys and those of each named worker, where they
 * are not there yet. Nothing is ever written over.
 *
 * @returns what became of each worker's keys, in the order of `workers`
 * @throws KeyError when what is there cannot be used, or an error of the file system
 */
export function makeKeys(folder: string, workers: readonly string[]): Map<string, KeyFate> {
  const paths = keyPaths(folder);
  for (const path of [folder, join(folder, 'workers'), paths.allowed])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  requireUnwritable(folder);
  makeOrchestratorKeys(paths);
  return new Map(workers.map((name) => [name, makeWorkerKeys(paths, name)]));
}

/**
 * The orchestrator's own keys, and the public keys of the workers that may connect.
 *
 * @throws KeyError when a key cannot be used, when others could add to the list, or when it is empty
 */
export function readOrchestratorKeys(folder: string): CurveServer {
  const { orchestratorKey, allowed } = keyPaths(folder);
  const pair = readKeyPair(orchestratorKey);
  for (const path of [folder, allowed]) requireUnwritable(path);
  const files = readdirSync(allowed).filter((name) => name.endsWith('.pub') && !name.startsWith('.'));
  if (files.length === 0) {
    throw new KeyError(
      'malformed',
      `${allowed} holds no .pub file, so no worker may connect; \`rzero keys\` adds workers`,
    );
  }
  return { ...pair, allowed: new Set(files.map((name) => readPublicKey(join(allowed, name)))) };
}

function makeOrchestratorKeys({ orchestratorKey, orchestratorPublic }: KeyPaths): void {
  const hasPublic = existsSync(orchestratorPublic);
  if (!existsSync(orchestratorKey)) {
    if (hasPublic) {
      const cure = 'put the key back, or take another folder and give every worker its new keys';
      throw new KeyError('mismatched', `${orchestratorPublic} is there without ${orchestratorKey}: ${cure}`);
    }
    writeKeyPair(orchestratorKey, createKeyPair());
  }
  const { publicKey } = readKeyPair(orchestratorKey);
  if (!hasPublic) writePublicKey(orchestratorPublic, publicKey);
  else if (readPublicKey(orchestratorPublic) !== publicKey) {
    throw new KeyError('mismatched', `${orchestratorPublic} is not the public key of ${orchestratorKey}`);
  }
}

function makeWorkerKeys(paths: KeyPaths, name: string): KeyFate {
  const [key, entry] = [paths.workerKey(name), paths.workerPublic(name)];
  // Its pair may have been moved to its own machine.
  if (existsSync(entry)) return 'kept';
  if (existsSync(key)) return 'shut_out';
  const pair = createKeyPair();
  writeKeyPair(key, pair);
  writePublicKey(entry, pair.publicKey);
  return 'made';
}
