import type { SampleBatch } from '../../protocol/generated.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { sampleParams, sequencesOf } from '../requests.ts';
import { packMap } from '../unchecked.ts';

const NEEDS = ['sample'] as const;
const WHERE = 'proto/README.md, Stop strings';
const N = 20;

/** Params of samples under stop strings, or none; hot, so that they differ. */
function paramsOf(modelId: string, stop?: readonly string[], maxTokens = 24) {
  return sampleParams(modelId, { n: N, sampling: { temperature: 1.5, maxTokens, ...(stop && { stop: [...stop] }) } });
}

function draw({ worker }: Context, modelId: string, stop?: readonly string[], maxTokens?: number) {
  return worker.sample(paramsOf(modelId, stop, maxTokens));
}

/** Where among the samples one is that serves to show something. */
function findSample(what: string, { texts }: SampleBatch, serves: (text: string, index: number) => boolean): number {
  const index = texts.findIndex((text, at) => !text.includes('\ufffd') && serves(text, at));
  expect.that(`texts of ${texts.length} samples`, index >= 0, `one that has ${what}`, texts);
  return index;
}

function holdsOne(text: string, stop: readonly string[]): boolean {
  return stop.some((string) => text.includes(string));
}

function cut(text: string, stop: readonly string[]): string {
  return text.slice(0, Math.min(text.length, ...stop.map((string) => text.indexOf(string)).filter((at) => at >= 0)));
}

/** Stop strings from the middle of a sample's text: a character, and a longer piece. */
async function stopsOf(context: Context, modelId: string): Promise<string[][]> {
  const free = await draw(context, modelId);
  const index = findSample('six characters', free, (found) => Array.from(found).length >= 6);
  const text = Array.from(free.texts[index] as string);
  const middle = Math.floor(text.length / 2);
  return [[text[middle] as string], [text.slice(middle - 2, middle + 2).join(''), 'never said']];
}

/** What a sample came to, to compare. */
function endOf({ texts, lengths, stopReasons }: SampleBatch, index: number) {
  return { text: texts[index], tokens: lengths[index], stopReason: stopReasons[index] };
}

