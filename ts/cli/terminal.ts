import { quietWriter, type Terminal as Screen, terminalOf } from '../report/terminal.ts';

/** What a command may touch of the process around it; tests pass their own. */
export interface Terminal {
  /** Data: tables, JSON. */
  out(text: string): void;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
  /** What may be done with the screen that `err` goes to, and with the one that `out` goes to. */
  screen: Screen;
  page: Screen;
  env: NodeJS.ProcessEnv;
  workingFolder: string;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
}

/** The real terminal. */
export function processTerminal(signal: AbortSignal): Terminal {
  const { env, stdout, stderr } = process;
  return {
    out: quietWriter(stdout),
    err: quietWriter(stderr),
    screen: terminalOf(stderr, env),
    page: terminalOf(stdout, env),
    env,
    workingFolder: process.cwd(),
    signal,
  };
}
