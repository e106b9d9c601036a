import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Capability } from '../../../../ts/protocol/generated.ts';
import { WorkerCallError } from '../../../../ts/worker/errors.ts';
import { Dispatcher, type Kind, type Task } from '../../../../ts/worker/pool/dispatcher.ts';
import { Member } from '../../../../ts/worker/pool/member.ts';
import { TestRecruit } from '../../../fixtures/recruit.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function kindOf(changes: Partial<Kind> = {}): Kind {
  return {
    role: 'sample',
    fits: () => true,
    holds: () => true,
    isOver: () => false,
    lost: () => undefined,
    ...changes,
  };
}

/** What a task does until a test ends it. */
interface Running {
  name: string;
  member: string;
  progressed(share: number): void;
  end(error?: WorkerCallError): void;
}

/** A dispatcher whose tasks a test ends by hand. */
class Hall {
  readonly members = new Map<string, Member>();
  readonly running: Running[] = [];
  /** How tasks ended, in order. */
  readonly ended: string[] = [];
  stuck = 0;
  private readonly all = new Set<Member>();
  private readonly slow = new Set<Member>();
  readonly dispatcher = new Dispatcher(
    this.all,
    () => {
      this.stuck += 1;
    },
    this.slow,
  );

  join(name: string, rows = 1): Member {
    const member = new Member(new TestRecruit(name, ['sample', 'train'], { rows }), this.members.size);
    this.members.set(name, member);
    this.all.add(member);
    this.dispatcher.look(member);
    return member;
  }

  setSlow(member: Member, isSlow = true): void {
    if (isSlow) this.slow.add(member);
    else this.slow.delete(member);
    this.dispatcher.look(member);
  }

  leave(member: Member): void {
    this.slow.delete(member);
    this.all.delete(member);
    member.setConnected(false);
    this.dispatcher.look(member);
  }

