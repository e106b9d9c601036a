import { describe, expect, test } from '@jest/globals';
import { parseOptions } from '../../../ts/bench/throughput/options.ts';

describe('options of the throughput bench', () => {
  const plain = { model: 'tiny', pack: 2048, sequence: 256, sequences: 8, repeats: 5, recompute: false };

  test('a tiny model, unless told otherwise', () => {
    expect(parseOptions([])).toEqual(plain);
    const given = '--model qwen3-0.6b --pack 16384 --sequence 4096 --sequences 16 --repeats 3 --recompute --peak 989';
    expect(parseOptions(given.split(' '))).toEqual({
      model: 'qwen3-0.6b',
      pack: 16_384,
      sequence: 4096,
      sequences: 16,
      repeats: 3,
      recompute: true,
      peak: 989,
    });
  });

  test.each([
    [['--model', 'qwen9'], '--model is "qwen9": it must be one of nano, tiny, qwen3-0.6b, qwen3-1.7b, qwen3-4b'],
    [['--sequence', '1'], '--sequence is "1": it must be a whole number from 2 to 1000000'],
    [['--pack', '1e3'], '--pack is "1e3": it must be a whole number from 1 to 10000000'],
    [['--peak', '0'], '--peak is "0": it must be a number of TFLOP/s above 0'],
    [['--speed'], /--speed/],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
