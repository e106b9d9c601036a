import type { PhaseSettings } from '../domain/settings.ts';
import type { Finding } from '../domain/warnings/judge.ts';
import type { Checkpoint, FileMark, JournalEntry, ModelMark } from '../ports/journal.ts';
import { type LoopContext, tellRecovery } from './context.ts';
import { ReplayDiverged, Stopped } from './errors.ts';
import { asNumbers, type PhaseHistory } from './history.ts';
import type { PhaseScope } from './phase.ts';
import { loadPolicy, type Policy, unloadPolicy } from './policy.ts';
import type { Intent, StepScope } from './policyUpdate.ts';
import { modelName } from './sources.ts';
import { obey, watch } from './watch.ts';
import { failedWith } from './workerFailure.ts';

/** What one step came to, and the records that it left. */
export interface StepResult {
  metrics: Record<string, number>;
  files: FileMark[];
}

/** Files of a step are sorted by its number. */
export function paddedStep(step: number): string {
  return String(step).padStart(3, '0');
}

/**
 * A policy in training through the steps of a phase. After every few steps all it takes to go on is written down and
 * committed to the journal; a phase that began before goes on from the last such point that is intact, and does the
 * steps after it again, from what is on record.
 */
export class Training {
  readonly policy: Policy;
  private readonly context: LoopContext;
  private readonly scope: PhaseScope;
  private readonly role: 'challenger' | 'solver';
  /** The last step that is behind it, and the last one that it can go on from. */
  private step: number;
  private committed: number;

  private constructor(
    context: LoopContext,
    scope: PhaseScope,
    role: 'challenger' | 'solver',
    policy: Policy,
    step: number,
  ) {
    this.context = context;
    this.scope = scope;
    this.role = role;
    this.policy = policy;
    this.step = step;
    this.committed = step;
  }

  /** Load a policy from `start`, and bring it to where the phase was. */
  static async begin(
    context: LoopContext,
    scope: PhaseScope,
    role: 'challenger' | 'solver',
    start: string,
    settings: PhaseSettings,
  ): Promise<Training> {
    const load = () => loadPolicy(context, role, start, settings);
    const policy = await load();
    const past = context.history.phase(scope.iteration, scope.phase);
    let tried = false;
    for (const point of pointsOf(context, past)) {
      try {
        await restore(context, policy, point);
        scope.report({ type: 'phase-resumed', iteration: scope.iteration, phase: scope.phase, step: point.step });
        return new Training(context, scope, role, policy, point.step);
      } catch (error) {
        if (!failedWith(error, 'io_error')) throw error;
        tried = true;
        const where = `iteration ${scope.iteration}, ${scope.phase}`;
        tellRecovery(context, `${where}: the checkpoint after step ${point.step} cannot be used: ${error.message}`);
      }
    }
    // A part of a checkpoint may have been loaded.
    return new Training(context, scope, role, tried ? await load() : policy, 0);
  }

  /**
   * Make the steps that are not behind it, and say what each came to, the earlier ones too.
   *
   * @param steps so many are wanted by the settings
   * @param last so many there are
   * @throws Stopped or StoppedByWarning after a step that the phase can go on from; whatever `make` throws
   */
  async run(
    steps: number,
    last: number,
    make: (step: number, within: StepScope) => Promise<StepResult>,
  ): Promise<StepResult[]> {
    const { history, settings, stopping } = this.context;
    const { scope } = this;
    const past = history.phase(scope.iteration, scope.phase);
    const results = Array.from({ length: this.step }, (_, index): StepResult => {
      const { metrics, files } = past.steps.get(index + 1) as Extract<JournalEntry, { type: 'step' }>;
      return { metrics: asNumbers(metrics), files };
    });
    for (const { metrics } of results.slice(-1)) this.report(this.step, steps, metrics);
    for (const [index, { metrics }] of results.entries()) obey(this.watch(index + 1, metrics), scope);
    while (this.step < last) {
      const step = this.step + 1;
      const result = await this.make(step, make);
      results.push(result);
      this.step = step;
      this.record(past, step, result);
      this.report(step, steps, result.metrics);
      const findings = this.watch(step, result.metrics);
      if (step === last) break;
      const stops = stopping.aborted || findings.some(({ action }) => action === 'stop');
      if (step % settings.storage.checkpointEvery === 0 || stops) await this.commit();
      obey(findings, scope);
      if (stopping.aborted) throw new Stopped();
    }
    return results;
  }

