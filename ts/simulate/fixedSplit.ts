import { parseQuestion } from '../domain/parse.ts';
import { challengerConversation, solverConversation } from '../domain/prompts.ts';
import { seedOf } from '../domain/random.ts';
import type { PhaseSettings, Settings } from '../domain/settings.ts';
import type { Phase } from '../ports/reporter.ts';
import type { Conversation } from '../protocol/generated.ts';
import { ActivityLog } from './activity.ts';
import { Engine } from './engine.ts';
import type { WorkerPace } from './pace.ts';
import type { PhaseSpan, Played } from './played.ts';
import { type DrawnSample, type Lengths, Site } from './site.ts';
import { VirtualTime } from './virtualTime.ts';

/** The published code's fixed split of a host. */
export interface FixedSplit {
  settings: Settings;
  lengths: Lengths;
  /** GPUs that roll out and train, one engine each; in a Challenger phase as many more answer. */
  half: number;
  /** Samples that an engine decodes side by side. */
  rows: number;
  /** Of one GPU that samples, and of the half that trains together. */
  engine: WorkerPace;
  trainer: WorkerPace;
  /** Seconds that the rewards of a Challenger step take, on the processor, while every GPU waits. */
  rewards: number;
}

/**
 * Play a run as the published code (5699329, scripts/main.sh) lays it out:
 *
 * - Challenger phase: one half of the GPUs rolls out and then trains, the other answers, a static share of the questions each.
 *   One after another in every step: roll out, answer, update.
 * - Questions: all GPUs write, and then answer, a static share each.
 * - Solver phase: the first half rolls out and then trains; the other has nothing to do.
 *
 * Left out, all in its favour: the start of its servers and trainers, copies of weights inside a step, validation, uploads,
 * and steps behind the last one.
 */
export async function playFixedSplit(split: FixedSplit): Promise<Played> {
  const { settings, half } = split;
  const time = new VirtualTime();
  const site = new Site(time, split.lengths);
  const gpus = Array.from(
    { length: 2 * half },
    (_, index) => new ActivityLog(time, `GPU ${index}`, [`${index}`], split.rows),
  );
  const engines = gpus.map((log) => new Engine(time, split.engine, split.rows, log));
  const [first, second] = [engines.slice(0, half), engines.slice(half)];
  const phases: PhaseSpan[] = [];
  const { answering, questions } = settings;

  /** Draw `n` samples of each conversation, on each engine a run of conversations of equal length. */
  const draw = async (
    on: readonly Engine[],
    conversations: readonly Conversation[],
    n: number,
    maxTokens: number,
    ...path: (string | number)[]
  ): Promise<DrawnSample[]> => {
    const share = Math.ceil(conversations.length / on.length);
    const all = conversations.flatMap((conversation, row) =>
      Array.from({ length: n }, (_, index) =>
        site.draw(conversation, seedOf(settings.seed, ...path, row), index, maxTokens),
      ),
    );
    await Promise.all(
      on.map((engine, index) => {
        const sizes = all.slice(index * share * n, (index + 1) * share * n).map(({ length }, sample) => {
          const prompt = site.promptLength(conversations[0] as Conversation);
          return { length, prompt, fresh: sample % n === 0 ? prompt : 0 };
        });
        if (sizes.length === 0) return undefined;
        return new Promise<void>((resolve) => {
          engine.draw('model', sizes, (ended) => {
            if (ended === sizes.length) resolve();
            return ended === sizes.length;
          });
        });
      }),
    );
    site.samples += all.length;
    site.tokens += all.reduce((sum, { length }) => sum + length, 0);
    return all;
  };
  const spend = (on: readonly ActivityLog[], activity: 'load' | 'score' | 'train' | 'handover', seconds: number) => {
    for (const log of on) log.spend(activity, seconds);
    return time.pass(seconds);
  };
  const asked = (texts: readonly DrawnSample[]): Conversation[] =>
    texts.flatMap(({ text }) => {
      const parsed = parseQuestion(text);
      return parsed === null ? [] : [solverConversation(parsed.question)];
    });
  /** Old log-probs where there are several updates, the reference's, and the updates, on the first half. */
  const update = async (samples: readonly DrawnSample[], prompt: number, { miniBatch, klCoef }: PhaseSettings) => {
    const trainers = gpus.slice(0, half);
    const lengths = samples.map(({ length }) => prompt + length);
    const passes = (samples.length > miniBatch ? 1 : 0) + (klCoef > 0 ? 1 : 0);
    for (let pass = 0; pass < passes; pass++)
      await spend(trainers, 'score', split.trainer.score(Int32Array.from(lengths)));
    for (let from = 0; from < lengths.length; from += miniBatch) {
      const batch = Int32Array.from(lengths.slice(from, from + miniBatch));
      await spend(trainers, 'train', split.trainer.train(batch) + split.trainer.step());
    }
  };
  const during = async (iteration: number, phase: Phase, body: () => Promise<void>): Promise<void> => {
    const span: PhaseSpan = { iteration, phase, from: time.now(), to: Number.NaN };
    phases.push(span);
    await body();
    span.to = time.now();
  };

  const iterate = async (iteration: number): Promise<void> => {
    await during(iteration, 'challenger', async () => {
      const { steps, prompts, rollouts, sampling } = settings.challenger;
      // Policy and reference on one half, while the other loads its Solver.
      await Promise.all([
        spend(gpus.slice(0, half), 'load', 2 * split.trainer.load()),
        spend(gpus.slice(half), 'load', split.engine.load()),
      ]);
      for (let step = 1; step <= steps; step++) {
        const path = ['challenger', iteration, step] as const;
        const rows = Array.from({ length: prompts }, challengerConversation);
        const texts = await draw(first, rows, rollouts, sampling.maxTokens, ...path, 'ask');
        await draw(second, asked(texts), answering.votes, answering.sampling.maxTokens, ...path, 'answer');
        await time.pass(split.rewards);
        await update(texts, split.lengths.challengerPrompt, settings.challenger);
      }
      await spend(gpus.slice(0, half), 'handover', split.trainer.write());
    });
    await during(iteration, 'questions', async () => {
      const votes = questions.votes ?? answering.votes;
      const rows = Array.from({ length: questions.candidates }, challengerConversation);
      await spend(gpus, 'load', split.engine.load());
      const texts = await draw(engines, rows, 1, questions.sampling.maxTokens, 'questions', iteration, 'ask');
      await spend(gpus, 'load', split.engine.load());
      await draw(engines, asked(texts), votes, answering.sampling.maxTokens, 'questions', iteration, 'answer');
    });
    await during(iteration, 'solver', async () => {
      const { steps, prompts, rollouts, sampling } = settings.solver;
      await spend(gpus.slice(0, half), 'load', 2 * split.trainer.load());
      for (let step = 1; step <= steps; step++) {
        const rows = Array.from({ length: prompts }, () => solverConversation(`problem of step ${step}`));
        const samples = await draw(first, rows, rollouts, sampling.maxTokens, 'solver', iteration, step);
        await update(samples, split.lengths.solverPrompt, settings.solver);
      }
      await spend(gpus.slice(0, half), 'handover', split.trainer.write());
    });
  };
  const run = async (): Promise<void> => {
    for (let iteration = 1; iteration <= settings.iterations; iteration++) await iterate(iteration);
  };
  await time.run(run());
  return {
    seconds: time.now(),
    phases,
    logs: gpus,
    samples: site.samples,
    tokens: site.tokens,
    failed: 0,
    lostTokens: 0,
  };
}
