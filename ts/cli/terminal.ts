import type { Readable, Writable } from 'node:stream';
import { addAbortSignal } from 'node:stream';
import { quietWriter, type Terminal as Screen, terminalOf } from '../report/terminal.ts';
import { redactorFor } from '../secrets/environment.ts';

/** What a command may touch of the process around it; tests pass their own. */
export interface Terminal {
  /** Data: tables, JSON. */
  out(text: string): void;
  /**
   * Data of any length, for filters: waits until the reader has kept up.
   *
   * @returns false once the reader has gone
   * @throws any other error of the stream, a full disk say
   */
  send(text: string): Promise<boolean>;
  /** What comes in, for filters; ends with an AbortError on `signal`. */
  input(): AsyncIterable<Uint8Array>;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
  /** The same with secrets in it: for one that was made up for whoever reads this. */
  reveal(text: string): void;
  /** What may be done with the screen that `err` goes to, and with the one that `out` goes to. */
  screen: Screen;
  page: Screen;
  env: NodeJS.ProcessEnv;
  workingFolder: string;
  /** Aborted by the first signal that asks for a stop, whose name is the reason (a StopSignal). */
  signal: AbortSignal;
}

/** A terminal as it is, which shows whatever it is given. */
export type BareTerminal = Omit<Terminal, 'reveal'>;

/** The real terminal. */
export function processTerminal(signal: AbortSignal): BareTerminal {
  const { env, stdout, stderr } = process;
  const send = patientWriter(stdout);
  return {
    out: quietWriter(stdout),
    send,
    // Not before a command asks: the mere look at process.stdin opens it.
    input: () => addAbortSignal(signal, process.stdin as Readable),
    err: quietWriter(stderr),
    screen: terminalOf(stderr, env),
    page: terminalOf(stdout, env),
    env,
    workingFolder: process.cwd(),
    signal,
  };
}

/** A terminal on which no secret of its environment appears. Data of filters is its user's, and stays as it is. */
export function withoutSecrets(terminal: BareTerminal): Terminal {
  const redact = redactorFor(terminal.env);
  return {
    ...terminal,
    out: (text) => terminal.out(redact(text)),
    err: (text) => terminal.err(redact(text)),
    reveal: terminal.err,
  };
}

/** Write to a stream and wait for its reader; see {@link Terminal.send}. */
export function patientWriter(stream: Writable): (text: string) => Promise<boolean> {
  let failure: NodeJS.ErrnoException | undefined;
  stream.on('error', (error) => {
    failure ??= error;
  });
  return async (text) => {
    if (!failure) {
      await new Promise<void>((resolve) =>
        stream.write(text, (error) => {
          failure ??= error ?? undefined;
          resolve();
        }),
      );
    }
    if (failure && failure.code !== 'EPIPE') throw failure;
    return failure === undefined;
  };
}
