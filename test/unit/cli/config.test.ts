import { describe, expect, test } from '@jest/globals';
import { configHash } from '../../../ts/config/hash.ts';
import { loadConfig } from '../../../ts/config/load.ts';
import { PRESETS } from '../../../ts/config/presets.ts';
import { cli } from '../../e2e/cli.ts';

describe('rzero config', () => {
  test('prints YAML that loads as what it was', async () => {
    const { exitCode, out } = await cli(['config', '--preset', 'mock', '--set', 'solver.steps=4', '--model', './a b']);
    expect(exitCode).toBe(0);
    const config = loadConfig({ file: { name: 'x', text: out } });
    expect(config).toEqual(loadConfig({ preset: 'mock', sets: ['solver.steps=4', 'model="./a b"'] }));
  });

  test('prints what differs from the preset, as --set takes it', async () => {
    const sets = ['solver.steps=4', 'questions.labelWords=["a","b"]'];
    const { out } = await cli(['config', '--preset', 'mock', ...sets.flatMap((set) => ['--set', set]), '--changed']);
    expect(out.trimEnd().split('\n').sort()).toEqual([...sets].sort());
  });

  test('prints its hash alone', async () => {
    const { out } = await cli(['config', '--preset', 'mock', '--hash']);
    expect(out).toBe(`${configHash(loadConfig({ preset: 'mock' }))}\n`);
  });

  test('refuses what cannot be meant', async () => {
    expect(await cli(['config', '--hash', '--changed'])).toMatchObject({ exitCode: 2 });
    const { exitCode, err } = await cli(['config', '--set', 'solver.step=4']);
    expect(exitCode).toBe(78);
    expect(err).toContain('unknown option "solver.step"; did you mean "solver.steps"?');
    expect((await cli(['config', '--set', 'model=8'])).err).toContain('option "model" is 8: it must be a string');
  });
});

test('rzero presets lists all, with what they are', async () => {
  const { out } = await cli(['presets']);
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]),
  ).toEqual(Object.keys(PRESETS));
  const listed = JSON.parse((await cli(['presets', '--json'])).out);
  expect(listed).toContainEqual(expect.objectContaining({ preset: 'qwen3-8b', model: 'Qwen/Qwen3-8B-Base' }));
});

test('rzero schema prints one JSON document', async () => {
  const { exitCode, out } = await cli(['schema']);
  expect(exitCode).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
});
