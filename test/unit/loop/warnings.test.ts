import { describe, expect, test } from '@jest/globals';
import type { Settings } from '../../../ts/domain/settings.ts';
import type { WarningName } from '../../../ts/domain/warnings/rules.ts';
import { coevolve } from '../../../ts/loop/coevolve.ts';
import { StoppedByWarning } from '../../../ts/loop/errors.ts';
import { History } from '../../../ts/loop/history.ts';
import { questionPhase } from '../../../ts/loop/questionPhase.ts';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import { memoryJournal } from '../../fixtures/memoryJournal.ts';
import { asked, recordedContext } from './loopContext.ts';

type Context = ReturnType<typeof recordedContext>;

/** Questions that differ, and answers on which half of the samples agree. */
const script = (_: unknown, sample: number, modelId: string) =>
  modelId === 'challenger'
    ? `<question>Problem ${String.fromCharCode(97 + (sample % 26))}</question>\\boxed{1}`
    : `\\boxed{${sample % 2 === 0 ? 1 : 10 + sample}}`;

const act = (name: WarningName, action: 'none' | 'stop' | 'roll-back') => (settings: Settings) => {
  settings.warnings[name].action = action;
};

/** A run of small phases whose exam gives these marks, iteration by iteration, and whose audit these shares. */
function scripted({ marks = [], labels = [] }: { marks?: number[]; labels?: number[] }, change: (s: Settings) => void) {
  let [exams, audits] = [0, 0];
  const context = recordedContext(
    script,
    (settings) => {
      settings.model = 'base';
      settings.iterations = 3;
      Object.assign(settings.challenger, { steps: 2 });
      Object.assign(settings.solver, { steps: 2 });
      settings.warnings.labels.audit = 5;
      change(settings);
    },
    {
      workedPrefix: undefined as never,
      questions: Array.from({ length: 10 }, (_, index) => `q${index}`),
      grade: (responses) => {
        // Greedy and sampled, one after the other.
        const mark = marks[Math.floor(exams++ / 2)] ?? 0;
        return responses.map((texts, index) => texts.map(() => index < 10 * mark));
      },
      labelAccuracy: () => labels[audits++] ?? 1,
    },
  );
  delete (context.exam as { workedPrefix?: string }).workedPrefix;
  return context;
}

const trainedFrom = ({ calls }: Context) =>
  calls.loadModel.filter(({ trainable }) => trainable).map(({ modelId, source }) => `${modelId}<-${source}`);
const warnings = ({ history }: Context) => history.journal.entries.filter(({ type }) => type === 'warning');

describe('a warning', () => {
  test('is on record and told, once a phase, with its name and what it leads to', async () => {
    const context = scripted({ labels: [0.9, 0.5, 0.4] }, () => {});
    await coevolve(context);
    const given = [2, 3].map((iteration) =>
      expect.objectContaining({ type: 'warning', iteration, phase: 'questions', name: 'labels', action: 'none' }),
    );
    expect(warnings(context).filter((entry) => 'name' in entry && entry.name === 'labels')).toEqual(given);
    expect(context.events.filter((event) => event.type === 'warning' && event.name === 'labels')).toEqual(given);
  });

  test('moves nothing: a run with other thresholds asks the workers for the very same', async () => {
    const quiet = scripted({}, ({ warnings }) => {
      Object.assign(warnings.labels, { floor: 0, fall: 1, audit: 0 });
      warnings.length.cut = 1;
    });
    const loud = scripted({ labels: [0.1, 0.1, 0.1] }, ({ warnings }) => {
      Object.assign(warnings.diversity, { distinct: 1, cluster: 0 });
      warnings['nothing-kept'].batches = 1000;
    });
    await coevolve(quiet);
    await coevolve(loud);
    expect(warnings(loud).length).toBeGreaterThan(warnings(quiet).length);
    expect(loud.calls).toEqual(quiet.calls);
  });
});

