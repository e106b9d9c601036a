import type { IterationReport, RunDocument } from '../document.ts';
import { type Chart, type HistogramChart, isEmpty, type LineChart, type StackChart, withoutUnknown } from './chart.ts';
import { type Figure, type Unit, words } from './format.ts';
import { stepCharts } from './stepCharts.ts';

/** The charts of a run that there are figures for, in reading order, and the titles of those that there are none for. */
export function overview(document: RunDocument): { charts: Chart[]; missing: string[] } {
  const byStep = stepCharts(document);
  const charts = [
    accuracy(document),
    agreements(document),
    fates(document),
    labels(document),
    ...byStep.slice(0, 2),
    diversity(document),
    lengths(document),
    tokens(document),
    noBox(document),
    ...byStep.slice(2),
    seconds(document),
    busy(document),
  ].map((chart) => (chart.kind === 'lines' ? withoutUnknown(chart) : chart));
  return {
    charts: charts.filter((chart) => !isEmpty(chart)),
    missing: charts.filter(isEmpty).map(({ title }) => title),
  };
}

type Value = (iteration: IterationReport) => number | null | undefined;

/** A chart over the iterations that `within` lets through, of single values. */
function byIteration(
  { iterations }: RunDocument,
  what: Pick<LineChart, 'id' | 'title' | 'caption' | 'unit' | 'from' | 'to'>,
  within: (iteration: IterationReport) => boolean,
  lines: Record<string, Value>,
): LineChart {
  const shown = iterations.filter(within);
  return {
    kind: 'lines',
    ...what,
    per: 'iteration',
    x: shown.map(({ iteration }) => iteration),
    names: shown.map(({ iteration }) => iterationName(iteration)),
    borders: [],
    series: Object.entries(lines).map(([label, value]) => ({ label, values: shown.map((one) => value(one) ?? null) })),
  };
}

function iterationName(iteration: number): string {
  return iteration === 0 ? 'base' : `iteration ${iteration}`;
}

const asked = ({ questions }: IterationReport): boolean => questions !== null;

function accuracy(document: RunDocument): LineChart {
  const examined = (one: IterationReport): boolean => one.evaluation !== null;
  const samples = document.iterations.find(examined)?.evaluation?.samples ?? document.run.exam.samples;
  const what = { id: 'accuracy', title: 'Accuracy on held-out problems', unit: 'percent' as Unit };
  const caption = 'The Solver’s answers that are right, with 95 % intervals. Iteration 0 is the base model.';
  const chart = byIteration(document, { ...what, caption }, examined, {});
  const line = (label: string, mode: 'greedy' | 'mean' | 'majority') => {
    const figures = document.iterations.filter(examined).map((one) => one.evaluation?.[mode] ?? null);
    const of = (key: keyof Figure) => figures.map((figure) => figure?.[key] ?? null);
    return { label, values: of('value'), low: of('low'), high: of('high') };
  };
  return {
    ...chart,
    series: [line(`mean@${samples}`, 'mean'), line('greedy', 'greedy'), line(`majority@${samples}`, 'majority')],
  };
}

function agreements({ iterations, questions }: RunDocument): HistogramChart {
  return {
    kind: 'histograms',
    id: 'agreements',
    title: 'How much the Solver’s answers agree',
    caption:
      'Answered candidates by p̂, the share of answers that say what most say. ' +
      (questions.band === null ? '' : 'The shaded band is kept to train on.'),
    band: questions.band,
    panels: iterations.flatMap(({ iteration, questions: one }) =>
      one?.agreements.some((count) => count > 0) ? [{ name: iterationName(iteration), counts: one.agreements }] : [],
    ),
  };
}

function fates({ iterations, questions }: RunDocument): StackChart {
  const shown = iterations.flatMap(({ iteration, questions: one }) => (one ? [{ iteration, ...one }] : []));
  const present = new Set(shown.flatMap((one) => Object.keys(one.fates).filter((fate) => (one.fates[fate] ?? 0) > 0)));
  const known = questions.fates.filter((fate) => present.has(fate));
  const names = [
    'kept',
    ...[...known, ...present].filter((fate, at, all) => fate !== 'kept' && all.indexOf(fate) === at),
  ];
  return {
    kind: 'stack',
    id: 'fates',
    title: 'What became of the candidates',
    caption: 'Kept to train on, or dropped at the gate that is named.',
    unit: 'count',
    parts: names.map(words),
    rows: shown.map(({ iteration, candidates, kept, fates: counts }) => ({
      name: iterationName(iteration),
      values: names.map((fate) => counts[fate] ?? 0),
      note: candidates === 0 ? '' : `${Math.round((100 * kept) / candidates)} % kept`,
    })),
  };
}

