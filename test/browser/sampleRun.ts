import type { QuestionDetail, QuestionTable, RunDocument } from '../../ts/page/document.ts';

/** What a page is given of a run that never took place. */
export interface SampleRun {
  run: RunDocument;
  table(part: number): QuestionTable;
  details(part: number): QuestionDetail[];
}

export const TABLE_SIZE = 5_000;
export const DETAIL_SIZE = 200;
const FATES = ['kept', 'too_easy', 'too_hard', 'malformed'];
const ITERATIONS = 3;

/**
 * A run with figures that can be told apart, each known from its place: question q is of iteration 1 + q mod 3, its
 * agreement is (q mod 11) / 10, and every fourth was asked in training.
 *
 * @param count of its questions
 * @param texts those of the first questions, of their answers, and of all else that is free text
 */
export function sampleRun(count: number, texts: readonly string[] = []): SampleRun {
  return {
    run: documentOf(count, texts),
    table: (part) => tableOf(numbers(part, TABLE_SIZE, count), texts),
    details: (part) => numbers(part, DETAIL_SIZE, count).map((question) => detailOf(question, count, texts)),
  };
}

/** The text of a question. */
export function textOf(question: number, texts: readonly string[] = []): string {
  return (
    texts[question] ??
    `Start with ${question}. Add ${question % 97}, then multiply by ${1 + (question % 13)}. What is it?`
  );
}

function numbers(part: number, size: number, count: number): number[] {
  return Array.from({ length: Math.max(0, Math.min(size, count - part * size)) }, (_, at) => part * size + at);
}

const inTraining = (question: number): boolean => question % 4 === 0;
const right = (question: number): boolean => question % 3 !== 0;

function tableOf(questions: number[], texts: readonly string[]): QuestionTable {
  return {
    text: questions.map((question) => textOf(question, texts)),
    iteration: questions.map((question) => 1 + (question % ITERATIONS)),
    phase: questions.map((question) => (inTraining(question) ? 0 : 1)),
    step: questions.map((question) => (inTraining(question) ? 1 + (question % 5) : 0)),
    fate: questions.map((question) => (inTraining(question) ? -1 : question % FATES.length)),
    agreement: questions.map((question) => (question % 11) / 10),
    reward: questions.map((question) => (inTraining(question) ? (question % 7) / 7 : null)),
    label: questions.map((question) => String(question % 100)),
    labelRight: questions.map(right),
    trained: questions.map((question) => (question % FATES.length === 1 ? 2 : 0)),
  };
}

function detailOf(question: number, count: number, texts: readonly string[]): QuestionDetail {
  const label = String(question % 100);
  const said = texts[question] ?? 'I add first, and then multiply.';
  return {
    text: `<question>${textOf(question, texts)}</question>`,
    votes: [
      { answer: label, count: 3 },
      { answer: texts[question] ?? '7', count: 1 },
      { answer: null, count: 1 },
    ],
    samples: [
      { text: `${said} \\boxed{${label}}`, answer: label, agrees: true },
      { text: said, answer: null, agrees: false },
    ],
    reward: inTraining(question) ? { uncertainty: 0.8, repetition: 0.25, total: 0.55, valid: true } : null,
    advantage: inTraining(question) ? -0.4 : null,
    why: texts[question] ?? 'kept: 3 of 5 answers agree',
    truth: right(question) ? label : '0',
    training: question % 4 === 1 ? [{ iteration: 1, step: 2, reward: 0.75, rollouts: 8 }] : [],
    kin: question + 1 < count ? [{ question: question + 1, similarity: 0.5 }] : [],
  };
}

function documentOf(count: number, texts: readonly string[]): RunDocument {
  const free = texts.join(' ') || 'free text';
  const figure = (value: number) => ({ value, low: value - 2, high: value + 2 });
  const phases = (['challenger', 'questions', 'solver', 'evaluation'] as const).flatMap((phase) =>
    [1, 2, 3].map((iteration) => ({
      iteration,
      phase,
      seconds: 10 * iteration,
      activity: { tokens: 1000, deviceSeconds: 10, busySeconds: 5 + iteration },
    })),
  );
  return {
    version: 1,
    run: {
      name: texts[0] ?? 'sample',
      id: 'b2f6',
      state: 'finished',
      error: texts[0] ?? null,
      preset: 'paper',
      arm: 'full',
      seed: 7,
      model: texts[1] ?? 'some-model',
      iterations: ITERATIONS,
      exam: { name: 'an exam', problems: 640, samples: 4 },
      configHash: 'ab'.repeat(32),
      config: `name: ${free}\n`,
      program: '1.2.3',
      begun: '2026-01-02T03:04:05Z',
      changed: '2026-01-02T04:04:05Z',
    },
    iterations: [0, 1, 2, 3].map((iteration) => ({
      iteration,
      evaluation: {
        greedy: figure(50.1 + 10 * iteration),
        mean: figure(40.3 + 10 * iteration),
        majority: figure(45.7 + 10 * iteration),
        samples: 4,
      },
      gain: iteration === 0 ? null : { mean: figure(10 * iteration), greedy: figure(10 * iteration), pValue: 0.002 },
      challenger:
        iteration === 0
          ? null
          : { reward: 0.1 * iteration, uncertainty: 0.2 * iteration, repetition: 0.05, wellFormed: 1, distinct: 0.9 },
      questions:
        iteration === 0
          ? null
          : {
              candidates: 400,
              kept: 100 * iteration,
              fates: { kept: 100 * iteration, too_easy: 400 - 100 * iteration },
              agreements: Array.from({ length: 11 }, (_, tenth) => tenth * iteration + 1),
              distinct: 1,
              distinctBigrams: 0.4,
              noBox: 0.01 * iteration,
              questionLength: 80 + iteration,
              answerLength: 120 + iteration,
              labelAccuracy: { kept: 0.9 - 0.2 * iteration, asked: 0.8 - 0.2 * iteration, wellPosed: 0.99 },
            },
      solver: iteration === 0 ? null : { reward: 0.6, kl: 0.01, entropy: 0.3, meanTokens: 30 + iteration },
    })),
    steps: [1, 2, 3].flatMap((iteration) =>
      (['challenger', 'solver'] as const).flatMap((phase) =>
        [1, 2, 3].map((step) => ({
          iteration,
          phase,
          step,
          metrics: {
            reward: 0.1 * step,
            uncertainty: 0.2,
            repetition: 0.1,
            entropy: 0.5,
            kl: 0.01,
            samplerKl: 1e-6 * step,
          },
        })),
      ),
    ),
    phases,
    cost: {
      seconds: 240,
      tokens: 12_000,
      deviceHours: 0.0333,
      busyShare: 0.7,
      pricePerHour: 2,
      price: 0.07,
      currency: '$',
    },
    warnings: [
      { iteration: 2, phase: 'solver', at: '2026-01-02T03:30:00Z', message: free, name: 'collapse', action: 'none' },
    ],
    evaluations: [],
    questions: {
      count,
      tableSize: TABLE_SIZE,
      detailSize: DETAIL_SIZE,
      samples: { included: true, reason: null },
      band: { low: 0.3, high: 0.7 },
      fates: FATES,
      phases: ['challenger', 'questions'],
    },
  };
}
