import { type Gate, Gates } from '../domain/gates.ts';
import { challengerConversation, parseProposals } from '../domain/prompts.ts';
import type { RecordFile } from '../ports/runStore.ts';
import {
  type Asking,
  answerAll,
  answerInRounds,
  type FatedQuestion,
  partSeeds,
  requestSeeds,
  type Savings,
} from './ask.ts';
import type { LoopContext, PhaseScope } from './context.ts';
import { type DrawOptions, drawEach } from './draw.ts';
import { loadJudges, unloadJudges } from './judges.ts';
import { heardLater } from './later.ts';

/** What is remembered of one of the Challenger's texts; the rest is on record. */
export interface Candidate {
  question: string | null;
  fate: Gate | 'kept';
  /** The vote of a question that came before the Solver. */
  label?: string | null;
  agreement?: number;
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
  get kept(): (Candidate & { question: string; label: string; agreement: number })[] {
    return this.candidates.filter((one) => one.fate === 'kept') as ReturnType<() => Labelling['kept']>;
  }

  /** The curriculum's rule; every question with a label is in the band of the arm without a filter. */
  private get rule() {
    const { arm, questions } = this.context.settings;
    return arm === 'no-filter' ? { ...questions, center: 0.5, delta: 0.5 } : questions;
  }

  /** Ask for N more candidates, and wait until all are judged. */
  async ask(): Promise<void> {
    const { settings, worker, signal } = this.context;
    const { iteration, challenger, solvers, votes } = this.options;
    const { seed } = settings;
    const { candidates: asked, sampling } = settings.questions;
    const path = ['questions', iteration, ...(this.rounds === 0 ? [] : ['again', this.rounds])] as const;
    // Progress never goes back: asking again is beyond the total that was announced.
    const total = asked * (1 + votes);
    const tally = this.rounds === 0 ? this.scope.tally({ from: 0, to: total, total }, total) : undefined;
    const call = () => tally?.call() ?? this.scope.call;
    this.rounds += 1;

    await worker.loadModel({ modelId: 'challenger', source: challenger, trainable: false, seed }, { signal });
    const judges = await loadJudges(this.context, solvers, votes);
    const asking = {
      judges,
      sampling: settings.answering.sampling,
      voting: this.rule.voting,
      seeds: partSeeds(seed, ...path, 'answer'),
    };
    const request = {
      modelId: 'challenger',
      conversations: Array.from({ length: asked }, challengerConversation),
      n: 1,
      seeds: requestSeeds(seed, 0, asked, ...path, 'ask'),
      sampling,
    };
    let answered = 0;
    let judged: Promise<void> = Promise.resolve();
    // In order: which question is a duplicate, and which seeds its answers have, depends on those before it.
    for (const drawn of drawEach(worker, request, call(), ({ texts }) => this.read(texts))) {
      const written = this.sift(await drawn);
      const questions = written.flatMap(({ question, gate }) => (gate === null ? [question as string] : []));
      const answers = heardLater(this.answer(questions, asking, call(), answered));
      answered += questions.length;
      tally?.skip((written.length - questions.length) * votes);
      judged = heardLater(judged.then(async () => this.judge(written, await answers)));
    }
    await judged;
    await worker.unloadModel({ modelId: 'challenger' }, { signal });
    await unloadJudges(this.context, judges);
  }

  private read(texts: readonly string[]): Written[] {
    const { echo } = this.context.settings.rewards.challenger;
    return parseProposals(texts, { parsing: this.rule.parsing, echo }).map((own, index) => ({
      text: texts[index] as string,
      question: own?.question ?? null,
      ownAnswer: own?.answer ?? null,
      gate: own === null ? 'malformed' : null,
    }));
  }

  /** Drop what needs no answers to be dropped. */
  private sift(written: readonly Written[]): Written[] {
    return written.map((one) => ({
      ...one,
      gate: one.question === null ? one.gate : this.gates.beforeAnswers(one.question),
    }));
  }

  private async answer(
    questions: string[],
    asking: Asking,
    options: DrawOptions,
    first: number,
  ): Promise<FatedQuestion[]> {
    const { worker, settings } = this.context;
    const { answersPerRound } = settings.questions;
    if (answersPerRound === 0) return answerAll(worker, questions, asking, this.rule, options, first);
    // Later rounds are of fewer questions: how many answers there will be is not known before.
    const unheard = this.scope.call;
    const inRounds = await answerInRounds(worker, questions, asking, answersPerRound, this.rule, unheard, first);
    this.savings.samples += inRounds.savings.samples;
    this.savings.tokens += inRounds.savings.tokens;
    return inRounds.answered;
  }

  /** Say what becomes of candidates, and put them on record. */
  private judge(written: readonly Written[], answers: readonly FatedQuestion[]): void {
    const { iteration, records } = this.options;
    const next = answers.values();
    for (const { text, question, ownAnswer, gate } of written) {
      if (gate !== null) {
        this.candidates.push({ question, fate: gate });
        records.add({ iteration, ...(question === null ? { text } : { question }), fate: gate });
        continue;
      }
      const { responses, vote, fate: verdict } = next.next().value as FatedQuestion;
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
