/** What a command may touch of the process around it; tests pass their own. */
export interface Terminal {
  /** Data: tables, JSON. */
  out(text: string): void;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
  /** Progress may redraw its line. */
  live: boolean;
  colour: boolean;
  /** Columns. */
  width: number;
  env: NodeJS.ProcessEnv;
  workingFolder: string;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
}

/** The real terminal. Progress goes to stderr, so that decides about colour and redrawing. */
export function processTerminal(signal: AbortSignal): Terminal {
  const { env, stdout, stderr } = process;
  const dumb = env.TERM === 'dumb' || env.CI !== undefined;
  // A reader that went away (`| head`) is no reason for a run to die.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    live: stderr.isTTY === true && !dumb,
    colour: stderr.isTTY === true && !dumb && env.NO_COLOR === undefined,
    width: Math.min(stderr.columns ?? 100, 120),
    env,
    workingFolder: process.cwd(),
    signal,
  };
}
