import { Readable, Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  fieldError,
  filterJsonLines,
  idOf,
  LineError,
  MAX_LINE_BYTES,
  readJsonLines,
  textField,
  textOrNullField,
} from '../../../ts/cli/jsonLines.ts';
import { patientWriter, type Terminal } from '../../../ts/cli/terminal.ts';

async function read(...chunks: (string | Uint8Array)[]) {
  const lines = [];
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
  for await (const batch of readJsonLines(Readable.from(bytes))) lines.push(...batch);
  return lines.map((line) => ('error' in line ? [line.number, line.error.message] : [line.number, line.record]));
}

describe('readJsonLines', () => {
  test('numbers its lines, blank ones too, and needs no newline at the end', async () => {
    expect(await read('{"a":1}\r\n\n  \n{"b":2}')).toEqual([
      [1, { a: 1 }],
      [4, { b: 2 }],
    ]);
    expect(await read()).toEqual([]);
    expect(await read('\n')).toEqual([]);
  });

  test('a byte order mark at the start is none of the text', async () => {
    expect(await read('\ufeff{"a":1}\n')).toEqual([[1, { a: 1 }]]);
  });

  test.each([
    ['{"a":', 'not JSON: '],
    ['[1]', 'the line is [1]: it must be a JSON object'],
    ['null', 'the line is null: it must be a JSON object'],
    [new Uint8Array([0x22, 0xff, 0x22]), 'not UTF-8'],
  ])('%j is a bad line, and the next is read', async (text, message) => {
    const lines = await read(text, '\n{"b":2}\n');
    expect(lines).toEqual([
      [1, expect.stringContaining(message)],
      [2, { b: 2 }],
    ]);
  });

  test('a line that is longer than memory should hold is skipped', async () => {
    const half = Buffer.alloc(MAX_LINE_BYTES / 2 + 1, 'x');
    expect(await read(half, half, half, '\n{"b":2}\n')).toEqual([
      [1, `the line has more than ${MAX_LINE_BYTES} bytes`],
      [2, { b: 2 }],
    ]);
  });

  test('where the bytes are cut makes no difference', async () => {
    const text = Buffer.from('{"a":"é∞"}\n\n{"b":[1,2]}\r\n{bad}\n{"c":"\\n"}');
    const whole = await read(text);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(text.length)), async (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        const pieces = ends.map((end, index) => text.subarray(ends[index - 1] ?? 0, end));
        expect(await read(...pieces)).toEqual(whole);
      }),
    );
  });
});

/** A terminal whose reader takes `reads` answers and then goes away. */
function terminal(input: AsyncIterable<Uint8Array>, reads = Number.POSITIVE_INFINITY) {
  const seen = { out: [] as string[], err: '' };
  const filter = {
    input: () => input,
    signal: new AbortController().signal,
    send: async (text: string) => seen.out.push(text) < reads,
    err: (text: string) => {
      seen.err += text;
    },
  };
  return { seen, terminal: filter as unknown as Terminal };
}

