import { shuffleLabels } from '../domain/controls.ts';
import { inOrder } from '../domain/curriculum.ts';
import { type Gate, Gates } from '../domain/gates.ts';
import { challengerConversation, parseProposals } from '../domain/prompts.ts';
import { stream } from '../domain/random.ts';
import { mean } from '../domain/statistics.ts';
import { answerAll, answerInRounds, type FatedQuestion, partSeeds, requestSeeds, type Savings } from './ask.ts';
import { type LoopContext, type PhaseScope, recordName, runPhase } from './context.ts';
import { TooFewQuestions } from './errors.ts';
import { loadJudges, unloadJudges } from './judges.ts';

/** A question that the Solver is trained on, with its pseudo-label. */
export interface Problem {
  question: string;
  /** The majority answer, or what an ablation put in its place. */
  label: string;
}

/** One of the Challenger's texts and what became of it. */
interface Candidate {
  text: string;
  question: string | null;
  /** The Challenger's own box. */
  ownAnswer: string | null;
  fate: Gate | 'kept';
  /** Of a question that came before the Solver. */
  answered?: FatedQuestion;
  /** What the Solver is trained on; of kept questions only. Not the majority answer where labels are shuffled. */
  trainedLabel?: string;
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
  const { candidates: asked, order, shortfall, resamples } = settings.questions;
  const needed = settings.solver.prompts;
  const m = settings.questions.votes ?? settings.answering.votes;
  const total = asked * (1 + m);
  const { problems } = await runPhase(
    context,
    { iteration, phase: 'questions', total, unit: 'answers', note: 'asks, answers, votes, keeps the middle band' },
    async (scope) => {
      const gates = new Gates(gateRule(context));
      const candidates: Candidate[] = [];
      const savings: Savings = { samples: 0, tokens: 0 };
      const isKept = ({ fate }: Candidate) => fate === 'kept';
      const short = () => candidates.filter(isKept).length < needed;
      let rounds = 0;
      do {
        candidates.push(
          ...(await ask(context, scope, gates, savings, { iteration, round: rounds, m, challenger, solvers })),
        );
        rounds++;
      } while (shortfall === 'resample' && short() && rounds <= resamples);

      const judged = candidates.filter(({ question }) => question !== null);
      const kept = judged.filter(isKept);
      relabel(context, iteration, kept);
      const problems = inOrder(
        kept.map((candidate) => ({ ...candidate, agreement: candidate.answered?.vote.agreement ?? 0 })),
        order,
      ).map(({ question, trainedLabel }) => ({ question: question as string, label: trainedLabel as string }));

      store.writeRecords(recordName(iteration, 'questions'), [
        ...candidates.filter(({ question }) => question === null).map(({ text, fate }) => ({ iteration, text, fate })),
        ...judged.map((candidate) => ({ iteration, ...recordOf(candidate) })),
      ]);
      const example = kept[0]?.answered;
      if (example !== undefined) {
        const { question, vote } = example;
        const { agreement, samples, label } = vote;
        scope.report({ type: 'sample-question', iteration, phase: 'questions', question, agreement, samples, label });
      }
      if (shortfall === 'stop' && problems.length < needed) {
        throw new TooFewQuestions(iteration, problems.length, candidates.length, needed);
      }
      return { problems, metrics: metricsOf(context, candidates, rounds, savings) };
    },
  );
  return problems;
}