  ask(name: string, task: Partial<Omit<Task<unknown>, 'run'>> = {}, signal?: AbortSignal): void {
    const run: Task<void>['run'] = (member, stop, progressed) =>
      new Promise<void>((resolve, reject) => {
        const running: Running = {
          name,
          member: member.hello.workerId,
          progressed,
          end: (error) => {
            this.running.splice(this.running.indexOf(running), 1);
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        this.running.push(running);
        stop.addEventListener('abort', () => running.end(new WorkerCallError('cancelled', 'it was told to stop')));
      });
    this.dispatcher
      .run({ kind: this.kind, tokens: 10, samples: 1, ...task, run }, signal)
      .then(() => this.ended.push(name))
      .catch((error: WorkerCallError) => this.ended.push(`${name}: ${error.code}`));
  }

  readonly kind = kindOf();

  /** Who has which tasks, as `member: names`. */
  get places(): Record<string, string> {
    const places: Record<string, string> = {};
    for (const { name, member } of this.running) places[member] = (places[member] ?? '') + name;
    return places;
  }

  end(name: string, error?: WorkerCallError): Promise<void> {
    this.running.find((one) => one.name === name)?.end(error);
    return settled();
  }
}

describe('a member is given', () => {
  test('requests until its batch is full and one waits', async () => {
    const hall = new Hall();
    hall.join('m', 8);
    for (const name of 'abcdef') hall.ask(name, { samples: 3 });
    expect(hall.places).toEqual({ m: 'abc' }); // 9 of 8
    await hall.end('b');
    expect(hall.places).toEqual({ m: 'acd' });
  });

  test('the next request when some of its samples are done, though their request is not', () => {
    const hall = new Hall();
    hall.join('m', 8);
    for (const name of 'abcd') hall.ask(name, { samples: 4 });
    expect(hall.places).toEqual({ m: 'abc' });
    hall.running[0]?.progressed(0.75);
    expect(hall.places).toEqual({ m: 'abc' }); // 9 left
    hall.running[0]?.progressed(1);
    expect(hall.places).toEqual({ m: 'abcd' });
  });

  test('two requests at any rate, and of those that draw no samples no more', () => {
    const hall = new Hall();
    hall.join('m', 100);
    const forward = { kind: kindOf({ role: 'train' }), samples: 0 };
    for (const name of 'abc') hall.ask(name, forward);
    for (const name of 'defg') hall.ask(name, { samples: 1000 });
    expect(hall.places).toEqual({ m: 'abde' });
  });

  test('nothing while it has no connection', () => {
    const hall = new Hall();
    const member = hall.join('m');
    member.setConnected(false);
    hall.dispatcher.look(member);
    hall.ask('a');
    expect([hall.places, hall.stuck]).toEqual([{}, 0]);
    member.setConnected(true);
    hall.dispatcher.look(member);
    expect(hall.places).toEqual({ m: 'a' });
  });
});

describe('a task goes to', () => {
  test('whoever has the fewest outstanding tokens', () => {
    const hall = new Hall();
    for (const name of 'xyz') hall.join(name);
    hall.ask('a', { tokens: 5 });
    hall.ask('b', { tokens: 9 });
    hall.ask('c', { tokens: 7 });
    hall.ask('d', { tokens: 7 }); // 12 there
    hall.ask('e'); // 7 here, the fewest
    expect(hall.places).toEqual({ x: 'ad', y: 'b', z: 'ce' });
  });

  test('one that holds the weights, among equals', () => {
    const hall = new Hall();
    for (const name of 'xyz') hall.join(name);
    hall.ask('a', { kind: kindOf({ holds: ({ hello }) => hello.workerId === 'z' }) });
    expect(hall.places).toEqual({ z: 'a' });
  });

  test('one that is told to be able by now', () => {
    const hall = new Hall();
    hall.join('x');
    let able = false;
    const kind = kindOf({ fits: () => able });
    hall.ask('a', { kind });
    expect([hall.places, hall.stuck]).toEqual([{}, 1]);
    able = true;
    hall.dispatcher.reconsider(kind);
    expect(hall.places).toEqual({ x: 'a' });
  });

  test('somebody else, before all others, when it is lost; to the same one where nobody else is', async () => {
    const hall = new Hall();
    const x = hall.join('x');
    hall.join('y');
    for (const name of 'abcdef') hall.ask(name);
    expect(hall.places).toEqual({ x: 'ac', y: 'bd' });
    hall.leave(x);
    await settled();
    await hall.end('b');
    await hall.end('d');
    expect([...(hall.places.y ?? '')].sort()).toEqual(['a', 'c']);
    await hall.end('a', new WorkerCallError('stale_weights', 'it holds others'));
    expect(hall.places.y).toContain('a');
  });

  test('nobody else where the first does not fit, and does not hold up those behind it of another kind', () => {
    const hall = new Hall();
    hall.join('x');
    hall.ask('a', { kind: kindOf({ fits: () => false }) });
    hall.ask('b');
    expect(hall.places).toEqual({ x: 'b' });
  });
});

test('a task that is aborted leaves the queue, or is ended where it is', async () => {
  const hall = new Hall();
  hall.join('x');
  const stop = new AbortController();
  for (const name of 'abc') hall.ask(name, {}, stop.signal);
  hall.ask('d');
  stop.abort();
  await settled();
  expect(hall.ended.sort()).toEqual(['a: cancelled', 'b: cancelled', 'c: cancelled']);
  expect(hall.places).toEqual({ x: 'd' });
});

describe('who is slow', () => {
  test('gets one request at a time, and none while others have room', async () => {
    const hall = new Hall();
    hall.setSlow(hall.join('slow', 8));
    hall.join('x', 1);
    for (const name of 'abcde') hall.ask(name);
    expect(hall.places).toEqual({ x: 'ab', slow: 'c' });
    await hall.end('a');
    expect(hall.places).toEqual({ x: 'bd', slow: 'c' });
    await hall.end('c');
    expect(hall.places).toEqual({ x: 'bd', slow: 'e' });
  });

  test.each(['slow', 'x'])(
    'has its task done by whoever is idle as well; %s answers first, the other is ended',
    async (first) => {
      const hall = new Hall();
      const slow = hall.join('slow');
      hall.join('x');
      for (const name of 'abc') hall.ask(name);
      expect(hall.places).toEqual({ slow: 'ac', x: 'b' });
      hall.setSlow(slow);
      expect(hall.places).toEqual({ slow: 'ac', x: 'b' }); // x is busy
      await hall.end('b');
      expect(hall.places).toEqual({ slow: 'ac', x: 'a' });
      hall.running.find(({ name, member }) => name === 'a' && member === first)?.end();
      await settled();
      expect(hall.ended).toEqual(['b', 'a']);
      // The next of its tasks, if it still has one that nobody else has.
      expect(hall.places).toEqual({ slow: 'c', x: 'c' });
      hall.running[0]?.end();
      await settled();
      expect([hall.ended, hall.running, slow.outstandingTokens]).toEqual([['b', 'a', 'c'], [], 0]);
    },
  );

  test('or whoever helps may be lost: the other one answers; both may be: it is done again', async () => {
    const hall = new Hall();
    const [slow, x] = [hall.join('slow'), hall.join('x')];
    hall.setSlow(slow);
    hall.ask('a');
    await hall.end('a');
    for (const name of 'abc') hall.ask(name);
    await hall.end('a');
    await hall.end('b');
    expect(hall.places).toEqual({ slow: 'c', x: 'c' });
    hall.leave(x);
    await settled();
    expect([hall.places, hall.ended]).toEqual([{ slow: 'c' }, ['a', 'a', 'b']]);
    const y = hall.join('y');
    expect(hall.places).toEqual({ slow: 'c', y: 'c' });
    hall.leave(slow);
    hall.leave(y);
    await settled();
    hall.join('z');
    expect(hall.places).toEqual({ z: 'c' });
    await hall.end('c');
    expect(hall.ended).toEqual(['a', 'a', 'b', 'c']);
  });

  test('and whoever helps hear of it when the caller does not want the answer any more', async () => {
    const hall = new Hall();
    const slow = hall.join('slow');
    const stop = new AbortController();
    hall.ask('a', {}, stop.signal);
    hall.setSlow(slow);
    hall.join('x');
    expect(hall.places).toEqual({ slow: 'a', x: 'a' });
    stop.abort();
    await settled();
    expect([hall.places, hall.ended]).toEqual([{}, ['a: cancelled']]);
  });

  test('is not helped with what draws nothing, nor by one that is slow too', () => {
    const hall = new Hall();
    const [slow, other] = [hall.join('slow'), hall.join('other')];
    hall.ask('f', { kind: kindOf({ role: 'train' }), samples: 0 });
    for (const member of [slow, other]) hall.setSlow(member);
    hall.ask('a');
    hall.join('train only');
    expect(hall.places).toEqual({ slow: 'f', other: 'a', 'train only': 'a' });
    hall.ask('b');
    hall.ask('c');
    expect(hall.running.filter(({ name }) => name === 'f')).toHaveLength(1);
  });
});

test('an event costs about as much among many members and tasks as among few', async () => {
  const hall = new Hall();
  let asked = 0;
  const kind = kindOf({
    fits: () => {
      asked += 1;
      return true;
    },
  });
  const [members, tasks] = [300, 3000];
  for (let index = 0; index < members; index++) hall.join(`m${index}`);
  for (let index = 0; index < tasks; index++) hall.ask(String(index), { kind });
  while (hall.running.length > 0) {
    for (const { end } of [...hall.running]) end();
    await settled();
  }
  expect(hall.ended).toHaveLength(tasks);
  expect(asked).toBeLessThan(members + 3 * tasks);
});

test('whatever happens, each task ends once, members are given no more than they should, and nobody idles', async () => {
  const event = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('ask' as const), role: fc.constantFrom('sample', 'train') }),
    },
    { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('end' as const, 'fault' as const), at: fc.nat(50) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('join' as const, 'leave' as const), at: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('slow' as const, 'fast' as const), at: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('abort' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const hall = new Hall();
      const kinds = { sample: hall.kind, train: kindOf({ role: 'train' }) };
      let [asked, joined, stop] = [0, 0, new AbortController()];
      // What one has lost waits for another, though that one is busy.
      let lost = false;
      const here = new Set<Member>();
      const join = () => here.add(hall.join(`m${++joined}`, 4));
      for (const one of events) {
        if (one.type === 'ask') {
          const role = one.role as Capability;
          hall.ask(`t${++asked}`, { kind: kinds[role], samples: role === 'sample' ? 3 : 0 }, stop.signal);
        } else if (one.type === 'join') join();
        else if (one.type === 'leave') {
          const member = [...here][one.at];
          if (member !== undefined) hall.leave(member);
          if (member !== undefined) here.delete(member);
          lost = true;
        } else if (one.type === 'slow' || one.type === 'fast') {
          const member = [...here][one.at];
          if (member !== undefined) hall.setSlow(member, one.type === 'slow');
        } else if (one.type === 'abort') {
          stop.abort();
          stop = new AbortController();
        } else {
          const error = new WorkerCallError('out_of_memory', 'full');
          lost ||= one.type === 'fault';
          hall.running[one.at]?.end(one.type === 'fault' ? error : undefined);
        }
        await settled();
        for (const member of here) {
          const { sample, train } = member.outstandingRequests;
          const mine = hall.running.filter(({ member: name }) => name === member.hello.workerId);
          expect(mine).toHaveLength(sample + train);
          expect([member.outstandingTokens, member.outstandingSamples]).toEqual([10 * mine.length, 3 * sample]);
          expect(sample <= 2 && train <= 2).toBe(true);
        }
        const full = [...here].every((member) => !member.hasRoom('sample') || !member.hasRoom('train'));
        expect(lost || hall.dispatcher.waiting === 0 || full).toBe(true);
      }
      join();
      while (hall.running.length > 0) {
        for (const { end } of [...hall.running]) end();
        await settled();
      }
      expect(hall.dispatcher.waiting).toBe(0);
      expect(new Set(hall.ended.map((text) => text.split(':')[0])).size).toBe(asked);
      expect(hall.ended).toHaveLength(asked);
    }),
  );
});
