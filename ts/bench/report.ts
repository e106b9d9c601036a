import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { explainError } from '../cli/explainError.ts';
import { parseOptions } from './report/options.ts';
import { writeSyntheticRun } from './report/syntheticRun.ts';

const MEASURE = fileURLToPath(new URL('report/measure.js', import.meta.url));

/**
 * `npm run bench -- report`: what the report of a run with many questions takes, in time, memory and size. The run never
 * took place; `--out` leaves its folder, to be looked at. The last line is one JSON object.
 */
async function main(args: readonly string[]): Promise<void> {
  const { out, length, ...size } = parseOptions(args);
  const [load = 0] = loadavg(); // before our own
  const home = mkdtempSync(join(tmpdir(), 'rzero-bench-'));
  try {
    const path = out === undefined ? join(home, 'run') : resolve(out);
    process.stderr.write('a run is made up ...\n');
    await writeSyntheticRun(path, { ...size, answerLength: length });
    process.stderr.write('its report is written ...\n');
    const { stdout } = await promisify(execFile)(process.execPath, [MEASURE, path]);
    const machine = { cpu: cpus()[0]?.model, threads: cpus().length, load };
    process.stdout.write(`${JSON.stringify({ bench: 'report', machine, ...size, length, ...JSON.parse(stdout) })}\n`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`report: ${message}\n`);
  process.exitCode = exitCode;
}