describe('filterJsonLines', () => {
  const double = (record: Readonly<Record<string, unknown>>) => ({ twice: textField(record, 'a').repeat(2) });

  test('answers the good lines in order, names the bad ones, and ends with 65', async () => {
    const place = terminal(Readable.from([Buffer.from('{"a":"x"}\nno\n{"b":1}\n{"a":"y"}\n')]));
    expect(await filterJsonLines(place.terminal, double)).toBe(65);
    expect(place.seen.out.join('')).toBe('{"twice":"xx"}\n{"twice":"yy"}\n');
    expect(place.seen.err).toMatch(
      /^rzero: line 2: not JSON: .*\nrzero: line 3: "a" is missing: it must be a string\n$/,
    );
  });

  test('one line may have several answers, or none', async () => {
    const place = terminal(Readable.from([Buffer.from('{"n":0}\n{"n":2}\n')]));
    const count = ({ n }: Readonly<Record<string, unknown>>) => Array.from({ length: Number(n) }, (_, i) => ({ i }));
    expect(await filterJsonLines(place.terminal, count)).toBe(0);
    expect(place.seen.out.join('')).toBe('{"i":0}\n{"i":1}\n');
  });

  test('a reader that goes away ends it, without a word', async () => {
    let given = 0;
    async function* endless() {
      for (;;) {
        given += 1;
        yield Buffer.from('{"a":"x"}\n');
      }
    }
    const place = terminal(endless(), 3);
    expect(await filterJsonLines(place.terminal, double)).toBe(0);
    expect([given, place.seen.out.length, place.seen.err]).toEqual([3, 3, '']);
  });

  test('reads no further than its reader has come', async () => {
    let given = 0;
    async function* endless() {
      for (;;) {
        given += 1;
        yield Buffer.from('{"a":"x"}\n');
      }
    }
    const { terminal: place } = terminal(endless());
    let go: (open: boolean) => void = () => {};
    const asked = new Promise<void>((resolve) => {
      place.send = () => {
        resolve();
        return new Promise((answer) => {
          go = answer;
        });
      };
    });
    const done = filterJsonLines(place, double);
    await asked;
    await new Promise(setImmediate);
    expect(given).toBe(1);
    go(false);
    expect(await done).toBe(0);
  });

  test('of one chunk, slow answers come one by one, and a signal stops them', async () => {
    const stop = new AbortController();
    const place = terminal(Readable.from([Buffer.from('{"a":"x"}\n'.repeat(1000))]));
    place.terminal = { ...place.terminal, signal: stop.signal };
    const slow = (record: Readonly<Record<string, unknown>>) => {
      const end = performance.now() + 60;
      while (performance.now() < end);
      if (place.seen.out.length === 2) stop.abort(new Error('stopped'));
      return double(record);
    };
    await expect(filterJsonLines(place.terminal, slow)).rejects.toThrow('stopped');
    expect(place.seen.out).toHaveLength(3);
  });

  test('an error that is no bad line is not hidden', async () => {
    const { terminal: place } = terminal(Readable.from([Buffer.from('{}\n')]));
    const fail = () => {
      throw new TypeError('a bug');
    };
    await expect(filterJsonLines(place, fail)).rejects.toThrow('a bug');
  });
});

describe('patientWriter', () => {
  test('waits for the reader', async () => {
    let read: () => void = () => {};
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        read = done;
      },
    });
    let sent: boolean | undefined;
    const sending = patientWriter(stream)('ab').then((open) => {
      sent = open;
    });
    await new Promise(setImmediate);
    expect(sent).toBeUndefined();
    read();
    await sending;
    expect(sent).toBe(true);
  });

  test('a reader that has gone is false, any other failure is thrown', async () => {
    const fail = (code: string) => {
      const stream = new Writable({
        write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
      });
      return patientWriter(stream);
    };
    const gone = fail('EPIPE');
    expect(await gone('x')).toBe(false);
    expect(await gone('y')).toBe(false);
    await expect(fail('ENOSPC')('x')).rejects.toThrow('ENOSPC');
  });
});

describe('fields', () => {
  test.each([
    [() => textField({ a: 5 }, 'a'), '"a" is 5: it must be a string'],
    [() => textField({}, 'a'), '"a" is missing: it must be a string'],
    [() => textField({ a: null }, 'a'), '"a" is null: it must be a string'],
    [() => textOrNullField({ a: [1] }, 'a'), '"a" is [1]: it must be a string or null'],
    [() => idOf({ id: { a: 1 } }), '"id" is {"a":1}: it must be a string or a number (whole ones within 2^53)'],
    [() => idOf(JSON.parse('{"id":9007199254740993}')), '"id" is 9007199254740992: it must be'],
  ])('case %#', (get, message) => {
    expect(get).toThrow(LineError);
    expect(get).toThrow(message);
  });

  test('a long value is cut, so that a message stays one line', () => {
    expect(fieldError('a', 'x\n'.repeat(1e5), 'short').message.length).toBeLessThan(150);
  });

  test('an id comes back as it was, and none where there was none', () => {
    expect([idOf({ id: 'a' }), idOf({ id: 1.5 }), idOf({ id: null }), idOf({})]).toEqual([
      { id: 'a' },
      { id: 1.5 },
      { id: null },
      {},
    ]);
    expect(textOrNullField({ a: null }, 'a')).toBeNull();
  });
});
