import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REDACTED, redact } from '../../../ts/secrets/redact.ts';
import { createKeyPair } from '../../../ts/worker/keys.ts';

const secret = fc.stringMatching(/^[A-Za-z0-9+/_.-]{8,40}$/).filter((text) => !REDACTED.includes(text));

describe('secrets that are known', () => {
  test('are nowhere in what comes out, whatever stands around them', () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.array(fc.string()), (secrets, parts) => {
        const text = parts.flatMap((part, index) => [part, secrets[index % secrets.length]]).join('');
        const clean = redact(text, secrets);
        for (const one of secrets) expect(clean).not.toContain(one);
      }),
    );
  });

  test('what is redacted stays as it is when it is redacted again', () => {
    fc.assert(
      fc.property(fc.array(secret), fc.string(), (secrets, text) => {
        const once = redact(secrets.join(` ${text} `), secrets);
        expect(redact(once, secrets)).toBe(once);
      }),
    );
  });

  test('one that begins with another goes as a whole', () => {
    expect(redact('x abcdefgh1234 y', ['abcdefgh', 'abcdefgh1234'])).toBe(`x ${REDACTED} y`);
  });

  test('signs of regular expressions in them are themselves, and an empty one is none', () => {
    expect(redact('a.+b(c', ['.+b(', ''])).toBe(`a${REDACTED}c`);
    expect(redact('axxb', ['.+b('])).toBe('axxb');
  });
});

describe('what looks like a secret', () => {
  test.each([
    ['token hf_AbCdEfGhIjKlMnOpQrStUvWxYz12345678 given', 'token [redacted] given'],
    ['Authorization: Bearer abc.def-123', 'Authorization: [redacted]'],
    ["{'authorization': 'Basic dXNlcjpwdw==', 'x': 1}", "{'authorization': '[redacted]', 'x': 1}"],
    ['got bearer abcdefghijkl', 'got bearer [redacted]'],
    ['https://me:pass%20word@hub.example/x', 'https://[redacted]@hub.example/x'],
    ['WANDB_API_KEY=0123456789abcdef', 'WANDB_API_KEY=[redacted]'],
    ["environ({'HF_TOKEN': 'something', 'A': 'b'})", "environ({'HF_TOKEN': '[redacted]', 'A': 'b'})"],
    [`secret = "${'a'.repeat(40)}"`, 'secret = "[redacted]"'],
  ])('%s', (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  test('half a key pair of Z85', () => {
    // Of a hundred random keys perhaps one lacks a digit or a sign; not ten in a row.
    const keys = Array.from({ length: 10 }, () => createKeyPair().secretKey);
    const left = keys.filter((key) => redact(`the key "${key}" was refused`).includes(key));
    expect(left.length).toBeLessThan(10);
  });

  test.each([
    'iteration 2  solver  [######----]  6/10 steps  reward 0.41',
    'a digest 3f786850e387550fdab836ed7e6dc881de23001b of git',
    `sha256 ${'0123456789abcdef'.repeat(4)}`,
    '/home/me/runs/20260101-120000-paper-seed1/iteration-1/Models1',
    'tcp://127.0.0.1:5555, each with the RZERO_TOKEN of this run',
    'https://example.org/a@b',
    'mean@4 38.2 %  majority@4 50.1 %',
    'authorization failed',
  ])('not %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  test('a megabyte without a space takes no time to speak of', () => {
    for (const sign of ['a', 'A', '_', ':', '://', 'hf_', '@', '=']) {
      const started = performance.now();
      redact(sign.repeat(1_000_000 / sign.length));
      expect(performance.now() - started).toBeLessThan(2_000);
    }
  });
});
