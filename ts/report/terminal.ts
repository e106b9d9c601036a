/** What a reporter needs to know of the place it prints to. */
export interface Terminal {
  /** Lines may be redrawn in place. */
  live: boolean;
  colour: boolean;
  /** Whether it shows block characters; ASCII alone unless given. */
  unicode?: boolean;
  /** Columns, asked anew for each line because a window can be resized. */
  width(): number;
}

/** Columns where nothing says how many there are: a log, a pipe. */
export const DEFAULT_WIDTH = 100;
/** Below this a live line does not fit, and lines are plain. */
const LEAST_WIDTH = 60;

/**
 * How to print to a stream. A dumb terminal, a very narrow one and a CI log get plain lines; NO_COLOR (no-color.org) and
 * FORCE_COLOR have the last word on colour, the first before the second; COLUMNS has it on the width.
 *
 * @param stream `isTTY` and `columns` are read as Node's tty.WriteStream has them
 * @param environment the process's environment variables
 */
export function terminalOf(
  stream: { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  const capable = stream.isTTY === true && environment.TERM !== 'dumb';
  const asked = /^[1-9]\d{0,4}$/.test(environment.COLUMNS ?? '') ? Number(environment.COLUMNS) : undefined;
  const columns = () => asked ?? (capable && stream.columns ? stream.columns : DEFAULT_WIDTH);
  const live = capable && !isOn(environment.CI) && columns() >= LEAST_WIDTH;
  // Any value of NO_COLOR but the empty one counts, '0' too: that is how no-color.org has it.
  const colour = environment.NO_COLOR ? false : isOn(environment.FORCE_COLOR) || (capable && !isOn(environment.CI));
  const unicode = capable && /utf-?8/i.test(environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '');
  return { live, colour, unicode, width: () => Math.max(LEAST_WIDTH, columns()) };
}

function isOn(variable: string | undefined): boolean {
  return variable !== undefined && !['', '0', 'false'].includes(variable);
}

/**
 * Write to a stream whose reader may go away (`rzero ... | head`): from the first error on, what is
 * written is dropped and nobody is told.
 */
export function quietWriter(stream: {
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}): (text: string) => void {
  let open = true;
  stream.on('error', () => {
    open = false;
  });
  return (text) => {
    if (!open) return;
    try {
      stream.write(text);
    } catch {
      open = false;
    }
  };
}
