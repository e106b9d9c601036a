#!/usr/bin/env node
import { runCli } from './program.ts';
import { killedCode, STOP_SIGNALS } from './stop.ts';
import { processTerminal } from './terminal.ts';

// The first signal asks for a stop in order; a second one of any kind ends the process at once (the worker
// follows, since its stdin closes with us).
const stop = new AbortController();
for (const name of STOP_SIGNALS) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(killedCode(name));
    stop.abort(name);
    process.stderr.write('\nstopping (once more to stop at once)\n');
  });
}

process.exitCode = await runCli(process.argv.slice(2), processTerminal(stop.signal));
