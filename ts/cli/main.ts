#!/usr/bin/env node
import { constants } from 'node:os';
import { EXIT } from './exitCodes.ts';
import { runCli } from './program.ts';
import { processTerminal } from './terminal.ts';

// The first signal asks for a clean stop; a second one of any kind ends the process at once (the worker
// follows, since its stdin closes with us).
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    const exitCode = 128 + constants.signals[name];
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort(exitCode);
    process.stderr.write('\nstopping (once more to stop at once)\n');
  });
}

const exitCode = await runCli(process.argv.slice(2), processTerminal(stop.signal));
process.exitCode = stop.signal.aborted && exitCode !== EXIT.ok ? Number(stop.signal.reason) : exitCode;
