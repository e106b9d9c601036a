import { afterAll, expect, test } from '@jest/globals';
import { Peer } from '../../ts/bench/answers/peer.ts';

/** A grader that says what it is told to, hangs, or dies. */
const FAKE = `
  console.log('{"ready":true}');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { gold, pred } = JSON.parse(line);
    if (gold === 'hang') for (;;);
    if (gold === 'die') process.exit(1);
    console.log(JSON.stringify({ equal: gold === pred, ms: 1.5, error: null }));
  });`;
const peer = new Peer('fake', [process.execPath, '-e', FAKE], 5000);
afterAll(() => peer.close());

test('a peer answers pair after pair, and time is what it says', async () => {
  expect(await peer.grade('1', '1')).toEqual({ equal: true, milliseconds: 1.5, hung: false, failed: false });
  expect((await peer.grade('1', '2')).equal).toBe(false);
});

test('one that hangs is killed at the limit, and the next pair gets a new one', async () => {
  const impatient = new Peer('fake', [process.execPath, '-e', FAKE], 200);
  const { equal, hung, milliseconds } = await impatient.grade('hang', '');
  expect([equal, hung]).toEqual([null, true]);
  expect(milliseconds).toBeGreaterThanOrEqual(199);
  await impatient.close();
  expect(await peer.grade('die', '')).toMatchObject({ equal: null, hung: false, failed: true });
  expect((await peer.grade('1', '1')).equal).toBe(true);
}, 60_000);

test('one that does not start is an error', async () => {
  await expect(new Peer('none', [process.execPath, '-e', '1'], 1000).grade('', '')).rejects.toThrow(/does not start/);
});
