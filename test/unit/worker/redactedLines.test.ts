import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RedactedLines } from '../../../ts/worker/redactedLines.ts';

const SECRET = 'hunter-2-hunter';

/** What comes out of chunks, in the end. */
function through(chunks: readonly Uint8Array[], secrets = [SECRET]): Buffer {
  const out: Uint8Array[] = [];
  const lines = new RedactedLines(secrets, (bytes) => out.push(bytes));
  for (const chunk of chunks) lines.push(chunk);
  lines.end();
  return Buffer.concat(out);
}

test('a secret goes wherever chunks end', () => {
  const text = Buffer.from(`one ${SECRET}\ntwo ${SECRET}${SECRET} three`);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      const chunks = at.slice(1).map((end, index) => text.subarray(at[index], end));
      expect(through(chunks).toString()).toBe('one [redacted]\ntwo [redacted][redacted] three');
    }),
  );
});

test('bytes that hold no secret come out as they went in, text or not', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
      expect(through(chunks)).toEqual(Buffer.concat(chunks));
    }),
  );
});

test('a secret of other letters than ASCII goes too', () => {
  expect(through([Buffer.from('ein pässwort-für-alle\n')], ['pässwort-für-alle']).toString()).toBe('ein [redacted]\n');
});

test('a line that has not ended is held back, and can be seen without secrets', () => {
  const out: string[] = [];
  const lines = new RedactedLines([SECRET], (bytes) => out.push(Buffer.from(bytes).toString()));
  lines.push(Buffer.from(`done\nat work with ${SECRET}`));
  expect(out).toEqual(['done\n']);
  expect(Buffer.from(lines.pending()).toString()).toBe('at work with [redacted]');
});

test('progress that is drawn over itself is not held back, nor is more than 64 KiB', () => {
  const out: number[] = [];
  const lines = new RedactedLines([SECRET], (bytes) => out.push(bytes.length));
  lines.push(Buffer.from('10 %\r20'));
  lines.push(Buffer.from(` ${'x'.repeat(70_000)}`));
  lines.push(Buffer.from('y'));
  expect(out).toEqual([5, 3, 70_001]);
});
