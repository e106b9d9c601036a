import { plural, size } from '../report/text.ts';
import { type Check, failed, ok, skipped, warning } from './check.ts';
import { isAtLeast } from './versions.ts';

/** `engines` of package.json. */
const OLDEST_NODE = '20.11';

export const NODE: Check<{ version: string; platform: string }> = {
  id: 'node',
  title: 'Node.js',
  judge({ version, platform }) {
    const found = `${version} on ${platform}`;
    if (!isAtLeast(version, OLDEST_NODE)) {
      return failed('unavailable', found, `install Node ${OLDEST_NODE} or newer: https://nodejs.org`);
    }
    if (platform !== 'win32') return ok(found);
    return failed('unavailable', found, 'Windows itself is not supported: run this inside WSL, on Linux or on macOS');
  },
};

export const ENCRYPTION: Check<{ curve: boolean; leavesMachine: boolean }> = {
  id: 'curve',
  title: 'Encryption of ZeroMQ',
  judge({ curve, leavesMachine }) {
    if (curve) return ok('it has CURVE');
    const found = 'this build of ZeroMQ has no CURVE, so no worker of another machine may dial in';
    const hint = 'install the package zeromq as npm has it, whose own build does: npm rebuild zeromq';
    return leavesMachine ? failed('unavailable', found, hint) : warning(found, hint);
  },
};

/** Files of the orchestrator itself, and of each worker: a connection, or three pipes and a connection. */
const OWN_FILES = 256;
const FILES_A_WORKER = 8;

export const OPEN_FILES: Check<{ limit: number | undefined; workers: number }> = {
  id: 'open-files',
  title: 'Open files',
  judge({ limit, workers }) {
    if (limit === undefined) return skipped('this system does not tell the limit');
    const needed = OWN_FILES + FILES_A_WORKER * workers;
    const found = `at most ${limit}, of about ${needed} that it takes with ${plural(workers, 'workers')}`;
    if (limit >= needed) return ok(found);
    return failed('configuration', found, `before the run: ulimit -n ${needed}`);
  },
};

/** @param address where workers are to dial in; "" for nowhere */
export const PORT: Check<{ address: string; problem?: { message: string; insecure: boolean } }> = {
  id: 'port',
  title: 'Address for workers',
  judge({ address, problem }) {
    if (address === '') return skipped('no worker is to dial in (worker.listen)');
    if (problem === undefined) return ok(`${address} can be listened at`);
    if (problem.insecure) {
      const hint = 'make keys (rzero keys keys) and name them: --keys keys, or --set worker.keys=keys';
      return failed('configuration', problem.message, hint);
    }
    const hint = 'see who listens there: ss -ltnp';
    return failed('unavailable', problem.message, hint);
  },
};

export const KEYS: Check<{ folder: string; workers: number; problems: readonly string[] }> = {
  id: 'keys',
  title: 'Keys',
  judge({ folder, workers, problems }) {
    if (folder === '') return skipped('none are configured (worker.keys)');
    if (problems.length === 0)
      return ok(`${folder}: ${plural(workers, 'workers')} may connect, and no secret is exposed`);
    // What can be mended by a command names it.
    const mends = problems.flatMap((problem) => /; mend it by: (.*)$/.exec(problem)?.[1] ?? []);
    const found = problems.map((problem) => problem.replace(/; mend it by: .*$/, '')).join('\n');
    return failed('configuration', found, mends.join('\n') || `what is missing is made by: rzero keys ${folder}`);
  },
};

/** What is free where the run goes, and what it needs at most; undefined where that is not known. */
export const DISK: Check<{ need: number | undefined; room: { folder: string; bytes: number } | undefined }> = {
  id: 'disk',
  title: 'Disk',
  judge({ need, room }) {
    if (room === undefined) return skipped('this system does not tell what is free');
    const free = `${size(room.bytes)} free in ${room.folder}`;
    if (need === undefined) return ok(`${free}; what the run needs is not known`);
    const found = `${free}; the run needs up to ${size(need)}`;
    if (room.bytes >= need) return ok(found);
    const hint =
      'make room, put the run elsewhere (--out), or keep less: --set storage.keepModels=last, --set storage.keepCheckpoints=1';
    return failed('disk', found, hint);
  },
};

/** How a file system takes what a run does to it. */
export interface FileSystemFacts {
  folder: string;
  /** "" where nobody tells. */
  type: string;
  /** What went wrong of what was tried. */
  problems: readonly string[];
}

const OVER_NETWORK = /^(nfs|cifs|smb|9p|fuse\.sshfs)/;

export const FILE_SYSTEM: Check<FileSystemFacts> = {
  id: 'file-system',
  title: 'File system',
  judge({ folder, type, problems }) {
    const what = type === '' ? 'of an unknown kind' : type;
    if (problems.length > 0) {
      const hint = 'put the run elsewhere: --out FOLDER, on a file system that is writable and has rename and fsync';
      return failed('disk', `${folder}, ${what}: ${problems.join('; ')}`, hint);
    }
    const found = `${folder} is ${what}; writing, flushing, renaming and exclusive creation work`;
    if (OVER_NETWORK.test(type)) {
      return warning(
        `${found}. Over a network others may see a file up to a minute late, every flush crosses it, and a server that is gone stops the run`,
        'take a local disk or a parallel file system (--out) where there is one; workers of other hosts must see it under the same path',
      );
    }
    if (type === 'tmpfs' || type === 'ramfs') {
      return warning(
        `${found}. It is memory: what is there is lost with the machine`,
        'put the run on a disk: --out FOLDER',
      );
    }
    if (type === 'overlay') {
      return warning(
        `${found}. It is the container's own: what is there is lost with it`,
        'mount a volume, and put the run there: --out FOLDER',
      );
    }
    return ok(found);
  },
};