/** N candidates, answered and judged. */
async function ask(
  context: LoopContext,
  scope: PhaseScope,
  gates: Gates,
  savings: Savings,
  {
    iteration,
    round,
    m,
    challenger,
    solvers,
  }: {
    iteration: number;
    round: number;
    m: number;
    challenger: string;
    solvers: readonly string[];
  },
): Promise<Candidate[]> {
  const { settings, worker, signal } = context;
  const { candidates, sampling, answersPerRound } = settings.questions;
  const { seed } = settings;
  const rule = gateRule(context);
  const total = candidates * (1 + m);
  const path = ['questions', iteration, ...(round === 0 ? [] : ['again', round])] as const;
  // Progress never goes back: asking again is beyond the total that was announced.
  const part = (from: number, to: number) => (round === 0 ? scope.call({ from, to, total }) : { signal });

  await worker.loadModel({ modelId: 'challenger', source: challenger, trainable: false, seed }, { signal });
  const proposals = await worker.sample(
    {
      modelId: 'challenger',
      conversations: Array.from({ length: candidates }, challengerConversation),
      n: 1,
      seeds: requestSeeds(seed, candidates, ...path, 'ask'),
      sampling,
    },
    part(0, candidates),
  );
  await worker.unloadModel({ modelId: 'challenger' }, { signal });

  const echo = settings.rewards.challenger.echo;
  const parsed = parseProposals(proposals.texts, { parsing: rule.parsing, echo });
  const dropped = parsed.map((own) => (own === null ? 'malformed' : gates.beforeAnswers(own.question)));
  const questions = parsed.flatMap((own, row) => (own === null || dropped[row] !== null ? [] : [own.question]));

  const judges = await loadJudges(context, solvers, m);
  const asking = {
    judges,
    sampling: settings.answering.sampling,
    voting: rule.voting,
    seeds: partSeeds(seed, ...path, 'answer'),
  };
  let answered: FatedQuestion[];
  if (answersPerRound === 0) answered = await answerAll(worker, questions, asking, rule, part(candidates, total));
  else {
    // A request's progress is of its own round, so it says nothing of the whole.
    const inRounds = await answerInRounds(worker, questions, asking, answersPerRound, rule, { signal });
    answered = inRounds.answered;
    savings.samples += inRounds.savings.samples;
    savings.tokens += inRounds.savings.tokens;
  }
  await unloadJudges(context, judges);

  const next = answered.values();
  return proposals.texts.map((text, row): Candidate => {
    const own = parsed[row] ?? null;
    const candidate = { text, question: own?.question ?? null, ownAnswer: own?.answer ?? null };
    const gate = dropped[row] ?? null;
    if (gate !== null) return { ...candidate, fate: gate };
    const answers = next.next().value as FatedQuestion;
    const fate = gates.afterAnswers(answers.fate, answers.vote.label, candidate.ownAnswer);
    return { ...candidate, fate, answered: answers };
  });
}

/** The curriculum's rule; every question with a label is in the band of the arm without a filter. */
function gateRule({ settings }: LoopContext) {
  return settings.arm === 'no-filter' ? { ...settings.questions, center: 0.5, delta: 0.5 } : settings.questions;
}

/** Give the kept candidates the labels that the Solver is trained on. */
function relabel({ settings }: LoopContext, iteration: number, kept: readonly Candidate[]): void {
  const labels = kept.map(({ answered }) => answered?.vote.label as string);
  const trained =
    settings.arm === 'shuffled-labels'
      ? shuffleLabels(labels, stream(settings.seed, 'questions', iteration, 'shuffled-labels'))
      : labels;
  for (const [index, candidate] of kept.entries()) candidate.trainedLabel = trained[index] as string;
}

function recordOf({ question, answered, fate, trainedLabel }: Candidate): object {
  if (answered === undefined) return { question, fate };
  const { responses, vote } = answered;
  const record = { question, responses, vote, label: vote.label, agreement: vote.agreement, fate };
  return trainedLabel === undefined ? record : { ...record, trainedLabel };
}

function metricsOf(
  { settings }: LoopContext,
  candidates: readonly Candidate[],
  rounds: number,
  savings: Savings,
): Record<string, number> {
  const { answersPerRound, shortfall } = settings.questions;
  const count = (fate: Candidate['fate']) => candidates.filter((candidate) => candidate.fate === fate).length;
  const share = (fate: Candidate['fate']) => count(fate) / candidates.length;
  const kept = count('kept');
  const others = (['too_long', 'question_word', 'duplicate', 'label_word', 'own_answer'] as const).filter(
    (gate) => count(gate) > 0,
  );
  const answered = candidates.flatMap((candidate) => candidate.answered ?? []);
  return {
    candidates: candidates.length,
    wellFormed: (candidates.length - count('malformed')) / candidates.length,
    kept,
    keptShare: kept / candidates.length,
    tooEasyShare: share('too_easy'),
    tooHardShare: share('too_hard'),
    noLabelShare: share('no_label'),
    agreement: mean(answered.map(({ vote }) => vote.agreement)),
    ...Object.fromEntries(others.map((gate) => [`${camel(gate)}Share`, share(gate)])),
    ...(answersPerRound > 0 ? { savedSamples: savings.samples, savedTokens: savings.tokens } : {}),
    ...(shortfall === 'resample' ? { rounds } : {}),
  };
}

function camel(gate: Gate): string {
  return gate.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
