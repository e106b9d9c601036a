import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FAKES = join(ROOT, 'test', 'fixtures', 'setup');
/** What the stand-ins themselves need on a PATH that has nothing of this machine's. */
const TOOLS = ['cp', 'mkdir', 'tail'];

/** A module of ts/setup, which is JavaScript and has no types for the compiler. */
export async function setupModule<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(ROOT, 'ts', 'setup', name)).href)) as T;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** Resolves when standard error or output first holds the text; rejects when the program ends before. */
  printed(text: string): Promise<void>;
}

/** A small copy of the repository, with stand-ins for npm and Python on an otherwise empty PATH. */
export interface Project {
  readonly root: string;
  path(...parts: string[]): string;
  write(path: string, text: string): void;
  read(path: string): string;
  /** Put a stand-in on PATH: `provide('python3.12', 'python')`. */
  provide(name: string, standIn: 'npm' | 'python'): string;
  /** Every call of a stand-in so far, one per line. */
  calls(): string[];
  start(script: string, args?: string[], env?: Record<string, string>): Running;
  run(script: string, args?: string[], env?: Record<string, string>): Promise<Ended>;
  /** A named pipe for a stand-in, created empty; `wait` resolves with what is written into it. */
  pipe(name: string): { path: string; wait(): Promise<string> };
  remove(): void;
}

/** @param programs which stand-ins are on PATH from the start */
export function createProject(programs: readonly ('npm' | 'python3')[] = ['npm', 'python3']): Project {
  const root = mkdtempSync(join(tmpdir(), 'rzero-setup-'));
  const bin = join(root, 'bin');
  const path = (...parts: string[]): string => join(root, ...parts);
  const write = (relative: string, text: string): void => {
    mkdirSync(dirname(path(relative)), { recursive: true });
    writeFileSync(path(relative), text);
  };
  const provide = (name: string, standIn: 'npm' | 'python'): string => {
    cpSync(join(FAKES, standIn), join(bin, name));
    chmodSync(join(bin, name), 0o755);
    return join(bin, name);
  };

  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const tool of TOOLS)
    symlinkSync(execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(bin, tool));
  for (const name of programs) provide(name, name === 'npm' ? 'npm' : 'python');
  cpSync(join(ROOT, 'ts', 'setup'), path('ts', 'setup'), { recursive: true });
  write('package.json', '{"type":"module"}');
  write('package-lock.json', '{"packages":{"":{},"node_modules/zod":{"version":"4.6.7"}}}');
  write('tsconfig.build.json', '{}');
  write('py_worker/pyproject.toml', '[project]\nname = "rzero-worker"\n');
  write('py_worker/constraints.txt', 'torch==2.13.0\n');
  write('proto/generate.mjs', 'process.exitCode = Number(process.env.FAKE_GENERATE ?? 0);\n');
  write(
    'ts/cli/main.ts',
    `console.log(JSON.stringify({ args: process.argv.slice(2), python: process.env.RZERO_PYTHON }));
process.exitCode = 7;
if (process.argv.includes('wait')) {
  process.on('SIGTERM', () => process.exit(42));
  setInterval(() => {}, 1000);
  console.log('ready');
}
`,
  );
  write('ts/eval/data.json', '[1]');
  write(
    'ts/page/client/bundle.mjs',
    `import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync(process.argv[2], { recursive: true });
for (const name of ['client.js', 'client.css']) writeFileSync(process.argv[2] + '/' + name, '');
`,
  );

  const start = (script: string, args: string[] = [], env: Record<string, string> = {}): Running => {
    const child = spawn(process.execPath, [path('ts', 'setup', script), ...args], {
      cwd: root,
      env: { PATH: bin, FAKES, FAKE_LOG: path('calls'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    const printed = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stdout.includes(text) || stderr.includes(text)) resolve();
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        child.once('close', () => reject(new Error(`ended without printing '${text}': ${stdout}${stderr}`)));
        look();
      });
    return { child, ended, printed };
  };

  return {
    root,
    path,
    write,
    provide,
    read: (relative) => readFileSync(path(relative), 'utf8'),
    calls: () => {
      try {
        return readFileSync(path('calls'), 'utf8').trim().split('\n');
      } catch {
        return [];
      }
    },
    start,
    run: (script, args, env) => start(script, args, env).ended,
    pipe: (name) => {
      execFileSync('mkfifo', [path(name)]);
      return {
        path: path(name),
        // In a process of its own: an open of a pipe that nobody writes to would hold a thread of this one.
        wait: () =>
          new Promise((resolve, reject) => {
            const reader = spawn('cat', [path(name)], { stdio: ['ignore', 'pipe', 'inherit'] });
            let text = '';
            reader.stdout.setEncoding('utf8').on('data', (chunk: string) => {
              text += chunk;
            });
            reader.once('error', reject);
            reader.once('close', () => resolve(text.trim()));
          }),
      };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
