import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process among all that may have the run: on any host, before and after any reboot. */
export interface ProcessIdentity {
  host: string;
  /**
   * The kernel's boot and the process numbers that it counts in: who has the same sees whether the process lives. ''
   * where there is no /proc.
   */
  boot: string;
  pid: number;
  /** When it began, in the kernel's ticks since its boot, since a number is given again; '' where there is no /proc. */
  started: string;
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  return { host: hostname(), boot: bootOf(), pid: process.pid, started: startOf(process.pid) ?? '' };
}

/** Whether a process lives; undefined where it cannot be seen from here. */
export function isAlive(one: ProcessIdentity): boolean | undefined {
  const { host, boot } = thisProcess();
  if (boot === '' || one.boot !== boot || one.host !== host) return undefined;
  return startOf(one.pid) === one.started;
}

function bootOf(): string {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // Containers of one kernel count their processes apart.
    return `${id} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Field 22 of /proc/PID/stat; undefined where the process is gone, or dead and only not yet reaped. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses, which may hold anything.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}
