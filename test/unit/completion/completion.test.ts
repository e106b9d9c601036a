import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { groupsOf, placesOf } from '../../../ts/completion/tree.ts';
import { PRESETS } from '../../../ts/config/presets.ts';
import { ARMS } from '../../../ts/domain/settings.ts';
import { GPU_NAMES } from '../../../ts/placement/gpu.ts';
import { cli } from '../../e2e/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-completion-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const scripts: Record<string, string> = {};

beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { exitCode, out } = await cli(['completion', shell]);
    expect(exitCode).toBe(0);
    scripts[shell] = out;
  }
  writeFileSync(join(home, 'rzero.bash'), scripts.bash as string);
  for (const name of [
    'runs/a/journal',
    'runs/sweep/b/journal',
    'runs/$(touch hurt)/journal',
    'runs/no-run',
    'models',
  ]) {
    mkdirSync(join(home, name), { recursive: true });
  }
  writeFileSync(join(home, 'mine.yml'), '');
});

/** What bash offers at the end of a command line; its last word is being typed. */
function bash(...words: string[]): string[] {
  const program = `source rzero.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rzero; printf '%s\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['-c', program, 'bash', ...words], { cwd: home, encoding: 'utf8' });
  return said.split('\n').filter((line) => line !== '');
}

describe('bash', () => {
  test('is told where to ask', () => {
    const said = execFileSync('bash', ['-c', 'source rzero.bash; complete -p rzero'], { cwd: home, encoding: 'utf8' });
    expect(said).toBe('complete -F _rzero rzero\n');
  });

  test('commands, and commands of commands', () => {
    expect(bash('rzero', 'r')).toEqual(['run', 'resume', 'report', 'runs']);
    expect(bash('rzero', '')).toEqual(expect.arrayContaining(['run', 'status', 'completion']));
    expect(bash('rzero', 'model', '')).toEqual(['check']);
    expect(bash('rzero', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('options, also after others, and of a command of a command', () => {
    expect(bash('rzero', 'run', '--s')).toEqual(['--set', '--seed']);
    expect(bash('rzero', 'run', '--seed', '1', '--ar')).toEqual(['--arm']);
    expect(bash('rzero', 'status', 'runs/a', '--')).toEqual(['--json', '--watch', '--help']);
    expect(bash('rzero', 'model', 'check', '--js')).toEqual(['--json']);
    expect(bash('rzero', '--v')).toEqual(['--version']);
  });

  test('presets, arms and GPUs, behind a space or an equals sign', () => {
    expect(bash('rzero', 'run', '--preset', '')).toEqual(Object.keys(PRESETS));
    expect(bash('rzero', 'run', '--arm', 'no-')).toEqual(ARMS.filter((arm) => arm.startsWith('no-')));
    expect(bash('rzero', 'plan', '--gpu', '=', '')).toEqual(GPU_NAMES);
    expect(bash('rzero', 'run', '--preset', '=', 'mo')).toEqual(['mock']);
    expect(bash('rzero', 'run', '--preset', '=')).toEqual(Object.keys(PRESETS));
  });

  test('run folders below runs/; another folder where none begins so; and no name is run as a command', () => {
    expect(bash('rzero', 'status', '').sort()).toEqual(['runs/$(touch hurt)', 'runs/a', 'runs/sweep/b']);
    expect(bash('rzero', 'resume', 'runs/s')).toEqual(['runs/sweep/b']);
    expect(bash('rzero', 'verify', 'mod')).toEqual(['models']);
    expect(spawnSync('ls', ['hurt'], { cwd: home }).status).not.toBe(0);
  });

  test('files and folders where an option takes them; nothing where anything may stand', () => {
    expect(bash('rzero', 'run', '--config', 'm').sort()).toEqual(['mine.yml', 'models']);
    expect(bash('rzero', 'run', '--out', 'm')).toEqual(['models']);
    expect(bash('rzero', 'run', '--seed', '')).toEqual([]);
    expect(bash('rzero', 'nonsense', '')).toEqual([]);
  });
});

describe.each(['zsh', 'fish'])('%s', (shell) => {
  const has = spawnSync(shell, ['--version']).status === 0;

  test('the script knows commands, options, presets, arms and runs', () => {
    const script = scripts[shell] as string;
    for (const word of ['status', 'check', Object.keys(PRESETS).join(' '), ARMS.join(' '), '_rzero_runs']) {
      expect(script).toContain(word);
    }
    expect(script).toMatch(/--preset|-l preset/);
  });

  (has ? test : test.skip)('the script can be read by the shell itself', () => {
    expect(spawnSync(shell, ['-n'], { input: scripts[shell] as string }).status).toBe(0);
  });
});

test('what may stand where, of any program', () => {
  const flag = { name: '--fast', description: '', value: undefined };
  const named = { name: '--pace', description: '', value: ['slow', 'quick'] };
  const leaf = { name: 'go', description: '', options: [flag, named], operand: 'run' as const, commands: [] };
  const tree = {
    name: 'x',
    description: '',
    options: [],
    operand: undefined,
    commands: [{ ...leaf, name: 'a', commands: [leaf] }],
  };
  expect(groupsOf(tree)).toEqual(['a']);
  expect(placesOf(tree)).toContainEqual({ command: '', before: '', wanted: ['a'] });
  expect(placesOf(tree)).toContainEqual({ command: 'a', before: '', wanted: ['go'] });
  expect(placesOf(tree)).toContainEqual({ command: 'a go', before: '', wanted: 'run' });
  expect(placesOf(tree)).toContainEqual({ command: 'a go', before: '--pace', wanted: ['slow', 'quick'] });
  expect(placesOf(tree)).toContainEqual({ command: 'a go', before: '-', wanted: ['--fast', '--pace'] });
});
