import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { bandFate } from '../../domain/filter.ts';
import { agreementHistogram } from '../../domain/histogram.ts';
import { type Random, stream } from '../../domain/random.ts';
import { challengerReward } from '../../domain/reward.ts';
import { mean } from '../../domain/statistics.ts';
import { majorityVote } from '../../domain/vote.ts';
import { createArithmeticExam } from '../../eval/exam.ts';
import type { FileMark, JournalEntry } from '../../ports/journal.ts';
import type { Phase } from '../../ports/reporter.ts';
import { RunJournal } from '../../store/journal.ts';
import { RunFolder } from '../../store/runFolder.ts';
import { boxed, SyntheticTexts } from './syntheticTexts.ts';

export interface SyntheticRun {
  /** Questions asked in all: a quarter of them in the Challenger's training. At least 8 an iteration. */
  questions: number;
  iterations?: number;
  /** Answers a question. */
  samples?: number;
  /** Characters of an answer, about. */
  answerLength?: number;
  /** Problems of the exam. */
  problems?: number;
  seed?: number;
  /** Texts that questions and answers are taken from, at random, where they are not to be made up. */
  texts?: readonly string[];
  /** Where it is: `finished`, `running` (the last iteration's questions are still to come, and its process is gone), `failed`. */
  state?: 'finished' | 'running' | 'failed';
}

const STEPS = 4;

/**
 * Write the folder of a run that never took place: its journal, and the records of every phase, with figures that go the
 * way those of a run go. The same options give the same records. For measurements of what reads runs, and for tests.
 *
 * @param path of the folder, which must not be there, or be empty
 */
export async function writeSyntheticRun(path: string, options: SyntheticRun): Promise<RunFolder> {
  const folder = RunFolder.create(path);
  const journal = await RunJournal.open(path, { version: '0.0.0' });
  try {
    await new Writer(folder, journal, options).run();
  } finally {
    journal.close();
  }
  return folder;
}

class Writer {
  private readonly options: Required<SyntheticRun>;
  private readonly config: Config;
  private readonly folder: RunFolder;
  private readonly journal: RunJournal;
  private readonly random: Random;
  private readonly texts: SyntheticTexts;

  constructor(folder: RunFolder, journal: RunJournal, options: SyntheticRun) {
    this.options = {
      iterations: 3,
      samples: 10,
      answerLength: 80,
      problems: 40,
      seed: 1,
      texts: [],
      state: 'finished',
      ...options,
    };
    const { iterations, samples, seed, problems } = this.options;
    const { candidates, proposals } = this.sizes;
    const sets = {
      seed,
      iterations,
      'answering.votes': samples,
      'challenger.steps': STEPS,
      'challenger.prompts': 1,
      'challenger.rollouts': Math.max(2, proposals),
      'challenger.miniBatch': Math.max(2, proposals),
      'questions.candidates': candidates,
      'solver.steps': STEPS,
      'evaluation.problems': problems,
      'evaluation.samples': samples,
    };
    this.config = loadConfig({
      preset: 'mock',
      sets: Object.entries(sets).map(([name, value]) => `${name}=${value}`),
    });
    this.folder = folder;
    this.journal = journal;
    this.random = stream(seed, 'synthetic-run');
    this.texts = new SyntheticTexts(this.options, this.random);
  }

  async run(): Promise<void> {
    const { iterations, state } = this.options;
    this.journal.append({ type: 'run', config: this.config, workingFolder: '/' }, true);
    this.evaluation(0);
    for (let iteration = 1; iteration <= iterations; iteration++) {
      this.journal.append({
        type: 'iteration',
        iteration,
        challengerFrom: iteration - 1,
        solverFrom: iteration - 1,
        trainsChallenger: true,
      });
      this.challenger(iteration);
      if (iteration === iterations && state !== 'finished') {
        this.journal.append({ type: 'phase', iteration, phase: 'questions' });
        if (state === 'failed') this.journal.append({ type: 'end', how: 'failed', error: 'the disk is full' });
        this.folder.writeStatus({ status: state, startedAt: '2026-01-01T00:00:00.000Z' });
        return;
      }
      const kept = this.questions(iteration);
      this.solver(iteration, kept);
      this.evaluation(iteration);
    }
    this.journal.append({ type: 'end', how: 'finished' });
    this.folder.writeStatus({ status: 'finished', startedAt: '2026-01-01T00:00:00.000Z' });
  }