export const STOP_STRINGS: readonly Case[] = [
  {
    id: 'stop-string',
    title: 'a stop string ends a sample, which is otherwise the one drawn without it',
    rule: 'A sample ends with the token that completes a stop string, and its text before the string; nothing else changes.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      const free = await draw(context, modelId);
      const drawn = sequencesOf(free);
      for (const stop of await stopsOf(context, modelId)) {
        const bound = await draw(context, modelId, stop);
        let ended = 0;
        sequencesOf(bound).forEach(({ completion, logprobs }, index) => {
          const subject = `sample ${index} under stop ${JSON.stringify(stop)}`;
          const whole = drawn[index]?.completion as number[];
          const text = free.texts[index] as string;
          expect.equal(`tokens of ${subject}`, completion, whole.slice(0, completion.length));
          expect.equal(`log-probs of ${subject}, how many`, logprobs.length, completion.length);
          expect.equal(`text of ${subject}`, bound.texts[index], cut(text, stop));
          const found = holdsOne(text, stop);
          if (found) ended += 1;
          else expect.equal(`tokens of ${subject}, which does not say it`, completion.length, whole.length);
          const reason = found ? 'stop' : free.stopReasons[index];
          expect.equal(`stop reason of ${subject}`, bound.stopReasons[index], reason);
        });
        expect.above(`samples that ${JSON.stringify(stop)} ended`, ended, 0);
      }
    },
  },
  {
    id: 'stop-string-last-token',
    title: 'the token that completes a stop string is the last one, also where it is the last allowed',
    rule: 'The completing token is the last, and its stop reason is stop even if it is also the last that maxTokens allows.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      for (const stop of await stopsOf(context, modelId)) {
        const subject = (tokens: number) => `the sample under stop ${JSON.stringify(stop)} and maxTokens ${tokens}`;
        const bound = await draw(context, modelId, stop);
        const free = await draw(context, modelId);
        const index = findSample('a stop string', free, (text) => holdsOne(text, stop));
        const length = bound.lengths[index] as number;
        if (length > 1) {
          const shorter = await draw(context, modelId, stop, length - 1);
          expect.equal(`stop reason of ${subject(length - 1)}`, shorter.stopReasons[index], 'length');
          const text = shorter.texts[index] as string;
          expect.that(`text of ${subject(length - 1)}`, !holdsOne(text, stop), 'one without the string', text);
        }
        const said = (await draw(context, modelId, undefined, length)).texts[index] as string;
        expect.that(`text of ${length} tokens without a stop`, holdsOne(said, stop), `one with ${stop[0]}`, said);
        const exact = await draw(context, modelId, stop, length);
        const end = { text: bound.texts[index], tokens: length, stopReason: 'stop' };
        expect.equal(subject(length), endOf(exact, index), end);
      }
    },
  },
  {
    id: 'stop-string-over-tokens',
    title: 'a stop string may span several tokens',
    rule: 'A stop string is looked for in the text of all tokens together, so it may span several.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      const two = await draw(context, modelId, undefined, 2);
      const three = await draw(context, modelId, undefined, 3);
      const index = findSample('a third token with a text', three, (text, at) => text !== two.texts[at]);
      const whole = three.texts[index] as string;
      const bound = await draw(context, modelId, [whole]);
      const end = { text: '', tokens: 3, stopReason: 'stop' };
      expect.equal(`the sample under stop ${JSON.stringify(whole)}`, endOf(bound, index), end);
    },
  },
  {
    id: 'stop-string-in-token',
    title: 'a stop string may begin and end inside a token',
    rule: 'A stop string that ends inside a token ends the sample with it, and the text before the string.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      const one = await draw(context, modelId, undefined, 1);
      // Its tokens may be single bytes; then none has an inside.
      const index = one.texts.findIndex((text) => new Set(text).size > 1 && !text.includes('\ufffd'));
      if (index < 0) return;
      const characters = Array.from(one.texts[index] as string);
      const [first, last] = [characters[0] as string, characters.at(-1) as string];
      for (const [stop, text] of [
        [first, ''],
        [last, characters.slice(0, characters.indexOf(last)).join('')],
      ] as const) {
        const bound = await draw(context, modelId, [stop]);
        const end = { text, tokens: 1, stopReason: 'stop' };
        const subject = `the sample whose first token is ${JSON.stringify(one.texts[index])}, under stop `;
        expect.equal(subject + JSON.stringify(stop), endOf(bound, index), end);
      }
    },
  },
  {
    id: 'stop-string-earliest',
    title: 'of stop strings that one token completes, the earliest cuts the text, whatever their order',
    rule: 'The text ends before the earliest occurrence of any of the strings.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      const free = await draw(context, modelId);
      const index = findSample('a third character that is not one of the first two', free, (text) => {
        const [first, second, third] = Array.from(text);
        return third !== undefined && third !== first && third !== second;
      });
      const [first, second, third] = Array.from(free.texts[index] as string) as [string, string, string];
      const stop = [third, first + second + third, second + third];
      for (const order of [stop, stop.toReversed()]) {
        const { texts } = await draw(context, modelId, order);
        expect.equal(`text of sample ${index} under stop ${JSON.stringify(order)}`, texts[index], '');
      }
    },
  },
  {
    id: 'stop-string-unheard',
    title: 'stop strings that do not occur, or none at all, change nothing',
    rule: 'A sample in whose text no stop string occurs is the one drawn without them.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      const free = await draw(context, modelId);
      expect.equal('samples under no stop strings', await draw(context, modelId, []), free);
      const unheard = ['\u0000\u0000', '\u{1f600}\u{1f600}', 'e\u0301\u0301', 'x'.repeat(256), '\u00e9'.repeat(128)];
      expect.equal('samples under strings never said', await draw(context, modelId, unheard), free);
    },
  },
  {
    id: 'stop-string-limits',
    title: 'a stop string of no or over 256 bytes, and more than 16 of them, are invalid_request',
    rule: 'There are at most 16 stop strings, each of 1 to 256 bytes; anything else is invalid_request.',
    where: 'proto/protocol.yml, structs.Sampling',
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      for (const stop of [[''], ['x', ''], ['x'.repeat(257)], ['\u00e9'.repeat(129)], Array(17).fill('x')]) {
        const lengths = stop.map((string) => Buffer.byteLength(string));
        const call = context.requester.request('sample', packMap(paramsOf(modelId, stop)));
        await expect.fails(`stop strings of [${lengths}] bytes`, call, 'invalid_request', 'sampling.stop');
      }
    },
  },
];