function labels(document: RunDocument): LineChart {
  const what = { id: 'labels', title: 'Pseudo-labels that are true', unit: 'share' as Unit, from: 0, to: 1 };
  const caption =
    'Majority answers beside the truth, which no reward has seen; and questions that have one answer at all.';
  return byIteration(document, { ...what, caption }, asked, {
    kept: ({ questions }) => questions?.labelAccuracy?.kept,
    'all asked': ({ questions }) => questions?.labelAccuracy?.asked,
    'well-posed': ({ questions }) => questions?.labelAccuracy?.wellPosed,
  });
}

function diversity(document: RunDocument): LineChart {
  const what = { id: 'diversity', title: 'Diversity of the questions', unit: 'share' as Unit, from: 0, to: 1 };
  const caption =
    'Texts and pairs of words that are distinct among the candidates, and the Challenger’s mean repetition penalty.';
  return byIteration(document, { ...what, caption }, (one) => asked(one) || one.challenger !== null, {
    'distinct texts': ({ questions }) => questions?.distinct,
    'distinct 2-grams': ({ questions }) => questions?.distinctBigrams,
    'repetition penalty': ({ challenger }) => challenger?.repetition,
  });
}

function lengths(document: RunDocument): LineChart {
  const what = { id: 'lengths', title: 'Length in characters', unit: 'number' as Unit, from: 0 };
  return byIteration(
    document,
    { ...what, caption: 'Mean length of a candidate question, and of an answer to one.' },
    asked,
    {
      question: ({ questions }) => questions?.questionLength,
      answer: ({ questions }) => questions?.answerLength,
    },
  );
}

function tokens(document: RunDocument): LineChart {
  const what = { id: 'tokens', title: 'Tokens of an answer in training', unit: 'number' as Unit, from: 0 };
  return byIteration(document, { ...what, caption: 'Mean over the Solver’s rollouts.' }, (one) => one.solver !== null, {
    'tokens an answer': ({ solver }) => solver?.meanTokens,
  });
}

function noBox(document: RunDocument): LineChart {
  const what = { id: 'no-box', title: 'Answers without a final answer', unit: 'share' as Unit, from: 0 };
  return byIteration(document, { ...what, caption: 'Of all answers to candidates: without a \\boxed{}.' }, asked, {
    'no box': ({ questions }) => questions?.noBox,
  });
}

function seconds({ iterations, phases }: RunDocument): StackChart {
  const names = [...new Set(phases.map(({ phase }) => phase))];
  const of = (iteration: number) => phases.filter((phase) => phase.iteration === iteration);
  return {
    kind: 'stack',
    id: 'time',
    title: 'Time by phase',
    caption: 'Wall clock of the phases that are done.',
    unit: 'seconds',
    parts: names,
    rows: iterations
      .map(({ iteration }) => iteration)
      .filter((iteration) => of(iteration).length > 0)
      .map((iteration) => ({
        name: iterationName(iteration),
        values: names.map((name) =>
          of(iteration).reduce((sum, { phase, seconds }) => (phase === name ? sum + seconds : sum), 0),
        ),
        note: '',
      })),
  };
}

function busy(document: RunDocument): LineChart {
  const what = { id: 'busy', title: 'Devices that were busy', unit: 'share' as Unit, from: 0, to: 1 };
  const caption = 'Device time in which a worker sampled, scored or trained, of all there was.';
  const share = (iteration: number, name: string): number | null => {
    const found = document.phases.find((one) => one.iteration === iteration && one.phase === name)?.activity;
    return found && found.deviceSeconds > 0 ? found.busySeconds / found.deviceSeconds : null;
  };
  const names = ['challenger', 'questions', 'solver', 'evaluation'];
  return byIteration(
    document,
    { ...what, caption },
    () => true,
    Object.fromEntries(names.map((name) => [name, ({ iteration }: IterationReport) => share(iteration, name)])),
  );
}