  /** Candidates of an iteration, and proposals of one of its Challenger's steps. */
  private get sizes() {
    const each = this.options.questions / this.options.iterations;
    const proposals = Math.max(1, Math.round(each / 4 / STEPS));
    return { proposals, candidates: Math.max(1, Math.round(each) - STEPS * proposals) };
  }

  private challenger(iteration: number): void {
    const rule = this.config.rewards.challenger;
    const files: FileMark[] = [];
    let metrics: Record<string, number> = {};
    this.journal.append({ type: 'phase', iteration, phase: 'challenger' });
    for (let step = 1; step <= STEPS; step++) {
      const rewards: number[] = [];
      const agreements: number[] = [];
      const rows = Array.from({ length: this.sizes.proposals }, () =>
        this.proposal(iteration, step, rule, rewards, agreements),
      );
      const file = this.folder.writeRecords(`iteration-${iteration}/challenger/step-00${step}.jsonl`, rows);
      metrics = {
        reward: mean(rewards),
        uncertainty: mean(rewards) + 0.06,
        repetition: 0.06,
        wellFormed: 0.97,
        distinct: 0.9 - 0.05 * iteration,
        agreement: agreements.length === 0 ? 0 : mean(agreements),
        ...this.training(iteration, step),
      };
      files.push(file);
      this.journal.append({ type: 'step', iteration, phase: 'challenger', step, metrics, files: [file] });
    }
    this.done(iteration, 'challenger', metrics, files, {});
  }

  private proposal(
    iteration: number,
    step: number,
    rule: Config['rewards']['challenger'],
    rewards: number[],
    agreements: number[],
  ): object {
    const question = this.random() < 0.03 ? null : this.texts.question(iteration);
    const responses = question === null ? [] : this.texts.responses(question, iteration);
    const vote = majorityVote(responses.map(boxed));
    const { label, agreement } = vote;
    const wellFormed = question !== null;
    const reward = challengerReward({ wellFormed, agreement, clusterShare: 0.06 }, rule);
    rewards.push(reward.total);
    if (wellFormed) agreements.push(agreement);
    const text = wellFormed ? `<question>${question}</question>\\boxed{${label}}` : 'I would rather not ask.';
    const asked = wellFormed ? { question, responses } : {};
    return { iteration, step, text, ...asked, label, agreement, reward, advantage: this.random() - 0.5 };
  }

  private questions(iteration: number): { question: string; label: string }[] {
    const { candidates } = this.sizes;
    const kept: { question: string; label: string }[] = [];
    const agreements: number[] = [];
    const fates: Record<string, number> = {};
    const count = (fate: string) => {
      fates[fate] = (fates[fate] ?? 0) + 1;
    };
    this.journal.append({ type: 'phase', iteration, phase: 'questions' });
    const records = this.folder.openRecords(`iteration-${iteration}/questions.jsonl`);
    for (let row = 0; row < candidates; row++) {
      if (this.random() < 0.03) {
        records.add({ iteration, text: 'A question about nothing.', fate: 'malformed' });
        count('malformed');
        continue;
      }
      const question = this.texts.question(iteration);
      const responses = this.texts.responses(question, iteration);
      const { classes: _, ...vote } = majorityVote(responses.map(boxed));
      const { label, agreement } = vote;
      const fate = bandFate(vote, this.config.questions);
      records.add({ iteration, question, responses, vote, label, agreement, fate });
      if (fate === 'kept' && label !== null) kept.push({ question, label });
      agreements.push(agreement);
      count(fate);
    }
    const files = [
      records.finish(),
      this.folder.writeRecords(
        `iteration-${iteration}/problems.jsonl`,
        kept.map((problem) => ({ iteration, ...problem })),
      ),
    ];
    const share = (fate: string) => (fates[fate] ?? 0) / candidates;
    const metrics = {
      candidates,
      wellFormed: 1 - share('malformed'),
      kept: kept.length,
      keptShare: kept.length / candidates,
      tooEasyShare: share('too_easy'),
      tooHardShare: share('too_hard'),
      noLabelShare: share('no_label'),
      agreement: mean(agreements),
    };
    this.done(iteration, 'questions', metrics, files, { agreements: agreementHistogram(agreements) });
    return kept;
  }

