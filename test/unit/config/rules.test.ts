import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../ts/config/errors.ts';
import { formatConfig, loadConfig } from '../../../ts/config/load.ts';
import { METHODS } from '../../../ts/domain/published.ts';

function problem(...sets: string[]): string {
  try {
    loadConfig({ sets });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('rewards', () => {
  test.each(Object.keys(METHODS) as (keyof typeof METHODS)[])('the preset %s has the rules of its method', (name) => {
    const { rewards, questions } = loadConfig({ preset: name });
    expect(rewards).toEqual({ challenger: { ...METHODS[name].challenger, module: '' }, solver: METHODS[name].solver });
    expect(questions).toMatchObject(METHODS[name].curriculum);
    expect(questions.votes).toBe(name === 'paper' ? null : 9);
  });

  test('a name stands for the whole rule, of which later assignments change a part', () => {
    const { rewards } = loadConfig({ sets: ['rewards.challenger=repo-2025', 'rewards.challenger.floor=0'] });
    expect(rewards.challenger).toEqual({ ...METHODS['repo-2025'].challenger, floor: 0, module: '' });
    expect(rewards.solver).toEqual(METHODS.paper.solver);
  });

  test('a file recombines parts', () => {
    const text =
      'preset: repo-head\nrewards:\n  challenger:\n    uncertainty: { peak: 1, slope: 2 }\n    floor: 0\n  solver: paper\n';
    const { rewards } = loadConfig({ file: { name: 'mine.yml', text } });
    expect(rewards.challenger).toMatchObject({ uncertainty: { peak: 1, slope: 2 }, floor: 0, malformed: -1 });
    expect(rewards.solver).toEqual({ accuracy: 1, format: 0 });
  });

  test('a file name is a module beside the rule that was there, and survives being saved', () => {
    const config = loadConfig({ preset: 'repo-head', sets: ['rewards.challenger=./my-reward.mjs'] });
    expect(config.rewards.challenger).toEqual({ ...METHODS['repo-head'].challenger, module: './my-reward.mjs' });
    expect(loadConfig({ file: { name: 'config.yml', text: formatConfig(config) } })).toEqual(config);
  });

  test('a name that stands for nothing', () => {
    expect(problem('rewards.challenger=repo-heed')).toBe(
      'option "rewards.challenger" is "repo-heed": it must be one of paper, repo-head, repo-2025, a file such as ./my-reward.mjs, or a rule',
    );
    expect(problem('rewards.solver=./my-reward.mjs')).toBe(
      'option "rewards.solver" is "./my-reward.mjs": it must be one of paper, repo-head, repo-2025, or a rule',
    );
  });
});

describe('what cannot be is refused, with the reason', () => {
  test.each([
    [
      ['roles.judge=current'],
      'option "roles.judge" is "current": it must not be current where roles.models is two: that Solver stands still while the Challenger learns',
    ],
    [
      ['roles.models=one', 'roles.challengerFrom=solver'],
      'option "roles.challengerFrom" is "solver": it must be previous where roles.models is one: there is one model to go on from',
    ],
    [
      ['roles.models=one', 'roles.judge=ensemble'],
      'option "roles.judge" is "ensemble": it must not be ensemble where roles.models is one',
    ],
    [
      ['roles.judge=ensemble', 'questions.answersPerRound=2'],
      'option "questions.answersPerRound" is 2: it must be 0 where roles.judge is ensemble: its Solvers answer all at once',
    ],
    [
      ['questions.shortfall=crash'],
      'option "questions.shortfall" is "crash": it must be one of repeat, shrink, resample, stop',
    ],
  ])('%j', (sets, message) => {
    expect(problem(...sets)).toBe(message);
  });

  test('a moving average that never moves', () => {
    expect(problem('roles.anchor=ema', 'roles.anchorDecay=1')).toMatch(/"roles.anchorDecay" is 1/);
  });

  test('an unknown anchor', () => {
    expect(problem('roles.anchor=bass')).toMatch(/must be one of phase, base, ema/);
  });
});
