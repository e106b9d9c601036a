import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createTail } from '../../../ts/worker/tail.ts';

test('keeps the last bytes, however they came', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme-ascii' })), fc.integer({ min: 1, max: 20 }), (chunks, limit) => {
      const tail = createTail(limit);
      for (const chunk of chunks) tail.push(Buffer.from(chunk));
      expect(tail.text()).toBe(chunks.join('').slice(-limit));
    }),
  );
});

test('a character cut at the front is replaced', () => {
  const tail = createTail(2);
  tail.push(Buffer.from('é!')); // c3 a9 21
  expect(tail.text()).toBe('\ufffd!');
});
