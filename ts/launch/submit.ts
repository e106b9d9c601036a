import { execa } from 'execa';

/** What a program that takes jobs answered; `missing` where there is no such program. */
export type Answer = { missing: true } | { missing: false; exitCode: number; output: string };

/**
 * Hand a job in.
 *
 * @param shown whether it is shown what the program prints while it runs, since that is the run itself
 * @param signal aborting it has the program end
 */
export async function submit(
  [program = '', ...args]: readonly string[],
  { shown, env, signal }: { shown: boolean; env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<Answer> {
  const result = await execa(program, args, {
    env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    all: true,
    cancelSignal: signal,
    forceKillAfterDelay: false,
    ...(shown ? { stdout: ['pipe', 'inherit'], stderr: ['pipe', 'inherit'] } : {}),
  });
  if (result.code === 'ENOENT') return { missing: true };
  return { missing: false, exitCode: result.exitCode ?? 1, output: result.all };
}
