import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { capability } from 'zeromq';
import {
  createKeyPair,
  KeyError,
  publicKeyOf,
  readKeyPair,
  readPublicKey,
  requireCurve,
  requireUnwritable,
  writeKeyPair,
  writePublicKey,
} from '../../../ts/worker/keys.ts';
import { encodeZ85 } from '../../../ts/worker/z85.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-keys-'));
  path = join(folder, 'a.key');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A key file of this text, as its owner would keep it. */
function written(text: string, mode = 0o600): string {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** The error that a call throws, which must be a KeyError. */
function refusal(call: () => unknown): KeyError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(KeyError);
    return error as KeyError;
  }
  throw new Error('nothing was refused');
}

const modeOf = (name: string): number => statSync(name).mode & 0o777;

describe('ZeroMQ as it is installed', () => {
  test('has CURVE', () => {
    expect(capability.curve).toBe(true);
    expect(() => requireCurve()).not.toThrow();
  });

  test('without it there is one clear error', () => {
    expect(refusal(() => requireCurve(false))).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/no CURVE.*install the package zeromq/),
    });
  });
});

describe('a pair', () => {
  test('is new each time, and its halves belong together', () => {
    const pairs = Array.from({ length: 20 }, createKeyPair);
    expect(new Set(pairs.map(({ publicKey }) => publicKey)).size).toBe(20);
    for (const { publicKey, secretKey } of pairs) expect(publicKeyOf(secretKey)).toBe(publicKey);
  });

  test('property: every 32 bytes are a secret key with a public one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(publicKeyOf(encodeZ85(bytes))).toHaveLength(40);
      }),
      { numRuns: 20 },
    );
  });

  test('the pairs that the ZeroMQ manual prints, zmq_curve(7)', () => {
    expect(publicKeyOf('JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6')).toBe('rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7');
    expect(publicKeyOf('D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs')).toBe('Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID');
  });
});

describe('files', () => {
  test('a pair comes back as it was written, in a file for its owner alone', () => {
    const pair = createKeyPair();
    writeKeyPair(path, pair);
    expect(modeOf(path)).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe(`public = "${pair.publicKey}"\nsecret = "${pair.secretKey}"\n`);
    expect(readKeyPair(path)).toEqual(pair);
  });

  test('so does a public key, without the secret one', () => {
    const { publicKey } = createKeyPair();
    writePublicKey(path, publicKey);
    expect(readFileSync(path, 'utf8')).toBe(`public = "${publicKey}"\n`);
    expect(readPublicKey(path)).toBe(publicKey);
  });

  test('no file is written over', () => {
    const first = createKeyPair();
    writeKeyPair(path, first);
    expect(() => writeKeyPair(path, createKeyPair())).toThrow(/EEXIST/);
    expect(() => writePublicKey(path, createKeyPair().publicKey)).toThrow(/EEXIST/);
    expect(readKeyPair(path)).toEqual(first);
  });

  test('a person may add comments, blank lines and Windows line ends, and turn the lines round', () => {
    const { publicKey, secretKey } = createKeyPair();
    written(`# of node 7\r\n\r\n secret="${secretKey}" # keep\r\npublic  =  "${publicKey}"\r\n`);
    expect(readKeyPair(path)).toEqual({ publicKey, secretKey });
  });

  test('what comes of a power cut is no key', () => {
    const { publicKey, secretKey } = createKeyPair();
    const text = `public = "${publicKey}"\nsecret = "${secretKey}"\n`;
    // Without its last newline it is whole.
    for (let length = 0; length < text.length - 1; length += 1) {
      written(text.slice(0, length));
      expect(refusal(() => readKeyPair(path)).code).toBe('malformed');
    }
  });
});

describe('refused', () => {
  const { publicKey, secretKey } = createKeyPair();
  const whole = `public = "${publicKey}"\nsecret = "${secretKey}"\n`;

  test.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777])('a secret of mode %i', (mode) => {
    const { code, message } = refusal(() => readKeyPair(written(whole, mode)));
    expect(code).toBe('exposed');
    expect(message).toContain(`(mode ${mode.toString(8).padStart(4, '0')})`);
    expect(message).toContain(`chmod 600 ${path}`);
  });

  test.each([0o600, 0o400, 0o700])('not a secret of mode %i', (mode) => {
    expect(readKeyPair(written(whole, mode)).publicKey).toBe(publicKey);
  });

  test('a public key that others could change', () => {
    const { code, message } = refusal(() => readPublicKey(written(`public = "${publicKey}"\n`, 0o664)));
    expect(code).toBe('exposed');
    expect(message).toMatch(/group or others can write it \(mode 0664\).*chmod go-w /);
    expect(readPublicKey(written(`public = "${publicKey}"\n`, 0o644))).toBe(publicKey);
  });

  test('a folder that others could change', () => {
    chmodSync(folder, 0o770);
    expect(refusal(() => requireUnwritable(folder)).message).toContain(`mend it by: chmod go-w ${folder}`);
    chmodSync(folder, 0o755);
    requireUnwritable(folder);
  });

  test('no file, with how to get one', () => {
    const { code, message } = refusal(() => readKeyPair(join(folder, 'absent')));
    expect(code).toBe('unreadable');
    expect(message).toMatch(/absent: no such file; `rzero keys` makes one/);
  });

  test('a folder in place of a file', () => {
    chmodSync(folder, 0o700);
    expect(refusal(() => readKeyPair(folder)).code).toBe('unreadable');
  });

  test('halves that do not belong together', () => {
    const other = createKeyPair().publicKey;
    const { code, message } = refusal(() => readKeyPair(written(`public = "${other}"\nsecret = "${secretKey}"\n`)));
    expect(code).toBe('mismatched');
    expect(message).toContain(other);
    expect(message).not.toContain(secretKey);
  });

  test('a secret where a public key belongs', () => {
    expect(refusal(() => readPublicKey(written(whole))).message).toMatch(/holds a secret key/);
  });

  test.each([
    ['', /no line public/],
    [`public = "${publicKey}"\n`, /no line secret/],
    [`secret = "${secretKey}"\n`, /no line public/],
    [`${whole}secret = "${secretKey}"\n`, /line 3: a second secret key/],
    [`${whole}name = "x"\n`, /line 3: allowed are/],
    [`public = ${publicKey}\n`, /line 1: allowed are/],
    [`public = "${publicKey.slice(1)}"\n`, /line 1: saw 39 characters as the public key, allowed are 40 of Z85/],
    [`public = "${publicKey.slice(1)} "\n`, /line 1: saw 40 characters/],
    [`secret = "${secretKey}${secretKey}"\n`, /line 1: saw 80 characters as the secret key/],
    ['\u0000\u0001\u0002', /line 1: allowed are/],
  ])('%j', (text, expected) => {
    const { code, message } = refusal(() => readKeyPair(written(text)));
    expect(code).toBe('malformed');
    expect(message).toMatch(expected);
    expect(message).not.toContain(secretKey);
  });
});
