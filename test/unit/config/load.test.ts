import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../ts/config/errors.ts';
import { formatConfig, loadConfig } from '../../../ts/config/load.ts';
import { PRESETS } from '../../../ts/config/presets.ts';
import { KL_ESTIMATORS, LOSSES } from '../../../ts/domain/settings.ts';
import { KL_ESTIMATOR_VALUES, LOSS_VALUES } from '../../../ts/protocol/generated.ts';

function problem(sources: Parameters<typeof loadConfig>[0]): string {
  try {
    loadConfig(sources);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('presets', () => {
  test.each(Object.keys(PRESETS))('%s resolves, and survives being saved and loaded', (preset) => {
    const config = loadConfig({ preset });
    expect(config.preset).toBe(preset);
    expect(loadConfig({ file: { name: 'config.yml', text: formatConfig(config) } })).toEqual(config);
  });

  test("embedded changes nothing but sizes, learning rates, the model, its memory and its audit of the paper's method", () => {
    const leaves = (value: object, path = ''): string[] =>
      Object.entries(value).flatMap(([key, inner]) =>
        typeof inner === 'object' ? leaves(inner, `${path}${key}.`) : [`${path}${key}`],
      );
    const allowed =
      /^(model|trainer\.recompute|(challenger|solver)\.(steps|prompts|rollouts|miniBatch|optimizer\.learningRate)|questions\.candidates|.*\.maxTokens|evaluation\..*|warnings\.labels\.audit)$/;
    expect(leaves(PRESETS.embedded?.values ?? {}).filter((name) => !allowed.test(name))).toEqual([]);
  });

  test('the paper preset has the values of the paper', () => {
    const { challenger, questions, answering, solver, iterations, trainer } = loadConfig({ preset: 'paper' });
    expect(trainer.recompute).toBe(true);
    expect([iterations, challenger.steps, solver.steps]).toEqual([3, 5, 15]);
    expect([challenger.rollouts, solver.rollouts, answering.votes, questions.candidates]).toEqual([4, 5, 10, 8000]);
    expect([challenger.klCoef, solver.klCoef, questions.delta]).toEqual([0.01, 0.01, 0.25]);
    for (const phase of [challenger, solver]) {
      expect([phase.loss, phase.aggregation, phase.klEstimator, phase.importanceCap]).toEqual([
        'grpo',
        'token',
        'k3',
        2,
      ]);
    }
    expect([solver.optimizer.learningRate, solver.optimizer.weightDecay]).toEqual([1e-6, 1e-2]);
  });
});

test('every loss and estimator of the protocol can be configured', () => {
  expect(LOSSES).toEqual(LOSS_VALUES);
  expect(KL_ESTIMATORS).toEqual(KL_ESTIMATOR_VALUES);
  const sets = ['solver.loss=gspo', 'solver.aggregation=constant', 'challenger.klEstimator=k1', 'trainer.loraRank=8'];
  const { solver, challenger, trainer } = loadConfig({ sets });
  expect([solver.loss, solver.aggregation, challenger.klEstimator]).toEqual(['gspo', 'constant', 'k1']);
  expect(trainer).toEqual({ packTokens: 0, recompute: false, offload: false, loraRank: 8, loraAlpha: 32 });
  expect(problem({ sets: ['solver.loss=ppo'] })).toBe(
    'option "solver.loss" is "ppo": it must be one of policy_gradient, grpo, gspo, cispo',
  );
});

test('the recipes of the README are configurations', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const [, table = ''] = /\n\| recipe \|.*\n\| -.*\n((?:\|.*\n)+)/.exec(readme) ?? [];
  const recipes = [...table.matchAll(/^\| ([^|[]+?) (?:\[.*)?\| `(.*)` \|$/gm)];
  expect(recipes.map(([, name]) => name)).toEqual(['GRPO', 'DAPO', 'Dr. GRPO', 'GSPO', 'CISPO', 'policy gradient']);
  for (const [, , options] of recipes) {
    const text = `challenger: { ${options} }\nsolver: { ${options} }\n`;
    const { challenger, solver } = loadConfig({ file: { name: 'recipe.yml', text } });
    expect(solver.loss).toBe(/loss: (\w+)/.exec(options ?? '')?.[1]);
    expect([challenger.aggregation, challenger.klCoef]).toEqual([solver.aggregation, solver.klCoef]);
  }
});

describe('sources', () => {
  const file = { name: 'mine.yml', text: 'preset: paper\nseed: 7\nsolver:\n  steps: 3\n' };

  test('a file overrides its preset, an assignment overrides the file', () => {
    const config = loadConfig({ file, sets: ['solver.steps=9', 'solver.steps=11'] });
    expect([config.preset, config.seed, config.solver.steps, config.solver.rollouts]).toEqual(['paper', 7, 11, 5]);
  });

  test('a named preset is stronger than the one in the file', () => {
    expect(loadConfig({ preset: 'embedded', file }).model).toBe('embedded');
  });

  test('an empty file is the default preset', () => {
    expect(loadConfig({ file: { name: 'empty.yml', text: '' } })).toEqual(loadConfig({}));
  });
});

describe('errors name the option, the value and what is allowed', () => {
  test('an unknown option, with the nearest one', () => {
    expect(problem({ sets: ['solver.step=9'] })).toBe('unknown option "solver.step"; did you mean "solver.steps"?');
    expect(problem({ sets: ['solvr.steps=9'] })).toBe('unknown option "solvr"; did you mean "solver"?');
    expect(problem({ file: { name: 'f', text: 'worker:\n  zzz: 1' } })).toBe(
      'unknown option "worker.zzz"; known here: backend, threads, count, trainerProcesses, listen, keys, expect, requestSamples, turns, handoverSeconds, silenceSeconds, returnSeconds, deadlines, restarts, graceSeconds',
    );
  });

  test('a value out of range', () => {
    expect(problem({ sets: ['solver.steps=0'] })).toBe('option "solver.steps" is 0: it must be at least 1');
    expect(problem({ sets: ['questions.sampling.temperature=0'] })).toBe(
      'option "questions.sampling.temperature" is 0: it must be more than 0',
    );
  });

  test('a value of the wrong type', () => {
    expect(problem({ sets: ['seed=1.5'] })).toBe('option "seed" is 1.5: it must be a whole number');
    expect(problem({ sets: ['seed=one'] })).toBe('option "seed" is "one": it must be a number');
    expect(problem({ sets: ['arm=fulll'] })).toBe(
      'option "arm" is "fulll": it must be one of full, untrained-challenger, shuffled-labels, random-rewards, no-filter, no-repetition',
    );
  });

  test('values that do not fit together', () => {
    expect(problem({ sets: ['solver.miniBatch=100'] })).toBe(
      'option "solver.miniBatch" is 100: it must divide prompts * rollouts',
    );
  });

  test.each([
    [['worker.count=1'], 'worker.count is 1: several processes train and do not sample; set worker.count to 2'],
    [
      ['worker.count=0', 'worker.listen=ipc:///tmp/x', 'worker.expect=1'],
      'worker.count is 0: a trainer that dials in is started with torchrun by hand',
    ],
    [['worker.count=2', 'worker.backend=mock'], 'worker.backend is mock'],
  ])('a trainer of several processes with %p', (sets, why) => {
    expect(problem({ sets: ['worker.trainerProcesses=4', ...sets] })).toBe(
      `option "worker.trainerProcesses" is 4: it must be 1 where ${why}`,
    );
  });

  test('a trainer of several processes beside who samples', () => {
    for (const sets of [['worker.count=2'], ['worker.listen=ipc:///tmp/x', 'worker.expect=1']]) {
      expect(loadConfig({ sets: ['worker.trainerProcesses=4', ...sets] }).worker.trainerProcesses).toBe(4);
    }
  });

  test('adapters where there can be none', () => {
    expect(problem({ sets: ['trainer.loraRank=8', 'roles.anchor=ema'] })).toBe(
      'option "roles.anchor" is "ema": it must not be ema where trainer.loraRank is above 0: the mean of two adapters is no adapter',
    );
    expect(problem({ sets: ['trainer.loraRank=8', 'worker.trainerProcesses=2', 'worker.count=2'] })).toBe(
      'option "trainer.loraRank" is 8: it must be 0 where worker.trainerProcesses is above 1: adapters are trained by one process',
    );
  });

  test('every wrong option at once, a line each', () => {
    expect(problem({ sets: ['seed=-1', 'solver.steps=x'] }).split('\n')).toHaveLength(2);
  });

  test('an unknown preset, a bad assignment, a file that is no mapping', () => {
    expect(problem({ preset: 'embeded' })).toBe(
      'preset "embeded" does not exist (did you mean "embedded"?); there are: paper, repo-head, repo-2025, qwen3-4b, qwen3-8b, octothinker-3b, octothinker-8b, single-gpu-lora, embedded, mock',
    );
    expect(problem({ sets: ['steps'] })).toBe('--set wants NAME=VALUE such as solver.steps=20, not "steps"');
    expect(problem({ file: { name: 'a.yml', text: '- 1' } })).toBe('a.yml must hold a mapping of options, not [1]');
    expect(problem({ file: { name: 'a.yml', text: 'a: [' } })).toMatch(/^a\.yml is not YAML: /);
  });
});
