import { expect, test } from '@jest/globals';
import { cli } from '../../e2e/cli.ts';

/** Names of the commands below one, as its help lists them. */
async function commandsOf(...path: string[]): Promise<string[]> {
  const { exitCode, out } = await cli([...path, '--help']);
  expect(exitCode).toBe(0);
  const names = [...out.matchAll(/^ {2}([a-z]+) (?:\[|<|\w.* {2}| {2,})/gm)].map(([, name]) => name as string);
  return [...new Set(names)].filter((name) => !['rzero', 'help'].includes(name));
}

test('the help of every command has examples, and says what exit codes mean', async () => {
  const commands = await commandsOf();
  expect(commands).toEqual(expect.arrayContaining(['run', 'status', 'completion']));
  for (const name of commands) {
    const inner = (await cli([name, '--help'])).out.includes('Commands:') ? await commandsOf(name) : [];
    for (const path of inner.length > 0 ? inner.map((one) => [name, one]) : [[name]]) {
      const { out } = await cli([...path, '--help']);
      expect({ path, hasExamples: out.includes('Examples:') }).toEqual({ path, hasExamples: true });
      expect({ path, saysCodes: out.includes('Exit codes:') }).toEqual({ path, saysCodes: true });
    }
  }
});
