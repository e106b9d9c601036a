import { join } from 'node:path';
import { ensure } from './ensure.mjs';
import { PATHS } from './paths.mjs';
import { EXIT } from './problem.mjs';
import { runProgram } from './program.mjs';
import { filesUnder, whenThere } from './stamp.mjs';

/**
 * `npm run bench -- NAME [OPTIONS]`: one measurement of ts/bench.
 *
 * @param {string[]} args
 * @returns {Promise<number | undefined>}
 */
export async function main([name, ...args]) {
  const names = benches();
  if (!names.includes(name)) {
    const wrong = name === undefined ? 'name a benchmark' : `there is no benchmark '${name}'`;
    process.stderr.write(
      `${wrong}: npm run bench -- NAME, where NAME is one of\n${names.map((n) => `  ${n}\n`).join('')}`,
    );
    return EXIT.usage;
  }
  await ensure();
  await runProgram(`bench/${name}.js`, args);
}

/** The programs of ts/bench; what they share lies in its subfolders. */
function benches() {
  const files = whenThere(() => filesUnder(join(PATHS.sources, 'bench'), (path) => /^[\w-]+\.ts$/.test(path))) ?? [];
  return files.map((path) => path.slice(0, -'.ts'.length));
}
