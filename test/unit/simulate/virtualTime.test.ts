import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VirtualTime } from '../../../ts/simulate/virtualTime.ts';
import { TIMED_OUT } from '../../../ts/worker/deadline.ts';

test('code goes on at the instants it waits for, and at no others', async () => {
  const time = new VirtualTime();
  const seen: string[] = [];
  const walk = async (name: string, seconds: number[]) => {
    for (const one of seconds) {
      await time.pass(one);
      seen.push(`${name} ${time.now()}`);
    }
  };
  await time.run(Promise.all([walk('a', [1, 3]), walk('b', [2, 0.5, 1.5])]));
  expect(seen).toEqual(['a 1', 'b 2', 'b 2.5', 'a 4', 'b 4']);
});

test('what code does in between takes no time, however many promises and turns it awaits', async () => {
  const time = new VirtualTime();
  time.at(1, () => true);
  await time.run(
    (async () => {
      for (let i = 0; i < 1000; i++) await Promise.resolve();
      for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    })(),
  );
  expect(time.now()).toBe(0);
});

test('time never goes back, and the same happens twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer({ min: 0, max: 5 }))), async (walks) => {
      const record = async (): Promise<[number, number][]> => {
        const time = new VirtualTime();
        const steps: [number, number][] = [];
        const walk = async (seconds: number[], who: number): Promise<void> => {
          for (const one of seconds) {
            const from = time.now();
            await time.pass(one);
            expect(time.now()).toBe(from + one);
            steps.push([time.now(), who]);
          }
        };
        await time.run(Promise.all(walks.map(walk)));
        return steps;
      };
      const steps = await record();
      expect(steps).toEqual([...steps].sort(([a], [b]) => a - b));
      expect(await record()).toEqual(steps);
    }),
    { numRuns: 30 },
  );
});

test('an appointment that is cancelled does not happen, and no time passes for it', async () => {
  const time = new VirtualTime();
  const seen: number[] = [];
  const late = time.at(100, () => seen.push(100) > 0);
  await time.run(time.pass(3).then(() => late.cancel()));
  await time.run(time.pass(1));
  expect(seen).toEqual([]);
  expect(time.now()).toBe(4);
});

test('an instant that has passed is now', async () => {
  const time = new VirtualTime();
  const seen: number[] = [];
  await time.run(time.pass(3));
  time.at(1, () => seen.push(time.now()) > 0);
  await time.run(time.pass(1));
  expect(seen).toEqual([3]);
});

describe('within', () => {
  test('gives the value of what is in time, and waits no longer', async () => {
    const time = new VirtualTime();
    expect(
      await time.run(
        time.within(
          time.pass(2).then(() => 'done'),
          2001,
        ),
      ),
    ).toBe('done');
    expect(time.now()).toBe(2);
  });

  test('times out', async () => {
    const time = new VirtualTime();
    expect(await time.run(time.within(time.pass(2), 1500))).toBe(TIMED_OUT);
    expect(time.now()).toBe(1.5);
  });

  test('throws what is thrown in time', async () => {
    const time = new VirtualTime();
    await expect(time.run(time.within(Promise.reject(new Error('no')), 1500))).rejects.toThrow('no');
  });
});

test('what waits for nothing that is to happen is an error', async () => {
  const time = new VirtualTime();
  time.at(7, () => true);
  await expect(time.run(new Promise(() => {}))).rejects.toThrow('at 7 s everybody waits, and nothing is to happen');
});

test('two times at once in a process are an error: neither would know when the other is done', async () => {
  const [one, other] = [new VirtualTime(), new VirtualTime()];
  const first = one.run(one.pass(1));
  await expect(other.run(other.pass(1))).rejects.toThrow('another virtual time passes in this process');
  await first;
  await other.run(other.pass(1));
});
