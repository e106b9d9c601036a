import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Capability } from '../../../../ts/protocol/generated.ts';
import { unpackParams } from '../../../../ts/worker/codec.ts';
import { TIMED_OUT } from '../../../../ts/worker/deadline.ts';
import { WorkerCallError } from '../../../../ts/worker/errors.ts';
import { Member } from '../../../../ts/worker/pool/member.ts';
import { type TurnOptions, Turns } from '../../../../ts/worker/pool/turns.ts';
import { gate, TestRecruit } from '../../../fixtures/recruit.ts';

/** Members that share devices; what they were told, and which roles have memory of a device. */
class House {
  readonly told: string[] = [];
  /** `member role` of those that are awake, as the workers themselves see it. */
  readonly awake = new Set<string>();
  readonly turns: Turns;
  private readonly members = new Map<string, { member: Member; recruit: TestRecruit }>();

  constructor(options: Partial<TurnOptions> = {}) {
    this.turns = new Turns({ sleeps: true, deadline: 90_000, ...options });
  }

  add(name: string, devices: string[], roles: Capability[] = ['sample', 'train']): TestRecruit {
    const recruit = new TestRecruit(name, roles, { devices });
    const ask = recruit.request.bind(recruit);
    recruit.request = async (verb, params, options) => {
      if (verb !== 'sleep' && verb !== 'wake') return ask(verb, params, options);
      const { role } = unpackParams(verb, params);
      this.told.push(`${name} ${verb} ${role}`);
      await new Promise<void>((resolve) => setImmediate(resolve)); // it takes a while
      const answer = await ask(verb, params, options);
      if (verb === 'sleep') this.awake.delete(`${name} ${role}`);
      if (verb === 'wake') this.awake.add(`${name} ${role}`);
      return answer;
    };
    const member = new Member(recruit, this.members.size);
    this.members.set(name, { member, recruit });
    void recruit.gone.then(() => {
      for (const role of roles) this.awake.delete(`${name} ${role}`);
      this.turns.remove(member);
    });
    this.turns.add(member);
    return recruit;
  }

  /** Work in a role until it is ended. */
  work(name: string, role: Capability, signal?: AbortSignal): Work {
    const { member } = this.members.get(name) as { member: Member };
    const { closed, open } = gate();
    const work: Work = { name, role, state: 'waits', end: open, settled: Promise.resolve() };
    const action = async () => {
      work.state = 'works';
      this.awake.add(`${name} ${role}`); // a verb wakes what it needs
      await closed;
    };
    work.settled = this.turns.use(member, role, action, signal).then(
      () => {
        work.state = 'done';
      },
      (error: WorkerCallError) => {
        work.state = error.message;
      },
    );
    return work;
  }

  /** It woke its other role by itself. */
  wakesAll(name: string): void {
    const { member } = this.members.get(name) as { member: Member };
    for (const role of member.hello.capabilities) this.awake.add(`${name} ${role}`);
    this.turns.mayHaveWoken(member);
  }
}

interface Work {
  name: string;
  role: Capability;
  state: string;
  end(): void;
  settled: Promise<void>;
}

