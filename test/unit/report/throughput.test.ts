import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PhaseThroughput } from '../../../ts/report/throughput.ts';

const at = (tokens: number, deviceSeconds: number, busySeconds: number) => ({ tokens, deviceSeconds, busySeconds });

test('counts from the start of the phase alone', () => {
  const throughput = new PhaseThroughput(100, at(5000, 400, 300));
  expect(throughput.read()).toEqual({});
  throughput.add(110, at(6000, 440, 330));
  expect(throughput.read()).toEqual({ mean: 100, busy: 0.75 });
});

test('lately is told where it is another time than the whole phase, and none is a figure too', () => {
  const throughput = new PhaseThroughput(0, at(0, 0, 0));
  for (let second = 1; second <= 100; second++) throughput.add(second, at(10 * second, second, second));
  expect(throughput.read()).toEqual({ mean: 10, lately: 10, busy: 1 });
  for (let second = 101; second <= 200; second++) throughput.add(second, at(1000, second, 100));
  expect(throughput.read()).toEqual({ mean: 5, lately: 0, busy: 0.5 });
});

test('many sightings a second cost what one does', () => {
  const throughput = new PhaseThroughput(0, at(0, 0, 0));
  for (let n = 1; n <= 100_000; n++) throughput.add(n / 1000, at(n, n, n));
  expect(throughput.read()).toEqual({ mean: 1000, lately: expect.closeTo(1000, 6), busy: 1 });
  expect((throughput as unknown as { recent: unknown[] }).recent.length).toBeLessThan(40);
});

test('busy is a share, whatever comes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100)), { minLength: 1 }), (steps) => {
      const throughput = new PhaseThroughput(0, at(0, 0, 0));
      let [now, tokens, there, busy] = [0, 0, 0, 0];
      for (const [seconds, more, part] of steps) {
        now += seconds;
        tokens += more;
        there += seconds;
        busy += Math.min(part, seconds);
        throughput.add(now, at(tokens, there, busy));
        const read = throughput.read();
        if (read.busy !== undefined) {
          expect(read.busy).toBeGreaterThanOrEqual(0);
          expect(read.busy).toBeLessThanOrEqual(1);
        }
        if (read.lately !== undefined) expect(read.lately).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
