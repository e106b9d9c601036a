import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Hello } from '../../../../ts/protocol/generated.ts';
import type { Member } from '../../../../ts/worker/pool/member.ts';
import { Meter } from '../../../../ts/worker/pool/meter.ts';

/** A meter with a clock in seconds, and members that are told whether they work. */
function set(...devices: string[][]) {
  let now = 0;
  const meter = new Meter(() => 1000 * now);
  const members = devices.map((names, number) => {
    const member = { number, isWorking: false, hello: { devices: names } as unknown as Hello };
    const look = (isThere = true) => meter.look(member as unknown as Member, isThere);
    look();
    return {
      work: (isWorking: boolean) => {
        member.isWorking = isWorking;
        look();
      },
      leave: () => look(false),
      come: () => look(),
    };
  });
  const wait = (seconds: number) => {
    now += seconds;
  };
  return { meter, members, wait };
}

test('a worker is busy while it works', () => {
  const { meter, members, wait } = set([], []);
  wait(1);
  members[0]?.work(true);
  wait(2);
  members[0]?.work(false);
  wait(1);
  meter.sampled(7);
  expect(meter.read()).toEqual({ tokens: 7, deviceSeconds: 8, busySeconds: 2 });
});

test('a device is busy once, whoever of those that share it works', () => {
  const { meter, members, wait } = set(['gpu 0'], ['gpu 1'], ['gpu 0', 'gpu 1']);
  members[0]?.work(true);
  members[2]?.work(true);
  wait(3);
  members[2]?.work(false);
  wait(1);
  expect(meter.read()).toMatchObject({ deviceSeconds: 8, busySeconds: 7 });
});

test('a device that nobody has any more does not count, and does again when somebody comes', () => {
  const { meter, members, wait } = set([]);
  members[0]?.work(true);
  wait(1);
  members[0]?.leave();
  wait(10);
  expect(meter.read()).toMatchObject({ deviceSeconds: 1, busySeconds: 1 });
  members[0]?.come();
  wait(1);
  expect(meter.read()).toMatchObject({ deviceSeconds: 2, busySeconds: 2 });
});

test('no device is busier than it is there, whatever happens', () => {
  const event = fc.tuple(fc.nat(2), fc.constantFrom('work', 'rest', 'leave', 'come'), fc.nat(5));
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const { meter, members, wait } = set(['a'], ['b', 'a'], []);
      let all = 0;
      for (const [who, what, seconds] of events) {
        const member = members[who];
        if (what === 'work' || what === 'rest') member?.work(what === 'work');
        else member?.[what as 'leave' | 'come']();
        wait(seconds);
        all += seconds;
        const { deviceSeconds, busySeconds } = meter.read();
        expect(busySeconds).toBeGreaterThanOrEqual(0);
        expect(busySeconds).toBeLessThanOrEqual(deviceSeconds);
        expect(deviceSeconds).toBeLessThanOrEqual(3 * all);
      }
    }),
  );
});
