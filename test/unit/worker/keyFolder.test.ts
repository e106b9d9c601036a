import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isWorkerName, keyPaths, makeKeys, readOrchestratorKeys } from '../../../ts/worker/keyFolder.ts';
import { createKeyPair, readKeyPair, readPublicKey, writePublicKey } from '../../../ts/worker/keys.ts';

let home: string;
let folder: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rzero-keys-'));
  folder = join(home, 'keys');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Every file of the folder with its content. */
function files(): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const plain = names.filter((name) => statSync(join(folder, name)).isFile()).sort();
  return Object.fromEntries(plain.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

test('a new folder has the orchestrator and its workers, secrets for the owner alone', () => {
  expect(makeKeys(folder, ['worker-1', 'worker-2'])).toEqual(
    new Map([
      ['worker-1', 'made'],
      ['worker-2', 'made'],
    ]),
  );
  expect(Object.keys(files())).toEqual([
    'allowed/worker-1.pub',
    'allowed/worker-2.pub',
    'orchestrator.key',
    'orchestrator.pub',
    'workers/worker-1.key',
    'workers/worker-2.key',
  ]);
  const modes = (names: string[]) => names.map((name) => statSync(join(folder, name)).mode & 0o777);
  expect(modes(['.', 'workers', 'allowed'])).toEqual([0o700, 0o700, 0o700]);
  expect(modes(['orchestrator.key', 'workers/worker-1.key', 'workers/worker-2.key'])).toEqual([0o600, 0o600, 0o600]);
});

test('the pairs fit: the orchestrator allows its workers and nobody else', () => {
  makeKeys(folder, ['a', 'b']);
  const paths = keyPaths(folder);
  const keys = readOrchestratorKeys(folder);
  expect(keys.publicKey).toBe(readPublicKey(paths.orchestratorPublic));
  expect(keys.allowed).toEqual(new Set(['a', 'b'].map((name) => readKeyPair(paths.workerKey(name)).publicKey)));
});

test('a second run adds what is missing and leaves the rest, byte for byte', () => {
  makeKeys(folder, ['worker-1']);
  const before = files();
  expect(makeKeys(folder, ['worker-1', 'worker-2'])).toEqual(
    new Map([
      ['worker-1', 'kept'],
      ['worker-2', 'made'],
    ]),
  );
  expect(files()).toMatchObject(before);
  expect(readOrchestratorKeys(folder).allowed.size).toBe(2);
});

test('a worker whose key has moved to its machine gets no other', () => {
  makeKeys(folder, ['a']);
  rmSync(keyPaths(folder).workerKey('a'));
  expect(makeKeys(folder, ['a']).get('a')).toBe('kept');
  expect(existsSync(keyPaths(folder).workerKey('a'))).toBe(false);
});

test('a worker that was taken from the list stays shut out', () => {
  makeKeys(folder, ['a', 'b']);
  rmSync(keyPaths(folder).workerPublic('a'));
  expect(makeKeys(folder, ['a', 'b']).get('a')).toBe('shut_out');
  expect(readOrchestratorKeys(folder).allowed.size).toBe(1);
});

test('any .pub file lets its worker in, and other files in the list are nothing', () => {
  makeKeys(folder, ['a']);
  const { publicKey } = createKeyPair();
  writePublicKey(join(folder, 'allowed', 'colleague.pub'), publicKey);
  writePublicKey(join(folder, 'allowed', '.hidden.pub'), createKeyPair().publicKey);
  writePublicKey(join(folder, 'allowed', 'backup.pub~'), createKeyPair().publicKey);
  const { allowed } = readOrchestratorKeys(folder);
  expect([allowed.size, allowed.has(publicKey)]).toEqual([2, true]);
});

test('a lost public key of the orchestrator is written again', () => {
  makeKeys(folder, []);
  const before = files();
  rmSync(keyPaths(folder).orchestratorPublic);
  makeKeys(folder, []);
  expect(files()).toEqual(before);
});

test('a lost secret key of the orchestrator is not replaced: its workers know the other one', () => {
  makeKeys(folder, ['a']);
  rmSync(keyPaths(folder).orchestratorKey);
  expect(() => makeKeys(folder, ['a'])).toThrow(/orchestrator\.pub is there without .*put the key back/);
  expect(existsSync(keyPaths(folder).orchestratorKey)).toBe(false);
});

test('a public key that is not the orchestrator\u2019s is noticed', () => {
  makeKeys(folder, ['a']);
  const { orchestratorPublic } = keyPaths(folder);
  rmSync(orchestratorPublic);
  writePublicKey(orchestratorPublic, createKeyPair().publicKey);
  expect(() => makeKeys(folder, [])).toThrow(/is not the public key of/);
});

test.each(['.', 'allowed'])('a list that others could add to is refused (%s)', (name) => {
  makeKeys(folder, ['a']);
  chmodSync(join(folder, name), 0o777);
  expect(() => readOrchestratorKeys(folder)).toThrow(/group or others can write it \(mode 0777\).*chmod go-w /);
});

test('no key is made in a folder that others could change', () => {
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  expect(() => makeKeys(folder, ['a'])).toThrow(/chmod go-w/);
  expect(files()).toEqual({});
});

test('an empty list is refused, since nobody could ever connect', () => {
  makeKeys(folder, []);
  expect(() => readOrchestratorKeys(folder)).toThrow(/allowed holds no \.pub file.*`rzero keys` adds workers/);
});

test('a folder that does not exist is refused with how to make one', () => {
  expect(() => readOrchestratorKeys(folder)).toThrow(/orchestrator\.key: no such file; `rzero keys` makes one/);
});

test('names that would leave the folder are none', () => {
  expect(['worker-1', 'a', '7', 'gpu.b_2', 'x'.repeat(63)].filter(isWorkerName)).toHaveLength(5);
  expect(
    ['', '.', '..', '.hidden', '../a', 'a/b', 'a b', '-x', 'ä', 'a\n', 'x'.repeat(64)].filter(isWorkerName),
  ).toEqual([]);
});
