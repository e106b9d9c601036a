import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Do in a folder what a run does: make a folder, make a file that must not be there yet, write and flush it, put another
 * in its place, read it. Nothing is left behind.
 *
 * @returns what does not work, a few words each; nothing where all does
 */
export async function tryFolder(folder: string): Promise<string[]> {
  const place = join(folder, `.rzero-doctor-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(place);
  } catch (error) {
    return [`no folder can be made in it (${codeOf(error)})`];
  }
  try {
    return await tryIn(place);
  } finally {
    await rm(place, { recursive: true, force: true }).catch(() => {});
  }
}

async function tryIn(place: string): Promise<string[]> {
  const [first, second] = [join(place, 'first'), join(place, 'second')];
  const attempts: [what: string, attempt: () => Promise<void>][] = [
    ['a file cannot be written', () => write(first, 'wx', 'one')],
    [
      'a file that is there can be made once more (no exclusive creation)',
      async () => {
        const made = await write(first, 'wx', 'two').then(
          () => true,
          (error: unknown) => {
            if (codeOf(error) !== 'EEXIST') throw error;
            return false;
          },
        );
        if (made) throw new Error('it can');
      },
    ],
    [
      'a file cannot take the place of another (rename)',
      async () => {
        await write(second, 'w', 'three');
        await rename(second, first);
        if ((await readFile(first, 'utf8')) !== 'three') throw new Error('the old text is there');
      },
    ],
    [
      'a folder cannot be flushed (fsync)',
      async () => {
        const handle = await open(place, 'r');
        await handle.sync().finally(() => handle.close());
      },
    ],
  ];
  const problems: string[] = [];
  for (const [what, attempt] of attempts) {
    await attempt().catch((error: unknown) => problems.push(`${what}: ${codeOf(error)}`));
  }
  return problems;
}

async function write(path: string, flags: 'w' | 'wx', text: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

/** Wait until a folder's file system has answered: one of a server that is gone never does. */
export async function untilAnswered(folder: string): Promise<void> {
  await statfs(folder).catch(() => {});
}
