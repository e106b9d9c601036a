// A module's static imports are parsed before a line of it runs, so the entry files, this one and
// nodeVersion.mjs keep to syntax that Node 12.17 knows: no `node:` imports, `?.`, `??` or top-level await.
// Everything else is reached by a dynamic import, after the check.
import { nodeProblem } from './nodeVersion.mjs';

/**
 * Check Node, then run a command and turn its end into this process's exit code: what it returns, or
 * what ./problem.mjs makes of its error.
 *
 * @param {() => Promise<{main: (args: string[]) => Promise<number | undefined>}>} load imports the command
 */
export function launch(load) {
  const problem = nodeProblem(process.versions.node, process.platform);
  if (problem) {
    process.stderr.write(`rzero: ${problem}\n`);
    process.exitCode = 69;
    return;
  }
  load()
    .then((command) => command.main(process.argv.slice(2)))
    .then(
      (code) => {
        // undefined: the command set the exit code itself, or still runs.
        if (code !== undefined) process.exitCode = code;
      },
      (error) =>
        import('./problem.mjs').then((module) => {
          process.exitCode = module.report(error, process.stderr);
        }),
    );
}
