import { resolve } from 'node:path';
import { isWorkerName, type KeyFate, keyPaths, makeKeys } from '../worker/keyFolder.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero keys` as given. */
export interface KeysFlags {
  workers?: string;
  name?: string[];
}

/**
 * `rzero keys`: make the keys of the orchestrator and its workers, or add workers to them. Prints which
 * files go where, and never a key.
 *
 * @throws UsageError, KeyError, or an error of the file system
 */
export function keysCommand(folder: string, flags: KeysFlags, terminal: Terminal): void {
  const workers = workersOf(flags);
  const fates = makeKeys(resolve(terminal.workingFolder, folder), workers);
  terminal.out(explain(folder, fates));
}

function workersOf({ workers, name: names = [] }: KeysFlags): string[] {
  // Somebody who names workers wants those, not one more.
  const text = workers ?? (names.length > 0 ? '0' : '1');
  if (!/^\d{1,4}$/.test(text)) throw new UsageError(`--workers ${text}: allowed is a whole number from 0 to 9999`);
  for (const name of names) {
    if (isWorkerName(name)) continue;
    throw new UsageError(
      `--name ${name}: allowed are 1 to 63 letters, digits, dots, dashes and underscores, a letter or digit first`,
    );
  }
  return [...new Set([...Array.from({ length: Number(text) }, (_, index) => `worker-${index + 1}`), ...names])];
}

function explain(folder: string, fates: ReadonlyMap<string, KeyFate>): string {
  const paths = keyPaths(folder);
  const named = (fate: KeyFate): string[] => [...fates].filter(([, one]) => one === fate).map(([name]) => name);
  const [made, kept, shutOut] = [named('made'), named('kept'), named('shut_out')];
  const list = (names: string[]): string => (names.length === 0 ? 'none' : names.join(', '));
  const example = made[0] ?? kept[0] ?? 'NAME';
  return [
    `Keys in ${folder}. Workers made: ${list(made)}; there already: ${list(kept)}.`,
    ...shutOut.map(
      (name) =>
        `${name} has a key but no ${paths.workerPublic(name)}, so it is shut out; remove ${paths.workerKey(name)} to make it anew.`,
    ),
    '',
    'Stays on this machine, secret:',
    `  ${paths.orchestratorKey}`,
    'Says who may connect; remove a file to shut its worker out of later runs:',
    `  ${paths.allowed}/*.pub`,
    "Goes to the worker's machine (secret: by scp, say; keep its mode 0600), for each worker NAME:",
    `  ${paths.workerKey('NAME')}`,
    `  ${paths.orchestratorPublic}`,
    '',
    `Start worker ${example} there, and the run here:`,
    '  python -m rzero_worker --connect tcp://HOST:5555 --backend torch \\',
    `    --worker-id ${example} --keys ${example}.key --server-key orchestrator.pub`,
    `  rzero run --set worker.listen=tcp://0.0.0.0:5555 --set worker.keys=${folder}`,
    '',
  ].join('\n');
}
