import { expect, test } from '@jest/globals';
import type { Check, Verdict } from '../../../ts/doctor/check.ts';
import { DISK, ENCRYPTION, FILE_SYSTEM, KEYS, NODE, OPEN_FILES, PORT } from '../../../ts/doctor/orchestrator.ts';

function of<Facts>(check: Check<Facts>, facts: Facts): Verdict {
  return check.judge(facts);
}

const room = { folder: '/data', bytes: 100 * 2 ** 30 };
const mode = 'keys/workers/a.key: group or others have access to this secret (mode 0644)';

const ROWS: [string, Verdict, string, string, string?][] = [
  ['Node', of(NODE, { version: '20.11.0', platform: 'linux' }), 'ok', '20.11.0'],
  ['an old Node', of(NODE, { version: '18.20.1', platform: 'linux' }), 'failed unavailable', '18.20.1', '20.11'],
  ['Windows', of(NODE, { version: '22.1.0', platform: 'win32' }), 'failed unavailable', 'win32', 'WSL'],
  ['CURVE', of(ENCRYPTION, { curve: true, leavesMachine: true }), 'ok', 'CURVE'],
  ['no CURVE', of(ENCRYPTION, { curve: false, leavesMachine: false }), 'warning', 'no CURVE', 'npm rebuild'],
  ['no CURVE, needed', of(ENCRYPTION, { curve: false, leavesMachine: true }), 'failed unavailable', 'no CURVE', 'npm'],
  ['files', of(OPEN_FILES, { limit: 1024, workers: 8 }), 'ok', 'at most 1024, of about 320'],
  ['few files', of(OPEN_FILES, { limit: 1024, workers: 1000 }), 'failed configuration', '1024', 'ulimit -n 8256'],
  ['no limit is known', of(OPEN_FILES, { limit: undefined, workers: 1 }), 'skipped', 'does not tell'],
  ['no address', of(PORT, { address: '' }), 'skipped', 'worker.listen'],
  ['an address', of(PORT, { address: 'tcp://0.0.0.0:5555' }), 'ok', 'tcp://0.0.0.0:5555'],
  [
    'an address that is taken',
    of(PORT, { address: 'tcp://0.0.0.0:5555', problem: { message: 'the port is in use', insecure: false } }),
    'failed unavailable',
    'in use',
    'ss -ltnp',
  ],
  [
    'an address without keys',
    of(PORT, { address: 'tcp://0.0.0.0:5555', problem: { message: 'needs keys', insecure: true } }),
    'failed configuration',
    'needs keys',
    'rzero keys',
  ],
  ['no keys', of(KEYS, { folder: '', workers: 0, problems: [] }), 'skipped', 'worker.keys'],
  ['keys', of(KEYS, { folder: 'keys', workers: 2, problems: [] }), 'ok', '2 workers may connect'],
  [
    'keys that others can read',
    of(KEYS, { folder: 'keys', workers: 2, problems: [`${mode}; mend it by: chmod 600 keys/workers/a.key`] }),
    'failed configuration',
    mode,
    'chmod 600 keys/workers/a.key',
  ],
  [
    'keys that are none',
    of(KEYS, { folder: 'keys', workers: 0, problems: ['no such file'] }),
    'failed configuration',
    'no such file',
    'rzero keys keys',
  ],
  ['a disk', of(DISK, { need: 2 ** 30, room }), 'ok', '100 GiB free in /data; the run needs up to 1.0 GiB'],
  ['a full disk', of(DISK, { need: 2 ** 40, room }), 'failed disk', 'needs up to 1024 GiB', '--out'],
  ['a disk for nobody knows what', of(DISK, { need: undefined, room }), 'ok', 'not known'],
  ['a disk that does not tell', of(DISK, { need: 1, room: undefined }), 'skipped', 'does not tell'],
  ['ext4', of(FILE_SYSTEM, { folder: '/data', type: 'ext4', problems: [] }), 'ok', '/data is ext4'],
  ['lustre', of(FILE_SYSTEM, { folder: '/data', type: 'lustre', problems: [] }), 'ok', 'lustre'],
  ['an unknown one', of(FILE_SYSTEM, { folder: '/data', type: '', problems: [] }), 'ok', 'unknown'],
  ['NFS', of(FILE_SYSTEM, { folder: '/data', type: 'nfs4', problems: [] }), 'warning', 'a minute late', '--out'],
  ['memory', of(FILE_SYSTEM, { folder: '/tmp', type: 'tmpfs', problems: [] }), 'warning', 'memory', '--out'],
  ['a container', of(FILE_SYSTEM, { folder: '/app', type: 'overlay', problems: [] }), 'warning', 'lost', 'volume'],
  [
    'one that cannot be written',
    of(FILE_SYSTEM, { folder: '/data', type: 'ext4', problems: ['no folder can be made in it (EROFS)'] }),
    'failed disk',
    'EROFS',
    '--out',
  ],
];

test.each(ROWS.map(([what, verdict, expected, says, does = '']) => [what, verdict, expected, says, does] as const))(
  '%s',
  (_, { status, kind, found, hint }, expected, says, does) => {
    expect([status, kind].filter(Boolean).join(' ')).toBe(expected);
    expect(found).toContain(says);
    expect(hint === undefined).toBe(does === '');
    expect(hint ?? '').toContain(does);
  },
);
