import { expect, test } from '@jest/globals';
import { LivePage } from '../../../ts/page/livePage.ts';
import type { RunPage } from '../../../ts/page/runPage.ts';

/** A live page of a run that is moved by hand, and a clock. */
function scene(secondsToRead = 0) {
  const state = { pulse: 'a', reads: 0, now: 0, fails: false, troubles: 0 };
  const live = new LivePage(
    {
      pulse: () => {
        if (state.fails) throw new Error('gone');
        return state.pulse;
      },
      read: () => {
        if (state.fails) throw new Error('damaged');
        state.reads += 1;
        state.now += secondsToRead * 1000;
        return { missing: [state.pulse] } as unknown as RunPage;
      },
    },
    () => {
      state.troubles += 1;
    },
    () => state.now,
  );
  return { state, live };
}

test('it is read again when it has moved and somebody looks, and not before', () => {
  const { state, live } = scene();
  let told = 0;
  const forget = live.follow(() => {
    told += 1;
  });
  live.look();
  expect([state.reads, told]).toEqual([1, 0]);
  state.pulse = 'b';
  live.look();
  live.look();
  expect([state.reads, told]).toEqual([1, 1]);
  expect(live.page.missing).toEqual(['b']);
  expect(live.page.missing).toEqual(['b']);
  expect(state.reads).toBe(2);
  forget();
  state.pulse = 'c';
  live.look();
  expect(told).toBe(1);
});

test('the longer it takes to read, the seldomer it is', () => {
  const { state, live } = scene(2);
  for (const [now, moved] of [
    [3, 'a'],
    [39, 'a'],
    [40, 'b'],
  ] as const) {
    state.now = now * 1000;
    state.pulse = 'b';
    live.look();
    expect(live.page.missing).toEqual([moved]);
  }
});

test('what cannot be read stays as it was, and is told', () => {
  const { state, live } = scene();
  state.pulse = 'b';
  live.look();
  state.fails = true;
  expect(live.page.missing).toEqual(['a']);
  live.look();
  expect(state.troubles).toBe(2);
});
