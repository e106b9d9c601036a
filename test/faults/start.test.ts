import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { PROTOCOL_HASH } from '../../ts/protocol/generated.ts';
import { Neighbourhood } from '../fixtures/neighbours.ts';

// Less than a worker is given by default: what ends in time ended by the patience of the test.
jest.setTimeout(15_000);

let place: Neighbourhood;

beforeEach(async () => {
  place = await Neighbourhood.open();
});

afterEach(async () => {
  await place.close();
});

describe('one that does not come up', () => {
  test('is slow: it is waited for until the deadline, and welcome before', async () => {
    const deadline = { startDeadline: 300 };
    await expect(place.fixture('slow_to_start', deadline)).rejects.toMatchObject({ code: 'worker_start_failed' });
    const { worker } = await place.fixture('slow_to_start');
    expect(await worker.ping({})).toEqual({ busy: '', progress: 0 });
    expect(place.hub.turnedAwayCount).toBe(0);
  });

  test('is silent: the deadline ends the wait, and its last words are told', async () => {
    await expect(place.fixture('silent', { startDeadline: 3_000 })).rejects.toMatchObject({
      name: 'WorkerStartError',
      code: 'worker_start_failed',
      message: 'the worker did not connect within 3 s; it last printed: loading something large',
    });
  });

  test('speaks another protocol: both hashes are named', async () => {
    await expect(place.fixture('wrong_hash')).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringMatching(new RegExp(`${'f'.repeat(64)}.*${PROTOCOL_HASH}`)),
    });
  });

  test('has a wrong token', async () => {
    await expect(place.fixture('wrong_token')).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringMatching(/exit code 1 before it connected.*token.*refused: the token is not/),
    });
  });

  test('sends garbage before Hello', async () => {
    await expect(place.fixture('garbage_first')).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringMatching(/exit code 1 .*no Hello.*that did not work/),
    });
  });

  test.each([
    ['hangs', 'half_frame hang', 500, /did not connect within 0\.5 s/],
    ['hangs up', 'half_frame close', 10_000, /exit code 1 before it connected.*that is half of it/],
  ])('sends half a frame and %s: a neighbour is not disturbed', async (_, line, startDeadline, message) => {
    const { worker } = await place.fixture('well_behaved');
    const error = { code: 'worker_start_failed', message: expect.stringMatching(message) };
    await expect(place.fixture(line, { startDeadline })).rejects.toMatchObject(error);
    await worker.ping({});
  });

  test('floods before Hello: a neighbour is answered all the while', async () => {
    const { worker } = await place.fixture('well_behaved');
    const stop = new AbortController();
    const flood = expect(place.fixture('floods stranger', { signal: stop.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    while (place.hub.turnedAwayCount < 1_000) await worker.ping({});
    expect(place.hub.turnedAway).toMatch(/no Hello/);
    stop.abort();
    await flood;
  });
});
