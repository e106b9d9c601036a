import { createColors } from 'picocolors';
import type { Clock } from '../ports/clock.ts';
import type { Activity } from '../ports/reporter.ts';
import { phaseLeft } from './eta.ts';
import { LiveBlock } from './liveBlock.ts';
import type { Terminal } from './terminal.ts';
import { amount, duration, oneLine, padStart, plural, shorten, wrap } from './text.ts';
import { PhaseThroughput } from './throughput.ts';

export interface EvalProgressOptions {
  /** Takes text as it is to appear, line ends included. */
  write: (text: string) => void;
  terminal: Terminal;
  clock: Clock;
  /** What the workers have done. */
  activity(): Activity;
  /** Responses that each benchmark takes, by its title. */
  totals: ReadonlyMap<string, number>;
}

/** Seconds between two drawings of a live line, and between two lines where they cannot be redrawn. */
const LIVE_INTERVAL = 0.1;
const PLAIN_INTERVAL = 5;

/** Shows people how far a model is with its benchmarks: one line that is redrawn, or a line every five seconds. */
export class EvalProgress {
  private readonly options: EvalProgressOptions;
  private readonly block: LiveBlock;
  private readonly done = new Map<string, number>();
  private readonly total: number;
  private readonly started: number;
  private readonly throughput: PhaseThroughput;
  /** Share that was on record: what goes on makes its pace from there. */
  private recorded: number | undefined;
  private shownAt: number;

  constructor(options: EvalProgressOptions) {
    this.options = options;
    this.block = new LiveBlock(options.write, () => options.terminal.width());
    this.total = [...options.totals.values()].reduce((sum, count) => sum + count, 0);
    this.started = options.clock.now();
    this.shownAt = this.started;
    this.throughput = new PhaseThroughput(this.started, options.activity());
  }

  /** @param done responses of a benchmark that are there */
  advance(title: string, done: number): void {
    this.done.set(title, done);
    const all = this.done.size === this.options.totals.size;
    if (all) this.recorded ??= this.share();
    const now = this.options.clock.now();
    const { live } = this.options.terminal;
    if (now - this.shownAt < (live ? LIVE_INTERVAL : PLAIN_INTERVAL)) return;
    this.shownAt = now;
    this.throughput.add(now, this.options.activity());
    if (live) this.block.draw([this.line(now)]);
    else this.options.write(`${this.line(now)}\n`);
  }

  /** Say something that stays. */
  tell(message: string): void {
    const { terminal, write } = this.options;
    const { dim } = createColors(terminal.colour);
    const lines = wrap(oneLine(message), terminal.width() - 1).map(dim);
    if (terminal.live) this.block.above(lines);
    else write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Nothing more is to come. */
  close(): void {
    if (this.options.terminal.live) this.block.draw([]);
  }

  private share(): number {
    const done = [...this.done.values()].reduce((sum, count) => sum + count, 0);
    return this.total === 0 ? 1 : done / this.total;
  }

  private line(now: number): string {
    const elapsed = now - this.started;
    const share = this.share();
    const left = phaseLeft({ elapsed, share }, { elapsed: 0, share: this.recorded ?? 0 });
    const under = [...this.options.totals].filter(([title, total]) => (this.done.get(title) ?? 0) < total);
    const { mean } = this.throughput.read();
    const parts = [
      `${padStart(String(Math.round(share * this.total)), String(this.total).length)}/${plural(this.total, 'responses')}`,
      duration(elapsed),
      ...(left === undefined ? [] : [`${duration(left)} left`]),
      ...(mean === undefined ? [] : [`${amount(Math.round(mean))} tokens/s`]),
      ...(under.length === 0 ? ['grading'] : [under.map(([title]) => title).join(', ')]),
    ];
    return shorten(parts.join('  '), this.options.terminal.width() - 1);
  }
}
