import type { ActivityLog } from './activity.ts';
import { Agenda } from './agenda.ts';
import type { Appointment, VirtualTime } from './virtualTime.ts';

/** How long an engine takes. */
export interface EnginePace {
  /** Seconds for one token of each of `rows` samples whose contexts are `contextTokens` long together. */
  decode(rows: number, contextTokens: number): number;
  /** Seconds for the keys and values of a prompt. */
  prefill(tokens: number): number;
}

/** A sample to draw: how long its prompt is, and how long it will be. */
export interface SampleSize {
  /** Tokens of its prompt whose keys and values nobody has computed yet; they are in `prompt` too. */
  fresh: number;
  prompt: number;
  length: number;
}

interface Batch {
  model: string;
  samples: readonly SampleSize[];
  /** How many have begun, how many have ended, and the tokens of the latter. */
  begun: number;
  ended: number;
  tokens: number;
  /** Called when one has ended; true where somebody outside is told. */
  onEnded(ended: number): boolean;
  isCancelled: boolean;
}

interface Row {
  batch: Batch;
  prompt: number;
  /** The engine's step at which it began. */
  since: number;
}

/** Rows of a model that are decoded side by side. */
interface Load {
  rows: number;
  /** Tokens that all their contexts hold. */
  context: number;
}

/**
 * An inference engine that batches continuously: samples take a free row in the order in which they were asked for, each row
 * gets a token a step, and a sample that ends leaves its row at once. Rows of several models take steps in turn.
 *
 * Events are the ends of samples and new work. In between, the length of a step changes slowly, with the contexts: it is taken
 * as that in the middle, which is exact where time grows linearly with the context. A step may be left in its middle.
 */
export class Engine {
  private readonly time: VirtualTime;
  private readonly pace: EnginePace;
  private readonly rows: number;
  private readonly log: ActivityLog;
  private readonly waiting: Batch[] = [];
  private readonly running = new Agenda<Row>();
  private readonly loads = new Map<string, Load>();
  private active = 0;
  /** Steps taken; what is true was so at `since`. */
  private step = 0;
  private since = 0;
  /** Seconds of prefill that are to pass before the next step. */
  private owed = 0;
  /** Seconds a step, until the next event. */
  private stepSeconds = 0;
  private next: Appointment | undefined;

  /** @param rows samples side by side, at least 1 */
  constructor(time: VirtualTime, pace: EnginePace, rows: number, log: ActivityLog) {
    this.time = time;
    this.pace = pace;
    this.rows = rows;
    this.log = log;
  }

  /**
   * Draw samples.
   * @param onEnded called whenever one has ended, with their number; returns whether anybody outside goes on for that
   * @returns `cancel` ends it: its rows are free at once, and what was drawn, so many tokens, is lost
   */
  draw(model: string, samples: readonly SampleSize[], onEnded: (ended: number) => boolean): { cancel(): number } {
    const batch: Batch = { model, samples, begun: 0, ended: 0, tokens: 0, onEnded, isCancelled: false };
    this.catchUp();
    this.waiting.push(batch);
    this.goOn();
    return {
      cancel: () => {
        this.catchUp();
        batch.isCancelled = true;
        const lost = this.clear(batch);
        this.goOn();
        return lost;
      },
    };
  }

  /** Take the steps that were taken since the last event. */
  private catchUp(): void {
    const seconds = this.time.now() - this.since;
    this.since = this.time.now();
    if (this.active === 0) return;
    const owed = Math.min(seconds, this.owed);
    this.owed -= owed;
    if (this.stepSeconds > 0) this.advance((seconds - owed) / this.stepSeconds);
  }

  private advance(steps: number): void {
    this.step += steps;
    for (const load of this.loads.values()) load.context += load.rows * steps;
  }

  private goOn(): void {
    this.fill();
    this.next?.cancel();
    this.next = undefined;
    this.log.rows(this.active);
    if (this.active === 0) return;
    const steps = Math.max(0, this.running.first - this.step);
    this.stepSeconds = 0;
    for (const { rows, context } of this.loads.values()) {
      if (rows > 0) this.stepSeconds += this.pace.decode(rows, context + (rows * steps) / 2);
    }
    this.next = this.time.at(this.time.now() + this.owed + steps * this.stepSeconds, () => this.end());
  }

  /** The samples that end now do. */
  private end(): boolean {
    const last = this.running.first;
    this.advance(last - this.step);
    this.step = last;
    this.since = this.time.now();
    this.owed = 0;
    let isHeard = false;
    while (this.running.first <= last) {
      const row = this.running.take() as Row;
      this.leave(row);
      row.batch.ended += 1;
      row.batch.tokens += this.step - row.since;
      if (row.batch.onEnded(row.batch.ended)) isHeard = true;
    }
    this.goOn();
    return isHeard;
  }

  private leave({ batch, prompt, since }: Row): void {
    const load = this.loads.get(batch.model) as Load;
    load.rows -= 1;
    load.context -= prompt + this.step - since;
    this.active -= 1;
    if (load.rows === 0) this.loads.delete(batch.model);
  }

  private fill(): void {
    for (let [batch] = this.waiting; batch !== undefined && this.active < this.rows; [batch] = this.waiting) {
      const sample = batch.samples[batch.begun];
      if (batch.isCancelled || sample === undefined) {
        this.waiting.shift();
        continue;
      }
      batch.begun += 1;
      const load = this.loads.get(batch.model) ?? { rows: 0, context: 0 };
      this.loads.set(batch.model, load);
      load.rows += 1;
      load.context += sample.prompt;
      this.active += 1;
      if (sample.fresh > 0) this.owed += this.pace.prefill(sample.fresh);
      this.running.add(this.step + sample.length, { batch, prompt: sample.prompt, since: this.step });
    }
  }

  /** Free the rows of a batch. @returns the tokens that were drawn of it */
  private clear(batch: Batch): number {
    const others: [number, Row][] = [];
    let lost = batch.tokens;
    while (this.running.size > 0) {
      const ends = this.running.first;
      const row = this.running.take() as Row;
      if (row.batch === batch) {
        this.leave(row);
        lost += this.step - row.since;
      } else others.push([ends, row]);
    }
    for (const [ends, row] of others) this.running.add(ends, row);
    return lost;
  }
}
