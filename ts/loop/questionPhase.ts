import { shuffleLabels } from '../domain/controls.ts';
import { inOrder } from '../domain/curriculum.ts';
import type { Gate } from '../domain/gates.ts';
import { agreementHistogram } from '../domain/histogram.ts';
import { stream } from '../domain/random.ts';
import { mean } from '../domain/statistics.ts';
import type { FileMark } from '../ports/journal.ts';
import { auditLabels } from './auditLabels.ts';
import { type LoopContext, recordName } from './context.ts';
import { TooFewQuestions } from './errors.ts';
import { type Candidate, type KeptCandidate, Labelling } from './labelling.ts';
import { runPhase } from './phase.ts';
import { sitProbe } from './probe.ts';
import { questionFigures } from './questionFigures.ts';
import { requireIntact } from './sources.ts';

/** A question that the Solver is trained on, with its pseudo-label. */
export interface Problem {
  question: string;
  /** The majority answer, or what an ablation put in its place. */
  label: string;
}

/**
 * Make the Solver's next data set: N candidates from the Challenger, m answers each from the Solver
 * as it is, the majority as label, and the gates, of which the band is one (paper section 3.3).
 *
 * @param challenger weights that write the candidates
 * @param solvers weights that answer them, the latest first; one unless `roles.judge` is `ensemble`
 * @throws TooFewQuestions where `questions.shortfall` is `stop`
 */
export async function questionPhase(
  context: LoopContext,
  iteration: number,
  challenger: string,
  solvers: readonly string[],
): Promise<Problem[]> {
  const { settings, store } = context;
  const { candidates, order, shortfall, resamples } = settings.questions;
  const needed = settings.solver.prompts;
  const votes = settings.questions.votes ?? settings.answering.votes;
  const total = candidates * (1 + votes);
  const { value } = await runPhase(
    context,
    { iteration, phase: 'questions', total, unit: 'answers', note: 'asks, answers, votes, keeps the middle band' },
    async (scope) => {
      requireIntact(context, [challenger, ...solvers]);
      const records = store.openRecords(recordName(iteration, 'questions'));
      const labelling = new Labelling(context, scope, { iteration, challenger, solvers, votes, records });
      let rounds = 0;
      const files: FileMark[] = [];
      try {
        do {
          await labelling.ask();
          rounds++;
        } while (shortfall === 'resample' && labelling.kept.length < needed && rounds <= resamples);
        files.push(records.finish());
      } finally {
        records.discard();
      }
      const kept = labelledFor(context, iteration, labelling.kept);
      files.push(
        store.writeRecords(
          `iteration-${iteration}/problems.jsonl`,
          kept.map(({ question, label }) => ({ iteration, question, label })),
        ),
      );
      if (shortfall === 'stop' && kept.length < needed) {
        throw new TooFewQuestions(iteration, kept.length, labelling.candidates.length, needed);
      }
      const problems = inOrder(kept, order).map(({ question, label }) => ({ question, label }));
      const agreements = agreementHistogram(labelling.candidates.flatMap(({ agreement }) => agreement ?? []));
      const metrics = {
        ...metricsOf(context, labelling, rounds),
        ...auditLabels(context, iteration, labelling.kept),
        ...(await sitProbe(context, scope, solvers, votes)),
      };
      return { metrics, files, value: { problems, agreements } };
    },
  );
  return value.problems;
}

/** Kept candidates with the labels that the Solver is trained on: their own, unless an ablation shuffles them. */
function labelledFor({ settings }: LoopContext, iteration: number, kept: KeptCandidate[]): KeptCandidate[] {
  if (settings.arm !== 'shuffled-labels') return kept;
  const labels = shuffleLabels(
    kept.map(({ label }) => label),
    stream(settings.seed, 'questions', iteration, 'shuffled-labels'),
  );
  return kept.map((candidate, index) => ({ ...candidate, label: labels[index] as string }));
}

function metricsOf(
  { settings }: LoopContext,
  { candidates, savings, answerFigures }: Labelling,
  rounds: number,
): Record<string, number> {
  const { answersPerRound, shortfall } = settings.questions;
  const count = (fate: Candidate['fate']) => candidates.filter((candidate) => candidate.fate === fate).length;
  const share = (fate: Candidate['fate']) => count(fate) / candidates.length;
  const kept = count('kept');
  const others = (['too_long', 'question_word', 'duplicate', 'label_word', 'own_answer'] as const).filter(
    (gate) => count(gate) > 0,
  );
  return {
    candidates: candidates.length,
    wellFormed: (candidates.length - count('malformed')) / candidates.length,
    kept,
    keptShare: kept / candidates.length,
    tooEasyShare: share('too_easy'),
    tooHardShare: share('too_hard'),
    noLabelShare: share('no_label'),
    agreement: mean(candidates.flatMap(({ agreement }) => agreement ?? [])),
    ...Object.fromEntries(others.map((gate) => [`${camel(gate)}Share`, share(gate)])),
    ...questionFigures(candidates.flatMap(({ question }) => question ?? [])),
    ...answerFigures.metrics,
    ...(answersPerRound > 0 ? { savedSamples: savings.samples, savedTokens: savings.tokens } : {}),
    ...(shortfall === 'resample' ? { rounds } : {}),
  };
}

function camel(gate: Gate): string {
  return gate.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
