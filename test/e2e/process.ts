import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Start a command line as a process of its own, for what needs signals, pipes or a flow of input.
 *
 * @param env added to the environment
 */
export function start(args: readonly string[], workingFolder = process.cwd(), env: NodeJS.ProcessEnv = {}) {
  const program = ['--import', path('../fixtures/typescript.mjs'), path('../../ts/cli/main.ts')];
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: workingFolder,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  // It ends while more is written to it.
  child.stdin.on('error', () => {});
  return { child, ended: once(child, 'close').then(([exitCode]) => ({ exitCode, err })) };
}
