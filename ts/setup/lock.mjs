import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { whenThere } from './stamp.mjs';

/** How often a waiting process looks again, in milliseconds. */
const LOOK_MS = 200;
/** How often the holder shows that it lives to those who cannot see its process. */
const BEAT_MS = 5_000;
/** A lock from another machine, or a torn one, that was not touched for this long is nobody's. */
const SILENT_MS = 60_000;

/**
 * Hold a lock file while `work` runs, waiting for whoever holds it. The file names the holder and the
 * program it is running, so that a lock left behind by a killed process is recognised, but not before
 * what that process had started has ended too.
 *
 * @template T
 * @param {string} path
 * @param {{signal: AbortSignal, onWait: (pid: number | undefined) => void}} options
 *   `onWait` is called once, when somebody else holds the lock
 * @param {(note: (childPid: number) => void) => Promise<T>} work `note` names the program it runs
 * @returns {Promise<T>}
 */
export async function withLock(path, { signal, onWait }, work) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = { pid: process.pid, started: startOf(process.pid), host: hostname() };
  let told = false;
  while (!create(path, mine)) {
    const text = whenThere(() => readFileSync(path, 'utf8'));
    if (text === undefined) continue;
    if (isStale(path, text)) {
      discard(path, text);
      continue;
    }
    if (!told) onWait(parse(text)?.pid);
    told = true;
    await pause(LOOK_MS, undefined, { signal });
  }
  const beat = setInterval(() => touch(path), BEAT_MS);
  beat.unref();
  try {
    return await work((child) => writeFileSync(path, JSON.stringify({ ...mine, child, childStarted: startOf(child) })));
  } finally {
    clearInterval(beat);
    rmSync(path, { force: true });
  }
}

function create(path, content) {
  try {
    writeFileSync(path, JSON.stringify(content), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isStale(path, text) {
  const holder = parse(text);
  if (holder === undefined || holder.host !== hostname()) {
    const seen = whenThere(() => statSync(path).mtimeMs);
    return seen !== undefined && Date.now() - seen > SILENT_MS;
  }
  return !isRunning(holder.pid, holder.started) && !(holder.child && isRunning(holder.child, holder.childStarted));
}

/**
 * Two processes may see the same stale lock, and the slower one must not remove the lock that the
 * faster one has just made: so only the holder of a second lock removes, after another look.
 */
function discard(path, stale) {
  const guard = `${path}.break`;
  if (!create(guard, {})) {
    const seen = whenThere(() => statSync(guard).mtimeMs);
    if (seen !== undefined && Date.now() - seen > SILENT_MS) rmSync(guard, { force: true });
    return;
  }
  try {
    if (whenThere(() => readFileSync(path, 'utf8')) === stale) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function touch(path) {
  const now = new Date();
  whenThere(() => utimesSync(path, now, now));
}

function isRunning(pid, started) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  // Process ids are used again: the same id with another start is another process.
  return startOf(pid) === started;
}

/**
 * When a process started, in the kernel's own count; 'unknown' where there is no /proc, 'ended' for one
 * that nobody has waited for yet (in many containers process 1 never does).
 */
function startOf(pid) {
  const stat = whenThere(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return 'unknown';
  // The second field is the program's name in brackets and may hold spaces; after it, state is the third
  // field and the start the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19];
}
