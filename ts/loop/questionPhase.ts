import { shuffleLabels } from '../domain/controls.ts';
import { bandFilter, type Fate } from '../domain/filter.ts';
import { parseQuestion } from '../domain/parse.ts';
import { challengerConversation } from '../domain/prompts.ts';
import { type Random, stream } from '../domain/random.ts';
import type { Settings } from '../domain/settings.ts';
import { mean } from '../domain/statistics.ts';
import type { Vote } from '../domain/vote.ts';
import { type AnsweredQuestion, answerQuestions, requestSeeds } from './ask.ts';
import { type LoopContext, recordName, runPhase } from './context.ts';

/** A question that the Solver is trained on, with its pseudo-label. */
export interface Problem {
  question: string;
  /** The majority answer, or what an ablation put in its place. */
  label: string;
}

/**
 * Make the Solver's next data set: N candidates from the Challenger, m answers each from the Solver
 * as it is, the majority as label, and the band filter (paper section 3.3).
 *
 * @param challenger weights that write the candidates
 * @param solver weights that answer them
 */
export async function questionPhase(
  context: LoopContext,
  iteration: number,
  challenger: string,
  solver: string,
): Promise<Problem[]> {
  const { settings, worker, store, signal } = context;
  const { candidates, sampling } = settings.questions;
  const total = candidates * (1 + settings.answering.votes);
  const { problems } = await runPhase(
    context,
    { iteration, phase: 'questions', total, unit: 'answers', note: 'asks, answers, votes, keeps the middle band' },
    async (scope) => {
      const path = ['questions', iteration] as const;
      await worker.loadModel(
        { modelId: 'challenger', source: challenger, trainable: false, seed: settings.seed },
        { signal },
      );
      const proposals = await worker.sample(
        {
          modelId: 'challenger',
          conversations: Array.from({ length: candidates }, challengerConversation),
          n: 1,
          seeds: requestSeeds(settings.seed, candidates, ...path, 'ask'),
          sampling,
        },
        scope.call({ from: 0, to: candidates, total }),
      );
      await worker.unloadModel({ modelId: 'challenger' }, { signal });

      const parsed = proposals.texts.map(parseQuestion);
      const questions = parsed.flatMap((proposal) => proposal?.question ?? []);
      await worker.loadModel({ modelId: 'solver', source: solver, trainable: false, seed: settings.seed }, { signal });
      const answered = await answerQuestions(
        worker,
        'solver',
        questions,
        settings.answering,
        requestSeeds(settings.seed, questions.length, ...path, 'answer'),
        scope.call({ from: candidates, to: total, total }),
      );
      await worker.unloadModel({ modelId: 'solver' }, { signal });

      const judged = judge(answered, settings, stream(settings.seed, ...path, 'shuffled-labels'));
      const problems = judged.flatMap(({ question, trainedLabel }) =>
        trainedLabel === undefined ? [] : [{ question, label: trainedLabel }],
      );
      store.writeRecords(recordName(iteration, 'questions'), [
        ...proposals.texts
          .filter((_, index) => parsed[index] === null)
          .map((text) => ({ iteration, text, fate: 'malformed' })),
        ...judged.map((question) => ({ iteration, ...question })),
      ]);
      const example = judged.find(({ fate }) => fate === 'kept');
      if (example !== undefined) {
        const { question, agreement, label } = example;
        scope.report({ type: 'sample-question', iteration, phase: 'questions', question, agreement, label });
      }
      const share = (fate: Fate) => judged.filter((question) => question.fate === fate).length / candidates;
      return {
        problems,
        metrics: {
          candidates,
          wellFormed: questions.length / candidates,
          kept: problems.length,
          keptShare: problems.length / candidates,
          tooEasyShare: share('too_easy'),
          tooHardShare: share('too_hard'),
          noLabelShare: share('no_label'),
          agreement: mean(judged.map(({ agreement }) => agreement)),
        },
      };
    },
  );
  return problems;
}

/** An answered question as it is recorded. */
interface JudgedQuestion {
  question: string;
  responses: string[];
  vote: Vote;
  /** The majority answer. */
  label: string | null;
  agreement: number;
  fate: Fate;
  /** What the Solver is trained on; of kept questions only. Not `label` where labels are shuffled. */
  trainedLabel?: string;
}

/** The fate of each question, and the label to train on, in the questions' order. */
function judge(answered: readonly AnsweredQuestion[], { arm, questions }: Settings, random: Random): JudgedQuestion[] {
  const fates = bandFilter(
    answered.map(({ vote }) => vote),
    arm === 'no-filter' ? 0.5 : questions.delta,
  );
  const keptLabels = answered.flatMap(({ vote }, index) => (fates[index] === 'kept' ? (vote.label ?? []) : []));
  const trained = (arm === 'shuffled-labels' ? shuffleLabels(keptLabels, random) : keptLabels).values();
  return answered.map(({ question, responses, vote }, index) => {
    const fate = fates[index] as Fate;
    const record = { question, responses, vote, label: vote.label, agreement: vote.agreement, fate };
    return fate === 'kept' ? { ...record, trainedLabel: trained.next().value as string } : record;
  });
}