describe('stop', () => {
  test('after a phase: it is done, and the run can go on with another action', async () => {
    const context = scripted({ labels: [0.9, 0.5] }, act('labels', 'stop'));
    const error = await coevolve(context).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoppedByWarning);
    expect((error as Error).message).toMatch(
      /^iteration 2, questions: labels: 50\.0 % of 5 audited .* rzero resume RUN --set warnings\.labels\.action=none$/,
    );
    const { entries } = context.history.journal;
    expect(entries.at(-1)).toMatchObject({ type: 'done', iteration: 2, phase: 'questions' });

    // Unchanged it stops at the same place, before it does anything.
    const before = entries.length;
    await expect(coevolve(context)).rejects.toThrow(StoppedByWarning);
    expect(entries).toHaveLength(before);

    act('labels', 'none')(context.settings);
    await coevolve(context);
    expect(entries.at(-1)).toMatchObject({ type: 'done', iteration: 3, phase: 'evaluation' });
  });

  test('after a step: it is a point that the phase goes on from', async () => {
    const context = scripted({}, (settings) => {
      act('length', 'stop')(settings);
      settings.warnings.length.cut = 0;
      settings.solver.steps = 3;
    });
    // The second step's samples of the first Solver are cut off.
    const { sample } = context.worker;
    let steps = 0;
    context.worker.sample = async (params, options) => {
      const batch = await sample(params, options);
      const trains = context.calls.loadModel.findLast(({ modelId }) => modelId === params.modelId)?.trainable;
      if (params.modelId !== 'solver' || !trains || ++steps !== 2) return batch;
      return { ...batch, stopReasons: batch.stopReasons.map(() => 'length' as const) };
    };
    await expect(coevolve(context)).rejects.toThrow(
      /^iteration 1, solver: length: 100\.0 % of the samples are cut off/,
    );
    expect(context.history.journal.entries.at(-1)).toMatchObject({ type: 'checkpoint', phase: 'solver', step: 2 });
    await expect(coevolve(context)).rejects.toThrow(StoppedByWarning);
    context.settings.warnings.length.cut = 1;
    await coevolve(context);
    expect(context.history.journal.entries.at(-1)).toMatchObject({ type: 'done', iteration: 3, phase: 'evaluation' });
  });
});

describe('roll-back', () => {
  const starts = ({ history }: Context) =>
    history.journal.entries.flatMap((entry) =>
      entry.type === 'iteration' ? [[entry.iteration, entry.challengerFrom, entry.solverFrom]] : [],
    );
  const told = ({ events }: Context) => events.flatMap((event) => (event.type === 'roll-back' ? [event.message] : []));

  test('the next iteration starts from the best Solver so far and from its Challenger', async () => {
    const context = scripted({ marks: [0.1, 0.8, 0.3, 0.5], labels: [0.9, 0.5, 0.9] }, act('labels', 'roll-back'));
    await coevolve(context);
    expect(starts(context)).toEqual([
      [1, 0, 0],
      [2, 1, 1],
      [3, 1, 1],
    ]);
    expect(trainedFrom(context).slice(-2)).toEqual(['challenger<-challenger-1', 'solver<-solver-1']);
    expect(told(context)).toEqual([
      'iteration 2 gave labels; the best Solver so far is that of iteration 1: iteration 3 starts from it, and from the Challenger of that time',
    ]);
  });

  test('to the base where none was better, and to the first of equals', async () => {
    const base = scripted({ marks: [0.9, 0.8, 0.7, 0.5], labels: [0.5, 0.5] }, act('labels', 'roll-back'));
    await coevolve(base);
    expect(starts(base)).toEqual([
      [1, 0, 0],
      [2, 0, 0],
      [3, 0, 0],
    ]);
    const equal = scripted({ marks: [0.1, 0.8, 0.8], labels: [0.9, 0.5] }, act('labels', 'roll-back'));
    await coevolve(equal);
    expect(starts(equal)[2]).toEqual([3, 1, 1]);
  });

  test('nowhere where the last Solver is the best', async () => {
    const context = scripted({ marks: [0.1, 0.2, 0.9, 0.9], labels: [0.9, 0.5, 0.9] }, act('labels', 'roll-back'));
    await coevolve(context);
    expect(starts(context)[2]).toEqual([3, 2, 2]);
    expect(told(context)).toEqual([expect.stringMatching(/that of iteration 2: there is nothing to go back to$/)]);
  });

  test('of the last iteration: the best Solver is named', async () => {
    const context = scripted({ marks: [0.1, 0.8, 0.3, 0.5], labels: [0.9, 0.9, 0.5] }, act('labels', 'roll-back'));
    await coevolve(context);
    expect(told(context)).toEqual([
      'iteration 3 gave labels; the best Solver so far is that of iteration 1: no iteration follows',
    ]);
  });

  test('an ensemble is of the Solvers that the new one comes from', async () => {
    const context = scripted({ marks: [0.1, 0.8, 0.3], labels: [0.9, 0.5, 0.9] }, (settings) => {
      act('labels', 'roll-back')(settings);
      Object.assign(settings.roles, { judge: 'ensemble', ensemble: 2 });
    });
    await coevolve(context);
    const seconds = context.calls.loadModel.filter(({ modelId }) => modelId === 'solver-2').map(({ source }) => source);
    expect(seconds.at(-1)).toBe('base');
    expect(context.events).toContainEqual(
      expect.objectContaining({
        iteration: 3,
        variant: { challengerFrom: 'Challenger 1', judge: 'the last 2 Solvers', solverFrom: 'Solver 1' },
      }),
    );
  });

  test('a run that dies decides the same, and tells each thing once', async () => {
    const marks = [0.1, 0.8, 0.3, 0.5];
    const labels = [0.9, 0.5, 0.9];
    const whole = scripted({ marks, labels }, act('labels', 'roll-back'));
    await coevolve(whole);
    const { entries } = whole.history.journal;
    // The scripted worker counts its versions anew in every life.
    const shape = (all: readonly JournalEntry[]) =>
      all.flatMap((entry): object[] => {
        if (entry.type === 'iteration' || entry.type === 'warning') return [entry];
        return entry.type === 'done' ? [{ ...entry.metrics, weightsVersion: 0 }] : [];
      });
    const over = (type: 'evaluation' | 'questions', entries: readonly JournalEntry[]) =>
      entries.filter((entry) => entry.type === 'done' && entry.phase === type).length;
    for (let nth = 1; nth < entries.length; nth += 9) {
      const past = entries.slice(0, nth);
      // What is to come of exams and audits.
      const rest = { marks: marks.slice(over('evaluation', past)), labels: labels.slice(over('questions', past)) };
      const context = scripted(rest, act('labels', 'roll-back'));
      const journal = memoryJournal(past);
      for (const [name, object] of (whole.history.journal as ReturnType<typeof memoryJournal>).objects) {
        journal.objects.set(name, object);
      }
      context.history = new History(journal);
      await coevolve(context);
      expect(shape(journal.entries)).toEqual(shape(entries));
    }
  });

  test('one that goes on after a roll-back keeps to what is on record', async () => {
    const context = scripted({ marks: [0.1, 0.8, 0.3, 0.5], labels: [0.9, 0.5, 0.9] }, act('labels', 'roll-back'));
    await coevolve(context);
    act('labels', 'none')(context.settings);
    context.settings.iterations = 4;
    await coevolve(context);
    expect(starts(context).slice(2)).toEqual([
      [3, 1, 1],
      [4, 3, 3],
    ]);
  });
});

