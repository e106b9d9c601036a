import { expect } from '@jest/globals';
import type { Case, Context } from '../context.ts';
import { failureOf, sampleParams, sequencesOf } from '../requests.ts';

const N = 20;

/** Samples under stop strings, or none; hot, so that they differ. */
function draw({ worker }: Context, modelId: string, stop?: readonly string[], maxTokens = 24) {
  const sampling = { temperature: 1.5, maxTokens, ...(stop && { stop }) };
  return worker.sample(sampleParams(modelId, { n: N, sampling }));
}

/** The characters of a text that has at least `count`, all of them whole. */
function readable(texts: readonly string[], count: number): string[] {
  const found = texts.map((text) => Array.from(text)).find((all) => all.length >= count && !all.includes('\ufffd'));
  if (found === undefined) throw new Error(`no sample has ${count} characters`);
  return found;
}

function holdsOne(text: string, stop: readonly string[]): boolean {
  return stop.some((string) => text.includes(string));
}

function cut(text: string, stop: readonly string[]): string {
  return text.slice(0, Math.min(text.length, ...stop.map((string) => text.indexOf(string)).filter((at) => at >= 0)));
}

/** Stop strings from the middle of a sample's text: a character, and a longer piece. */
async function stopsOf(context: Context, modelId: string): Promise<string[][]> {
  const text = readable((await draw(context, modelId)).texts, 6);
  const middle = Math.floor(text.length / 2);
  return [[text[middle] as string], [text.slice(middle - 2, middle + 2).join(''), 'never said']];
}

export const STOP_STRINGS: readonly Case[] = [
  {
    name: 'a stop string ends a sample, which is otherwise the one drawn without it',
    async run(context) {
      const modelId = await context.load();
      const free = await draw(context, modelId);
      const drawn = sequencesOf(free);
      for (const stop of await stopsOf(context, modelId)) {
        const bound = await draw(context, modelId, stop);
        let ended = 0;
        sequencesOf(bound).forEach(({ completion, logprobs }, index) => {
          const { completion: whole } = drawn[index] as { completion: number[] };
          const text = free.texts[index] as string;
          expect(completion).toEqual(whole.slice(0, completion.length));
          expect(logprobs).toHaveLength(completion.length);
          expect(bound.texts[index]).toBe(cut(text, stop));
          const found = holdsOne(text, stop);
          if (found) ended += 1;
          else expect(completion).toHaveLength(whole.length);
          expect(bound.stopReasons[index]).toBe(found ? 'stop' : free.stopReasons[index]);
        });
        expect(ended).toBeGreaterThan(0);
      }
    },
  },
  {
    name: 'the token that completes a stop string is the last one, also where it is the last allowed',
    async run(context) {
      const modelId = await context.load();
      for (const stop of await stopsOf(context, modelId)) {
        const bound = await draw(context, modelId, stop);
        const free = await draw(context, modelId);
        const index = free.texts.findIndex((text) => holdsOne(text, stop));
        const length = bound.lengths[index] as number;
        if (length > 1) {
          const shorter = await draw(context, modelId, stop, length - 1);
          expect(holdsOne(shorter.texts[index] as string, stop)).toBe(false);
          expect(shorter.stopReasons[index]).toBe('length');
        }
        expect(holdsOne((await draw(context, modelId, undefined, length)).texts[index] as string, stop)).toBe(true);
        const exact = await draw(context, modelId, stop, length);
        expect(exact.lengths[index]).toBe(length);
        expect(exact.texts[index]).toBe(bound.texts[index]);
        expect(exact.stopReasons[index]).toBe('stop');
      }
    },
  },
  {
    name: 'a stop string may span several tokens',
    async run(context) {
      const modelId = await context.load();
      const two = await draw(context, modelId, undefined, 2);
      const three = await draw(context, modelId, undefined, 3);
      const index = three.texts.findIndex((text, at) => text !== two.texts[at] && !text.includes('\ufffd'));
      expect(index).toBeGreaterThan(-1);
      const whole = three.texts[index] as string;
      const bound = await draw(context, modelId, [whole]);
      expect(bound.texts[index]).toBe('');
      expect(bound.lengths[index]).toBe(3);
      expect(bound.stopReasons[index]).toBe('stop');
    },
  },
  {
    name: 'of stop strings that one token completes, the earliest cuts the text, whatever their order',
    async run(context) {
      const modelId = await context.load();
      const { texts } = await draw(context, modelId);
      const index = texts.findIndex((text) => {
        const [first, second, third] = Array.from(text);
        return third !== undefined && third !== first && third !== second && !text.includes('\ufffd');
      });
      expect(index).toBeGreaterThan(-1);
      const [first, second, third] = Array.from(texts[index] as string) as [string, string, string];
      const stop = [third, first + second + third, second + third];
      for (const order of [stop, stop.toReversed()]) {
        expect((await draw(context, modelId, order)).texts[index]).toBe('');
      }
    },
  },
  {
    name: 'stop strings that do not occur, or none at all, change nothing',
    async run(context) {
      const modelId = await context.load();
      const free = await draw(context, modelId);
      expect(await draw(context, modelId, [])).toEqual(free);
      const unheard = ['\u0000\u0000', '\u{1f600}\u{1f600}', 'e\u0301\u0301', 'x'.repeat(256), '\u00e9'.repeat(128)];
      expect(await draw(context, modelId, unheard)).toEqual(free);
    },
  },
  {
    name: 'a stop string of no or over 256 bytes, and more than 16 of them, are invalid_request',
    async run(context) {
      const modelId = await context.load();
      for (const stop of [[''], ['x', ''], ['x'.repeat(257)], ['\u00e9'.repeat(129)], Array(17).fill('x')]) {
        const failure = await failureOf(draw(context, modelId, stop));
        expect(failure.code).toBe('invalid_request');
        expect(failure.message.includes('sampling.stop')).toBe(true);
      }
    },
  },
];
