import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { realFileSystem } from '../../../ts/store/fileSystem.ts';
import { ObjectStore, objectFile } from '../../../ts/store/objects.ts';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'rzero-objects-'));
});
afterEach(() => rmSync(run, { recursive: true }));

const value = { texts: ['a', 'b'], tokens: Int32Array.of(1, 2, 3) };
const fileOf = (name: string) => join(run, objectFile(name));

/** Counts the files that are written, and which are flushed. */
function watched() {
  const seen = { written: 0, flushed: [] as string[] };
  const names = new Map<number, string>();
  const store = new ObjectStore(run, {
    ...realFileSystem,
    open: (path, flags) => {
      if (flags !== 'r') seen.written += 1;
      const handle = realFileSystem.open(path, flags);
      names.set(handle, path);
      return handle;
    },
    flush: (handle) => seen.flushed.push(names.get(handle) as string),
  });
  return { store, seen };
}

describe('object store', () => {
  test('gives back what was put, in another process too', () => {
    const name = new ObjectStore(run).put(value);
    expect(new ObjectStore(run).get(name)).toEqual(value);
    expect(new ObjectStore(run).digest(value)).toBe(name);
    expect(readdirSync(join(run, 'objects', name.slice(0, 2)))).toEqual([name]);
  });

  test('what was never put, or has an impossible name, is not there', () => {
    const store = new ObjectStore(run);
    expect(store.get('0'.repeat(64))).toBeUndefined();
    expect(store.get('../../etc/passwd')).toBeUndefined();
    expect(store.damageOf('../x')).toBe('absent');
  });

  test('what is there is not written again; what was cut short is', () => {
    const { store, seen } = watched();
    const name = store.put(value);
    store.put(value);
    expect(seen.written).toBe(1);
    writeFileSync(fileOf(name), 'half');
    store.put(value);
    expect(seen.written).toBe(2);
    expect(store.get(name)).toEqual(value);
  });

  test('what is damaged is put aside when it is read, and made anew when it is put', () => {
    const store = new ObjectStore(run);
    const name = store.put(value);
    const bytes = readFileSync(fileOf(name));
    bytes[5] = (bytes[5] as number) ^ 1;
    writeFileSync(fileOf(name), bytes);
    expect(store.damageOf(name)).toBe('damaged');
    expect(store.get(name)).toBeUndefined();
    expect(store.damageOf(name)).toBe('absent');
    expect(readdirSync(join(run, 'quarantine'))).toEqual([`objects-${name}-1`]);
    expect(store.put(value)).toBe(name);
    expect(store.damageOf(name)).toBeUndefined();
  });

  test('what was put or read is flushed once, with its folders', () => {
    const before = new ObjectStore(run).put({ earlier: true });
    const { store, seen } = watched();
    const name = store.put(value);
    store.get(before);
    store.flush();
    const folders = new Set([name, before].map((one) => join(run, 'objects', one.slice(0, 2))));
    expect(seen.flushed.sort()).toEqual([fileOf(name), fileOf(before), ...folders, join(run, 'objects')].sort());
    store.get(name);
    store.put(value);
    store.flush();
    expect(seen.flushed.length).toBe(3 + folders.size);
  });

  test('what nothing needs any more may go before it is flushed', () => {
    const store = new ObjectStore(run);
    rmSync(fileOf(store.put(value)));
    expect(() => store.flush()).not.toThrow();
  });

  test('a disk that is full leaves nothing behind', () => {
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
    const store = new ObjectStore(run, {
      ...realFileSystem,
      write: () => {
        throw full;
      },
    });
    expect(() => store.put(value)).toThrow(full);
    const name = store.digest(value);
    expect(readdirSync(join(run, 'objects', name.slice(0, 2)))).toEqual([]);
  });

  test('large arrays are written whole where each write is cut short', () => {
    const tokens = Int32Array.from({ length: 5000 }, (_, index) => index);
    const store = new ObjectStore(run, {
      ...realFileSystem,
      write: (handle, bytes, at) => realFileSystem.write(handle, bytes.subarray(at, at + 1000), 0),
    });
    const name = store.put({ tokens });
    expect(store.get(name)).toEqual({ tokens });
    expect(statSync(fileOf(name)).size).toBeGreaterThan(20_000);
  });
});