describe('the audit of labels', () => {
  const candidates = (row: number) => `<question>Problem ${row}</question>\\boxed{1}`;
  const phase = async (change: (settings: Settings) => void, truth?: (of: { question: string }[]) => number) => {
    let row = 0;
    const context = recordedContext(
      (_, sample, modelId) => (modelId === 'challenger' ? candidates(row++) : script(0, sample, modelId)),
      change,
      truth === undefined ? {} : { labelAccuracy: (labelled) => truth([...labelled]) },
    );
    await questionPhase(context, 1, 'challenger', ['solver']);
    return context.metrics.findLast(({ kind }) => kind === 'phase');
  };

  test('asks for a share of right labels of a sample that the seed decides', async () => {
    const seen: string[][] = [];
    const truth = (of: { question: string }[]) => {
      seen.push(of.map(({ question }) => question));
      return 0.25;
    };
    const audit = (settings: Settings) => {
      settings.warnings.labels.audit = 7;
    };
    expect(await phase(audit, truth)).toMatchObject({ labelAccuracy: 0.25, labelsAudited: 7 });
    await phase(audit, truth);
    expect(new Set(seen[0]).size).toBe(7);
    expect(seen[1]).toEqual(seen[0]);
  });

  test('is not made where it is off, or where the domain has no truth', async () => {
    const truth = () => {
      throw new Error('was asked');
    };
    expect(await phase(() => {}, truth)).not.toHaveProperty('labelAccuracy');
    const audited = (settings: Settings) => {
      settings.warnings.labels.audit = 7;
    };
    expect(await phase(audited)).not.toHaveProperty('labelAccuracy');
  });
});

test("a user's probe is answered m times by the Solver, with the same seeds in every iteration", async () => {
  const context = scripted({}, () => {});
  const plain = scripted({}, () => {});
  context.probe = {
    questions: ['Known 1', 'Known 2'],
    accuracy: (responses) => (responses.every((texts) => texts.length === 10) ? 0.75 : 0),
  };
  await coevolve(context);
  await coevolve(plain);
  const isProbe = ({ conversations }: Context['calls']['sample'][number]) =>
    conversations.some((one) => asked(one).startsWith('Known'));
  const probes = context.calls.sample.filter(isProbe);
  expect(probes.map(({ modelId, n }) => [modelId, n])).toEqual([1, 2, 3].map(() => ['solver', 10]));
  expect(probes[2]?.seeds).toEqual(probes[0]?.seeds);
  // Nothing else moves.
  expect(context.calls.sample.filter((call) => !isProbe(call))).toEqual(plain.calls.sample);
  const questions = context.metrics.filter(({ kind, phase }) => kind === 'phase' && phase === 'questions');
  expect(questions.map(({ probeAccuracy, probeQuestions }) => [probeAccuracy, probeQuestions])).toEqual(
    [1, 2, 3].map(() => [0.75, 2]),
  );
});