  /** Write the trained model down, and free it. */
  async finish(): Promise<ModelMark> {
    const { worker, store, signal } = this.context;
    const name = modelName(this.scope.iteration, this.role);
    const { modelId } = this.policy;
    const path = store.emptyFolder(name);
    const { manifestSha256 } = await worker.saveCheckpoint({ modelId, path, withOptimizer: false }, { signal });
    await unloadPolicy(worker, this.policy, { signal });
    return { name, manifestSha256 };
  }

  /** One step. What is told to stop before its first update is left, and what came before is kept. */
  private async make(
    step: number,
    make: (step: number, within: StepScope) => Promise<StepResult>,
  ): Promise<StepResult> {
    const { scope } = this;
    let updating = false;
    const within: StepScope = {
      step,
      options: scope.call,
      warn: scope.warn,
      intend: (intent) => {
        updating = true;
        scope.hold();
        this.intend(step, intent);
      },
    };
    try {
      return await make(step, within);
    } catch (error) {
      const { stopping, signal } = this.context;
      if (stopping.aborted && !signal.aborted && !updating) {
        if (this.committed < this.step) await this.commit();
        throw new Stopped();
      }
      throw error;
    } finally {
      scope.letGo();
    }
  }

  /** Put an update on record before it is made. */
  private intend(step: number, { update, seq, batch, credit }: Intent): void {
    const { history } = this.context;
    const { iteration, phase } = this.scope;
    const digest = history.journal.digest(batch);
    const known = history.phase(iteration, phase).updates.get(`${step}.${update}`);
    if (known !== undefined) {
      if (known.batch === digest && known.seq === seq) return;
      throw new ReplayDiverged(`iteration ${iteration}, ${phase}, step ${step}, update ${update}`);
    }
    const intent = { type: 'update', iteration, phase, step, update, seq, batch: digest } as const;
    history.record({ ...intent, credit: history.put(credit) }, true);
  }

  private record(past: PhaseHistory, step: number, { metrics, files }: StepResult): void {
    const { iteration, phase } = this.scope;
    const entry = { type: 'step', iteration, phase, step, metrics, files } as const;
    // Where a device computes the same otherwise, what counts is what the weights come from.
    if (JSON.stringify(past.steps.get(step)) !== JSON.stringify(entry)) this.context.history.record(entry);
  }

  private watch(step: number, metrics: Record<string, number>): Finding[] {
    const { iteration, phase } = this.scope;
    return watch(this.context, { iteration, phase, step, metrics });
  }

  private report(step: number, steps: number, metrics: Record<string, number>): void {
    const { iteration, phase } = this.scope;
    this.scope.report({ type: 'step', iteration, phase, step, steps, metrics });
  }

  /** Make the present state a point that the phase can go on from. */
  private async commit(): Promise<void> {
    const { worker, store, history, signal } = this.context;
    const { iteration, phase } = this.scope;
    const { modelId, referenceId, referenceShare, seq, weightsVersion, referenceVersion } = this.policy;
    const write = async (id: string, withOptimizer: boolean, version: number): Promise<Checkpoint> => {
      const name = `iteration-${iteration}/checkpoints/${phase}-${paddedStep(this.step)}/${id}`;
      const path = store.emptyFolder(name);
      const { manifestSha256 } = await worker.saveCheckpoint({ modelId: id, path, withOptimizer }, { signal });
      return { modelId: id, name, manifestSha256, weightsVersion: version };
    };
    const models = [await write(modelId, true, weightsVersion)];
    if (referenceId !== undefined && referenceShare !== undefined) {
      models.push(await write(referenceId, false, referenceVersion));
    }
    history.record({ type: 'checkpoint', iteration, phase, step: this.step, seq, models }, true);
    this.committed = this.step;
    store.tidy();
  }
}

type Point = Extract<JournalEntry, { type: 'checkpoint' }>;

/** Points to go on from, the latest first: those whose steps all left what they were to leave. */
function pointsOf({ store }: LoopContext, { checkpoints, steps }: PhaseHistory): Point[] {
  const damaged = [...steps.values()].find(({ files }) => files.some((file) => !store.holds(file)));
  return checkpoints.filter(({ step }) => step < (damaged?.step ?? Number.POSITIVE_INFINITY)).reverse();
}

/** @throws WorkerCallError `io_error` where a checkpoint is damaged or gone */
async function restore({ worker, store, signal }: LoopContext, policy: Policy, { models, seq }: Point): Promise<void> {
  for (const { modelId, name, manifestSha256, weightsVersion } of models) {
    await worker.loadCheckpoint({ modelId, path: store.folder(name), manifestSha256, weightsVersion }, { signal });
    if (modelId === policy.modelId) policy.weightsVersion = weightsVersion;
    else policy.referenceVersion = weightsVersion;
  }
  policy.seq = seq;
}
