import { shuffleLabels } from '../domain/controls.ts';
import { bandFilter, type Fate } from '../domain/filter.ts';
import { parseQuestion } from '../domain/parse.ts';
import { challengerConversation } from '../domain/prompts.ts';
import { stream } from '../domain/random.ts';
import { mean } from '../domain/statistics.ts';
import { answerQuestions, requestSeeds } from './ask.ts';
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
  const { candidates, sampling, delta } = settings.questions;
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

      const questions = proposals.texts.flatMap((text) => parseQuestion(text)?.question ?? []);
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

      const votes = answered.map(({ vote }) => vote);
      const fates = bandFilter(votes, settings.arm === 'no-filter' ? 0.5 : delta);
      const kept = answered.flatMap(({ question, vote }, index) =>
        fates[index] === 'kept' && vote.label !== null ? [{ question, label: vote.label }] : [],
      );
      const labels = kept.map(({ label }) => label);
      const trained =
        settings.arm === 'shuffled-labels'
          ? shuffleLabels(labels, stream(settings.seed, ...path, 'shuffled-labels'))
          : labels;
      const problems = kept.map(({ question }, index) => ({ question, label: trained[index] as string }));

      let next = 0;
      store.writeRecords(recordName(iteration, 'questions'), [
        ...proposals.texts
          .filter((text) => parseQuestion(text) === null)
          .map((text) => ({ iteration, text, fate: 'malformed' })),
        ...answered.map(({ question, responses, vote }, index) => ({
          iteration,
          question,
          responses,
          vote,
          label: vote.label,
          agreement: vote.agreement,
          fate: fates[index] as Fate,
          ...(fates[index] === 'kept' ? { trainedLabel: trained[next++] } : {}),
        })),
      ]);
      const example = answered.find((_, index) => fates[index] === 'kept');
      if (example !== undefined) {
        scope.report({
          type: 'sample-question',
          iteration,
          phase: 'questions',
          question: example.question,
          agreement: example.vote.agreement,
          label: example.vote.label,
        });
      }
      const share = (fate: Fate) => fates.filter((other) => other === fate).length / candidates;
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
          agreement: mean(votes.map(({ agreement }) => agreement)),
        },
      };
    },
  );
  return problems;
}
