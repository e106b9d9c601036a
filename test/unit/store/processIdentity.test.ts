import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isAlive, thisProcess } from '../../../ts/store/processIdentity.ts';

const seesProcesses = thisProcess().boot !== '';

describe('a process', () => {
  test('is known by its host, boot, number and start', () => {
    const { pid, started, boot } = thisProcess();
    expect(pid).toBe(process.pid);
    if (!seesProcesses) return;
    expect(started).toMatch(/^\d+$/);
    expect(boot).toContain(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  });

  test('lives as long as its number and start are there', () => {
    if (!seesProcesses) return;
    const self = thisProcess();
    expect(isAlive(self)).toBe(true);
    // Its number was given to another one since.
    expect(isAlive({ ...self, started: '1' })).toBe(false);
    expect(isAlive({ ...self, pid: 2 ** 22 + 1 })).toBe(false);
  });

  test('that is dead and only not yet reaped does not live', async () => {
    if (!seesProcesses) return;
    // The shell is replaced by a program that never asks after its child.
    const parent = spawn('bash', ['-c', 'sleep 100 & echo $!; exec sleep 100'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(line);
    const fields = (of = pid) => readFileSync(`/proc/${of}/stat`, 'latin1').split(/[()]/);
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
    };
    try {
      await until(() => fields(parent.pid)[1] === 'sleep');
      const started = fields()[2]?.split(' ')[20] as string;
      expect(isAlive({ ...thisProcess(), pid, started })).toBe(true);
      process.kill(pid, 'SIGKILL');
      await until(() => fields()[2]?.startsWith(' Z') ?? false);
      expect(isAlive({ ...thisProcess(), pid, started })).toBe(false);
    } finally {
      parent.kill();
    }
  });

  test('of another host or boot, or without /proc, cannot be seen', () => {
    const self = thisProcess();
    expect(isAlive({ ...self, host: 'elsewhere' })).toBeUndefined();
    expect(isAlive({ ...self, boot: 'earlier' })).toBeUndefined();
    expect(isAlive({ ...self, boot: '' })).toBeUndefined();
  });
});
