import { type Gate, Gates, withoutFilter } from '../domain/gates.ts';
import { challengerConversation, parseProposals } from '../domain/prompts.ts';
import type { RecordFile } from '../ports/runStore.ts';
import { AnswerFigures } from './answerFigures.ts';
import {
  type Asking,
  answerAll,
  answerInRounds,
  type FatedQuestion,
  partSeeds,
  type Question,
  requestSeeds,
  type Savings,
} from './ask.ts';
import type { LoopContext } from './context.ts';
import { type DrawOptions, drawFirst, overAsked } from './draw.ts';
import { loadJudges, unloadJudges } from './judges.ts';
import type { PhaseScope } from './phase.ts';
import { Turnstile } from './turnstile.ts';

/** What is remembered of one of the Challenger's texts; the rest is on record. */
export interface Candidate {
  question: string | null;
  fate: Gate | 'kept';
  /** The vote of a question that came before the Solver. */
  label?: string | null;
  agreement?: number;
}

/** One that has passed every gate, and so has a label. */
export interface KeptCandidate extends Candidate {
  question: string;
  label: string;
  agreement: number;
}

/** One of the Challenger's texts before it is answered; `gate` is null where that is still to come. */
interface Written {
  text: string;
  question: string | null;
  /** The Challenger's own box. */
  ownAnswer: string | null;
  gate: Gate | null;
}

/** Who takes part, and where it is put down. */
export interface LabellingOptions {
  iteration: number;
  /** Weights that write the candidates. */
  challenger: string;
  /** Weights that answer them, the latest first. */
  solvers: readonly string[];
  /** Answers a candidate. */
  votes: number;
  records: RecordFile;
}

/**
 * The candidates of one iteration: written by the Challenger, answered by the Solver, labelled by the majority and judged
 * by the gates (paper section 3.3). Each goes as far as it can while others are still being written or answered; when it
 * is judged it is put on record, and its texts are let go of.
 */
export class Labelling {
  /** In the order in which they were written. */
  readonly candidates: Candidate[] = [];
  readonly savings: Savings = { samples: 0, tokens: 0 };
  /** What the answers to them are like. */
  readonly answerFigures = new AnswerFigures();
  private readonly context: LoopContext;
  private readonly scope: PhaseScope;
  private readonly options: LabellingOptions;
  private readonly gates: Gates;
  private rounds = 0;
  /** Whether a kept question has been shown to who watches. */
  private shown = false;

  constructor(context: LoopContext, scope: PhaseScope, options: LabellingOptions) {
    this.context = context;
    this.scope = scope;
    this.options = options;
    this.gates = new Gates(this.rule);
  }

  /** Those that the Solver may be trained on. */
  get kept(): KeptCandidate[] {
    return this.candidates.filter((one): one is KeptCandidate => one.fate === 'kept');
  }

  private get rule() {
    const { arm, questions } = this.context.settings;
    return arm === 'no-filter' ? withoutFilter(questions) : questions;
  }

  /** Ask for N more candidates, and wait until so many are judged. */
  async ask(): Promise<void> {
    const { settings, worker, signal } = this.context;
    const { iteration, challenger, solvers, votes } = this.options;
    const { seed } = settings;
    const { candidates, sampling, overAsk } = settings.questions;
    const asked = overAsked(candidates, overAsk);
    const path = ['questions', iteration, ...(this.rounds === 0 ? [] : ['again', this.rounds])] as const;
    // Progress never goes back: asking again is beyond the total that was announced.
    const total = candidates * (1 + votes);
    const tally = this.rounds === 0 ? this.scope.tally({ from: 0, to: total, total }, total) : undefined;
    const call = () => tally?.call() ?? this.scope.call;
    this.rounds += 1;

    const writer = { modelId: 'challenger', source: challenger, trainable: false, role: 'sample' as const, seed };
    await worker.loadModel(writer, { signal });
    const judges = await loadJudges(this.context, solvers, votes);
    const asking = {
      judges,
      sampling: settings.answering.sampling,
      voting: this.rule.voting,
      seed: partSeeds(seed, ...path, 'answer'),
    };
    const request = {
      modelId: 'challenger',
      conversations: Array.from({ length: asked }, challengerConversation),
      n: 1,
      seeds: requestSeeds(seed, asked, ...path, 'ask'),
      sampling,
    };
    // Which question is a duplicate depends on those before it, so they go in order; not where the last are cut off.
    const inOrder = asked === candidates;
    const [sifting, judging] = [new Turnstile(), new Turnstile()];
    await drawFirst(worker, request, candidates, call(), async ({ texts }, first, signal) => {
      const pass = <T>(turnstile: Turnstile, action: () => T) =>
        inOrder ? turnstile.pass(first, texts.length, action) : action();
      const written = await pass(sifting, () => this.sift(texts));
      const questions = written.flatMap(({ question, gate }, index) =>
        gate === null ? [{ text: question as string, number: first + index }] : [],
      );
      tally?.skip((written.length - questions.length) * votes);
      const answers = await this.answer(questions, asking, { ...call(), signal });
      if (!signal.aborted) await pass(judging, () => this.judge(written, answers));
    });
    await worker.unloadModel({ modelId: 'challenger' }, { signal });
    await unloadJudges(this.context, judges);
  }

  /** Read the questions, and drop what needs no answers to be dropped. */
  private sift(texts: readonly string[]): Written[] {
    const { echo } = this.context.settings.rewards.challenger;
    return parseProposals(texts, { parsing: this.rule.parsing, echo }).map((own, index) => ({
      text: texts[index] as string,
      question: own?.question ?? null,
      ownAnswer: own?.answer ?? null,
      gate: own === null ? 'malformed' : this.gates.beforeAnswers(own.question),
    }));
  }

  private async answer(questions: readonly Question[], asking: Asking, options: DrawOptions): Promise<FatedQuestion[]> {
    const { worker, settings } = this.context;
    const { answersPerRound } = settings.questions;
    if (answersPerRound === 0) return answerAll(worker, questions, asking, this.rule, options);
    // Later rounds are of fewer questions: how many answers there will be is not known before.
    const { onProgress: _, ...unheard } = options;
    const inRounds = await answerInRounds(worker, questions, asking, answersPerRound, this.rule, unheard);
    this.savings.samples += inRounds.savings.samples;
    this.savings.tokens += inRounds.savings.tokens;
    return inRounds.answered;
  }

  /** Say what becomes of candidates, and put them on record. */
  private judge(written: readonly Written[], answers: readonly FatedQuestion[]): void {
    const { iteration, records } = this.options;
    const next = answers.values();
    const agreements = answers.map(({ vote }) => vote.agreement);
    this.scope.report({ type: 'agreements', iteration, phase: 'questions', agreements });
    for (const { text, question, ownAnswer, gate } of written) {
      if (gate !== null) {
        this.candidates.push({ question, fate: gate });
        records.add({ iteration, ...(question === null ? { text } : { question }), fate: gate });
        continue;
      }
      const answered = next.next().value as FatedQuestion;
      this.answerFigures.add(answered);
      const { responses, vote, fate: verdict } = answered;
      const { label, agreement, samples } = vote;
      const fate = this.gates.afterAnswers(verdict, label, ownAnswer);
      if (fate === 'kept' && !this.shown) {
        this.shown = true;
        const shown = { question: question as string, agreement, samples, label };
        this.scope.report({ type: 'sample-question', iteration, phase: 'questions', ...shown });
      }
      this.candidates.push({ question, fate, label, agreement });
      records.add({ iteration, question, responses, vote, label, agreement, fate });
    }
  }
}