/** All that can happen without anybody's doing has happened. */
async function quiet(): Promise<void> {
  for (let round = 0; round < 10; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A sampler and a trainer on one device; the sampler has worked. */
async function pair(options: Partial<TurnOptions> = {}) {
  const house = new House(options);
  const sampler = house.add('s', ['gpu'], ['sample']);
  const trainer = house.add('t', ['gpu'], ['train']);
  const work = house.work('s', 'sample');
  await quiet();
  work.end();
  await quiet();
  house.told.length = 0;
  return { house, sampler, trainer };
}

describe('before a member works in a role', () => {
  test('the others on its device are put to sleep, and it is woken', async () => {
    const { house } = await pair();
    const training = house.work('t', 'train');
    await quiet();
    expect([house.told, training.state]).toEqual([['s sleep sample', 't wake train'], 'works']);
    house.told.length = 0;
    training.end();
    const sampling = house.work('s', 'sample');
    await quiet();
    expect([house.told, sampling.state]).toEqual([['t sleep train', 's wake sample'], 'works']);
  });

  test('its own other role is, and again after a verb that may have woken it', async () => {
    const house = new House();
    house.add('w', ['gpu']);
    const first = house.work('w', 'train');
    await quiet();
    expect(house.told).toEqual(['w sleep sample']);
    house.wakesAll('w');
    first.end();
    const second = house.work('w', 'train');
    await quiet();
    expect([house.told, second.state]).toEqual([['w sleep sample', 'w sleep sample'], 'works']);
  });

  test('nobody is where it has no devices, or shares none', async () => {
    const house = new House();
    for (const [name, devices] of [
      ['none', []],
      ['a', ['gpu-a']],
      ['b', ['gpu-b']],
    ] as const) {
      house.add(name, [...devices], name === 'none' ? ['sample', 'train'] : ['sample']);
      expect([house.work(name, 'sample'), await quiet(), house.told]).toMatchObject([
        { state: 'works' },
        undefined,
        [],
      ]);
    }
  });
});

describe('a turn', () => {
  test('is kept by samplers while they have work, and given to the trainer then', async () => {
    const { house } = await pair();
    let sampling = house.work('s', 'sample');
    const training = house.work('t', 'train');
    for (let task = 0; task < 5; task++) {
      await quiet();
      const next = house.work('s', 'sample');
      sampling.end();
      sampling = next;
    }
    await quiet();
    expect([training.state, house.told]).toEqual(['waits', []]);
    sampling.end();
    await quiet();
    expect(training.state).toBe('works');
  });

  test('is kept by the trainer for what follows at once, and not for what is only announced', async () => {
    const { house } = await pair();
    const first = house.work('t', 'train');
    await quiet();
    const sampling = house.work('s', 'sample');
    first.end();
    await first.settled;
    const second = house.work('t', 'train'); // as soon as the answer is there
    await quiet();
    expect([second.state, sampling.state]).toEqual(['works', 'waits']);
    second.end();
    await quiet();
    expect(sampling.state).toBe('works');
  });

  test('of many devices comes when all are idle; a sampler on one of them need not wait for who waits', async () => {
    const house = new House();
    for (const name of ['a', 'b']) house.add(name, [name], ['sample']);
    house.add('t', ['a', 'b'], ['train']);
    const b = house.work('b', 'sample');
    await quiet();
    const training = house.work('t', 'train');
    await quiet();
    const a = house.work('a', 'sample');
    await quiet();
    expect([a.state, training.state]).toEqual(['works', 'waits']);
    a.end();
    b.end();
    await quiet();
    expect(training.state).toBe('works');
    expect([...house.awake]).toEqual(['t train']);
  });

  test('that is waited for in vain is nobody else’s loss', async () => {
    const { house } = await pair();
    const stop = new AbortController();
    const sampling = house.work('s', 'sample');
    const training = house.work('t', 'train', stop.signal);
    stop.abort();
    await quiet();
    expect(training.state).toBe('the call was cancelled by its caller');
    sampling.end();
    await quiet();
    expect(house.told).toEqual([]);
  });
});

test('a turn that nobody wants any more while others go to sleep for it leaves all asleep', async () => {
  const { house } = await pair();
  const first = house.work('t', 'train');
  await quiet();
  first.end();
  await quiet();
  const stop = new AbortController();
  house.work('s', 'sample', stop.signal);
  stop.abort(); // the trainer is being put to sleep
  await quiet();
  const sampling = house.work('s', 'sample');
  await quiet();
  sampling.end();
  const training = house.work('t', 'train');
  await quiet();
  expect(house.told.slice(2)).toEqual(['t sleep train', 's wake sample', 's sleep sample', 't wake train']);
  expect(training.state).toBe('works');
});

describe('of a member that', () => {
  const inTime: TurnOptions['within'] = async (promise) => {
    const late = quiet().then((): typeof TIMED_OUT => TIMED_OUT);
    return Promise.race([promise, late]);
  };

  test('does not go to sleep in time the others are rid; its end says who was late', async () => {
    const { house, sampler } = await pair({ within: inTime });
    sampler.request = () => new Promise(() => {});
    const training = house.work('t', 'train');
    const { message } = await sampler.gone;
    expect(message).toBe(
      's is given up: s (sample) did not go to sleep within 90 s to make room for t (train), which waits for gpu',
    );
    await quiet();
    expect(training.state).toBe('works');
  });

  test('does not wake in time the work is lost, and the device is free', async () => {
    const { house, trainer } = await pair({ within: inTime });
    const first = house.work('t', 'train');
    await quiet();
    first.end();
    const sampling = house.work('s', 'sample');
    await quiet();
    sampling.end();
    trainer.request = () => new Promise(() => {});
    const training = house.work('t', 'train');
    await trainer.gone;
    await quiet();
    expect(training.state).toBe('t (train) did not wake within 90 s');
    const again = house.work('s', 'sample');
    await quiet();
    expect(again.state).toBe('works');
  });

  test('cannot sleep the others hear why, and it goes on', async () => {
    const { house, sampler } = await pair();
    const ask = sampler.request.bind(sampler);
    sampler.request = () => Promise.reject(new WorkerCallError('out_of_memory', 'the host is full'));
    const training = house.work('t', 'train');
    await quiet();
    expect(training.state).toBe('the host is full');
    sampler.request = ask;
    const sampling = house.work('s', 'sample');
    await quiet();
    expect(sampling.state).toBe('works');
  });

  test('is gone, those who wait there hear so from the worker, and others have the device', async () => {
    const { house, sampler } = await pair();
    const working = house.work('s', 'sample');
    const training = house.work('t', 'train');
    await quiet();
    sampler.kill();
    await quiet();
    expect([working.state, training.state]).toEqual(['works', 'works']); // the first is told by its connection
  });
});

/** Names of members, their devices and roles. */
const PLACES: readonly [string, string[], Capability[]][] = [
  ['both', ['a'], ['sample', 'train']],
  ['sampler-a', ['a'], ['sample']],
  ['sampler-b', ['b'], ['sample']],
  ['trainer', ['a', 'b', 'c'], ['train']],
  ['sampler-c', ['c'], ['sample', 'train']],
];
const ROLES = PLACES.flatMap(([name, , roles]) => roles.map((role) => ({ name, role })));

test('whatever is asked, never are two awake on a device, and everybody has a turn in the end', async () => {
  const event = fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('work' as const), at: fc.nat(ROLES.length - 1) }) },
    { weight: 5, arbitrary: fc.record({ type: fc.constant('end' as const), at: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('abort' as const), at: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('kill' as const), at: fc.nat(PLACES.length - 1) }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('step' as const), at: fc.nat(0) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('quiet' as const), at: fc.nat(0) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 50 }), async (events) => {
      const house = new House();
      const recruits = PLACES.map(([name, devices, roles]) => house.add(name, [...devices], [...roles]));
      const dead = new Set<string>();
      const all: Work[] = [];
      const stops: AbortController[] = [];
      const check = (): void => {
        for (const { name, role, state } of all) {
          if (state === 'works' && !dead.has(name)) expect(house.awake).toContain(`${name} ${role}`);
        }
        for (const device of ['a', 'b', 'c']) {
          const names = PLACES.filter(([, devices]) => devices.includes(device)).map(([name]) => name);
          const awake = [...house.awake].filter((one) => names.includes(one.split(' ')[0] as string));
          expect(awake.filter((one) => !dead.has(one.split(' ')[0] as string)).length).toBeLessThanOrEqual(1);
        }
      };
      for (const { type, at } of events) {
        if (type === 'work') {
          const { name, role } = ROLES[at] as (typeof ROLES)[number];
          if (dead.has(name)) continue;
          const stop = new AbortController();
          stops.push(stop);
          all.push(house.work(name, role, stop.signal));
        } else if (type === 'end') all.filter(({ state }) => state === 'works')[at]?.end();
        else if (type === 'abort') stops[at]?.abort();
        else if (type === 'kill') {
          const [name] = PLACES[at] as (typeof PLACES)[number];
          dead.add(name);
          recruits[at]?.kill();
        } else if (type === 'step') await new Promise<void>((resolve) => setImmediate(resolve));
        else await quiet();
        check();
      }
      // Each ends as soon as it has begun: so all begin.
      for (let round = 0; round < 3 * all.length + 3; round++) {
        for (const { end } of all.filter(({ state }) => state === 'works')) end();
        await quiet();
        check();
      }
      for (const { state } of all) expect(['done', 'the call was cancelled by its caller']).toContain(state);
    }),
    { numRuns: 200 },
  );
});