  private solver(iteration: number, kept: readonly { question: string; label: string }[]): void {
    const files: FileMark[] = [];
    let metrics: Record<string, number> = {};
    this.journal.append({ type: 'phase', iteration, phase: 'solver' });
    if (kept.length < 4) {
      const message = `only ${kept.length} questions were kept for batches of 4: each is used several times`;
      this.journal.append({ type: 'warning', iteration, phase: 'solver', message });
    }
    for (let step = 1; step <= STEPS; step++) {
      const rows = kept.slice(0, 4 * STEPS).slice(4 * (step - 1), 4 * step);
      const rewards: number[] = [];
      const file = this.folder.writeRecords(
        `iteration-${iteration}/solver/step-00${step}.jsonl`,
        rows.map(({ question, label }) => {
          const responses = this.texts.responses(question, iteration);
          const own = responses.map((text) => Number(boxed(text) === label));
          rewards.push(...own);
          return { iteration, step, question, label, responses, rewards: own };
        }),
      );
      metrics = {
        reward: rewards.length === 0 ? 0 : mean(rewards),
        uninformative: 0.1,
        ...this.training(iteration, step),
      };
      files.push(file);
      this.journal.append({ type: 'step', iteration, phase: 'solver', step, metrics, files: [file] });
    }
    this.done(iteration, 'solver', metrics, files, {});
  }

  private evaluation(iteration: number): void {
    const { problems, samples } = this.options;
    const exam = createArithmeticExam(problems);
    this.journal.append({ type: 'phase', iteration, phase: 'evaluation' });
    const sit = (mode: string, n: number) => {
      const responses = exam.questions.map((question) => this.texts.responses(question, iteration).slice(0, n));
      const correct = exam.grade(responses);
      const majority = exam.gradeMajority(responses);
      const records = exam.questions.map((question, at) => ({
        question,
        mode,
        responses: responses[at],
        correct: correct[at],
        ...(n > 1 ? { majorityCorrect: majority[at] } : {}),
      }));
      return { records, accuracy: mean(correct.flat().map(Number)), majority: mean(majority.map(Number)) };
    };
    const [greedy, sampled] = [sit('greedy', 1), sit('sampled', samples)];
    const file = this.folder.writeRecords(`iteration-${iteration}/evaluation.jsonl`, [
      ...greedy.records,
      ...sampled.records,
    ]);
    const metrics = { greedy: greedy.accuracy, mean: sampled.accuracy, majority: sampled.majority };
    this.done(iteration, 'evaluation', metrics, [file], {});
  }

  private done(
    iteration: number,
    phase: Phase,
    metrics: Record<string, number>,
    files: FileMark[],
    value: object,
  ): void {
    const seconds = 60 + Math.round(600 * this.random());
    const activity = { tokens: 1000 * seconds, deviceSeconds: 8 * seconds, busySeconds: 6 * seconds };
    const entry: JournalEntry = {
      type: 'done',
      iteration,
      phase,
      metrics,
      seconds,
      activity,
      files,
      value: this.journal.put(value),
    };
    this.journal.append(entry, true);
  }

  private training(iteration: number, step: number): Record<string, number> {
    const passed = (iteration - 1) * STEPS + step;
    return {
      updates: 4,
      loss: 0.1 * (this.random() - 0.5),
      kl: 0.002 * passed * (1 + 0.2 * this.random()),
      entropy: 1.2 - 0.02 * passed,
      clipFraction: 0.01,
      gradNorm: 0.3 + 0.1 * this.random(),
      meanLength: 120 + 5 * passed,
      weightsVersion: step,
    };
  }
}
