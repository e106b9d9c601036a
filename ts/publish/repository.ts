/** How {@link badRepository} wants it. */
const FORM = 'OWNER/NAME, each of letters, digits, -, _ and . (96 at most), without -- and .., not ending in .git';

/** What is wrong with the name of a repository on the hub, by its own rules; undefined where nothing is. */
export function badRepository(name: string): string | undefined {
  const part = /^[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;
  const parts = name.split('/');
  const good = parts.length === 2 && parts.every((one) => part.test(one)) && !/--|\.\.|\.git$/.test(name);
  return good ? undefined : `--repo is ${JSON.stringify(name)}: allowed is ${FORM}`;
}

/** What is wrong with the name of a branch; undefined where nothing is. */
export function badBranch(name: string): string | undefined {
  const good = /^\w[\w./-]{0,199}$/.test(name) && !/\.\.|\/\/|[./]$|\.lock$/.test(name);
  return good ? undefined : `--revision is ${JSON.stringify(name)}: allowed is the name of a branch`;
}
