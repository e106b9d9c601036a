import { stripVTControlCharacters } from 'node:util';

/** A stage that says nothing new is worth a line in a plain log this often, in seconds. */
const HEARTBEAT_S = 30;

/** The bars that pip draws: in one narrow line they hide what they decorate. */
const BARS = /[━╸╺]+/g;

/**
 * One line per stage with its time. On a terminal the line lives: it shows the seconds and the latest
 * line of the program at work; elsewhere there is a line at the start, one every 30 s and one at the end.
 *
 * @param {NodeJS.WriteStream} stream standard error: standard output belongs to the command
 */
export function createProgress(stream) {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb';
  const line = (text) => stream.write(live ? `\r\x1b[K${text}\n` : `${text}\n`);

  return {
    /** @param {string} text */
    say: (text) => line(`setup: ${text}`),

    /**
     * @param {string} title
     * @param {string} hint what is happening, shown while it runs
     */
    begin(title, hint) {
      const began = performance.now();
      const seconds = () => (performance.now() - began) / 1000;
      let latest = hint;
      let beats = 0;
      if (!live) line(`setup: ${title}: ${hint} ...`);
      const draw = () => {
        if (live) {
          const text = `setup: ${title}  ${seconds().toFixed(0)} s  ${latest}`;
          stream.write(`\r\x1b[K${text.slice(0, (stream.columns || 80) - 1)}`);
        } else if (seconds() >= (beats + 1) * HEARTBEAT_S) {
          beats += 1;
          line(`setup: ${title}: ${seconds().toFixed(0)} s, ${latest.slice(0, 80)}`);
        }
      };
      const timer = setInterval(draw, live ? 200 : 1000);
      draw();
      const end = (outcome) => {
        clearInterval(timer);
        line(`setup: ${title}: ${outcome} (${seconds().toFixed(1)} s)`);
      };
      return {
        /** @param {string} text the program's latest line */
        latest(text) {
          latest = stripVTControlCharacters(text).replace(BARS, '').trim() || latest;
        },
        done: () => end('done'),
        failed: () => end('failed'),
      };
    },
  };
}
