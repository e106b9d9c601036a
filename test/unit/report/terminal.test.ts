import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { quietWriter, terminalOf } from '../../../ts/report/terminal.ts';

const TTY = { isTTY: true, columns: 120 };

describe('how to print', () => {
  test.each<[string, Parameters<typeof terminalOf>[0], Record<string, string>, boolean, boolean]>([
    ['a terminal', TTY, { TERM: 'xterm-256color' }, true, true],
    ['a terminal that does not say its width', { isTTY: true }, {}, true, true],
    ['a pipe', {}, { TERM: 'xterm-256color' }, false, false],
    ['a dumb terminal', TTY, { TERM: 'dumb' }, false, false],
    ['a CI log with a pseudo-terminal', TTY, { CI: 'true' }, false, false],
    ['CI=false', TTY, { CI: 'false' }, true, true],
    ['a narrow terminal', { isTTY: true, columns: 50 }, {}, false, true],
    ['NO_COLOR', TTY, { NO_COLOR: '1' }, true, false],
    ['NO_COLOR=0, which counts too', TTY, { NO_COLOR: '0' }, true, false],
    ['an empty NO_COLOR, which does not', TTY, { NO_COLOR: '' }, true, true],
    ['FORCE_COLOR', {}, { FORCE_COLOR: '1' }, false, true],
    ['FORCE_COLOR=0', {}, { FORCE_COLOR: '0' }, false, false],
    ['both', TTY, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ])('%s', (_, stream, environment, live, colour) => {
    expect(terminalOf(stream, environment)).toMatchObject({ live, colour });
  });

  test.each<[string, Parameters<typeof terminalOf>[0], Record<string, string>, boolean]>([
    ['a terminal of UTF-8', TTY, { LANG: 'en_US.UTF-8' }, true],
    ['LC_ALL before LANG', TTY, { LC_ALL: 'C', LANG: 'en_US.UTF-8' }, false],
    ['LC_CTYPE before LANG', TTY, { LC_CTYPE: 'C.utf8', LANG: 'C' }, true],
    ['a locale that says nothing', TTY, {}, false],
    ['a dumb terminal', TTY, { LANG: 'C.UTF-8', TERM: 'dumb' }, false],
    ['a file, which anybody may look at', {}, { LANG: 'C.UTF-8' }, false],
  ])('block characters: %s', (_, stream, environment, unicode) => {
    expect(terminalOf(stream, environment).unicode).toBe(unicode);
  });

  test('COLUMNS has the last word on the width, where it is a number', () => {
    expect(terminalOf(TTY, { COLUMNS: '90' }).width()).toBe(90);
    expect(terminalOf({}, { COLUMNS: '140' }).width()).toBe(140);
    expect(terminalOf(TTY, { COLUMNS: '50' }).live).toBe(false);
    for (const COLUMNS of ['', '0', 'wide', '-3']) expect(terminalOf(TTY, { COLUMNS }).width()).toBe(120);
  });

  test('the width is that of the window as it is now', () => {
    const stream = { isTTY: true, columns: 120 };
    const terminal = terminalOf(stream, {});
    expect(terminal.width()).toBe(120);
    stream.columns = 80;
    expect(terminal.width()).toBe(80);
    stream.columns = 20;
    expect(terminal.width()).toBe(60);
    expect(terminalOf({ columns: 30 }, {}).width()).toBe(100);
  });
});

describe('a quiet writer', () => {
  function stream(write: (text: string) => void) {
    return Object.assign(new EventEmitter(), { write });
  }

  test('writes until the reader goes away', () => {
    const seen: string[] = [];
    const target = stream((text) => seen.push(text));
    const write = quietWriter(target);
    write('a');
    target.emit('error', new Error('EPIPE'));
    write('b');
    expect(seen).toEqual(['a']);
  });

  test('takes an error of the write itself', () => {
    let tries = 0;
    const write = quietWriter(
      stream(() => {
        tries++;
        throw new Error('write after end');
      }),
    );
    expect(() => write('a')).not.toThrow();
    write('b');
    expect(tries).toBe(1);
  });
});
