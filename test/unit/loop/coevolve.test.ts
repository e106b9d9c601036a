import { expect, test } from '@jest/globals';
import { coevolve } from '../../../ts/loop/coevolve.ts';
import { recordedContext } from './loopContext.ts';

/** Questions that differ from proposal to proposal, and answers on which half of the samples agree. */
const script = (_: unknown, sample: number, modelId: string) =>
  modelId === 'challenger'
    ? `<question>Problem ${String.fromCharCode(97 + (sample % 26))}</question>\\boxed{1}`
    : `\\boxed{${sample % 2 === 0 ? 1 : 10 + sample}}`;

const loads = (context: ReturnType<typeof recordedContext>) =>
  context.calls.loadModel.map(({ modelId, source, trainable }) => `${modelId}<-${source}${trainable ? '*' : ''}`);

test('who starts from what: each role from its own last weights, against the other as it then is', async () => {
  const context = recordedContext(script, (settings) => {
    settings.model = 'base';
    settings.iterations = 2;
  });
  await coevolve(context);
  expect(loads(context)).toEqual([
    'solver<-base', // evaluation of the base
    'challenger<-base*',
    'challenger-reference<-base',
    'solver<-base', // judges the Challenger
    'challenger<-challenger-1', // asks
    'solver<-base', // answers
    'solver<-base*',
    'solver-reference<-base',
    'solver<-solver-1', // evaluation
    'challenger<-challenger-1*',
    'challenger-reference<-challenger-1', // the anchor moves with the phase
    'solver<-solver-1',
    'challenger<-challenger-2',
    'solver<-solver-1',
    'solver<-solver-1*',
    'solver-reference<-solver-1',
    'solver<-solver-2',
  ]);
});

test('the untrained Challenger is the base in every iteration, and never trained', async () => {
  const context = recordedContext(script, (settings) => {
    settings.model = 'base';
    settings.iterations = 2;
    settings.arm = 'untrained-challenger';
  });
  await coevolve(context);
  const challengers = loads(context).filter((load) => load.startsWith('challenger'));
  expect(challengers).toEqual(['challenger<-base', 'challenger<-base']);
});

test('every model that was loaded for a phase is unloaded with it', async () => {
  const context = recordedContext(script);
  await coevolve(context);
  const loaded = new Set<string>();
  for (const verb of context.calls.verbs) {
    const [action, model = ''] = verb.split(' ');
    if (action === 'load') loaded.add(model);
    if (action === 'unload') loaded.delete(model);
  }
  expect([...loaded]).toEqual([]);
});

test('without the KL term no reference is loaded or asked', async () => {
  const context = recordedContext(script, (settings) => {
    settings.challenger.klCoef = 0;
    settings.solver.klCoef = 0;
  });
  await coevolve(context);
  expect(context.calls.verbs.filter((verb) => verb.includes('reference') || verb.startsWith('forward '))).toEqual([]);
});

test('every iteration says who starts from what', async () => {
  const context = recordedContext(script);
  await coevolve(context);
  const starts = context.events.filter(({ type }) => type === 'iteration-started');
  expect(starts).toEqual([
    { type: 'iteration-started', iteration: 1, challengerFrom: 0, solverFrom: 0, trainsChallenger: true },
    { type: 'iteration-started', iteration: 2, challengerFrom: 1, solverFrom: 1, trainsChallenger: true },
  ]);
  expect(context.metrics.filter(({ kind }) => kind === 'iteration')).toHaveLength(2);
});
