import { type Logger, pino } from 'pino';
import type { Activity, LoopEvent, Reporter } from '../ports/reporter.ts';
import type { Redact } from '../secrets/redact.ts';
import type { LogLevel } from './levels.ts';
import { logLine } from './logLine.ts';

/** How a log is kept. */
export interface RunLogOptions {
  /** The file, which is appended to; its folder is made. */
  path: string;
  /** The orchestrator's attempt at the run: every line has it. */
  attempt: number;
  level: LogLevel;
  /** Takes secrets out of every text. */
  redact: Redact;
  /** Told once that the log cannot be written. */
  onTrouble(message: string): void;
}

/** Bytes that wait for a slow disk at most: what comes then is left out. */
const MOST_WAITING = 1 << 20;
/** Milliseconds that the last lines may take. */
const LAST_LINES = 2_000;

/**
 * What an attempt at a run did, as JSON lines, for machines and for whoever looks for a reason afterwards. It is written
 * behind the run's back: one that cannot be written, or not as fast, neither stops nor slows anything.
 */
export class RunLog implements Reporter {
  private readonly logger: Logger;
  private readonly destination: ReturnType<typeof pino.destination>;
  private readonly redact: Redact;
  private activity: Activity | undefined;
  private failed = false;

  constructor({ path, attempt, level, redact, onTrouble }: RunLogOptions) {
    this.redact = redact;
    this.destination = pino.destination({ dest: path, mkdir: true, sync: false, maxLength: MOST_WAITING });
    this.destination.on('error', (error: Error) => {
      if (!this.failed) onTrouble(`${path} cannot be written: ${error.message}`);
      this.failed = true;
    });
    const options = {
      level,
      base: { attempt },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
    };
    this.logger = pino(options, this.destination);
  }

  report(event: LoopEvent): void {
    if (event.type === 'activity') {
      const { type: _, ...activity } = event;
      this.activity = activity;
    }
    const line = logLine(event);
    if (line === undefined) return;
    const { level, message, fields, ...rest } = line;
    const worked = event.type === 'phase-ended' && this.activity !== undefined ? { workers: this.activity } : {};
    this.say(level, message, { ...rest, ...fields, ...worked });
  }

  /** A line beside the loop's events: how the attempt began, what was found, how it ended. */
  note(
    event: string,
    message: string,
    fields: Record<string, unknown> = {},
    level: 'info' | 'warn' | 'error' = 'info',
  ) {
    this.say(level, message, { event, ...fields });
  }

  /** Wait until all is written, but not for long. */
  async close(): Promise<void> {
    if (this.failed) {
      this.destination.destroy();
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LAST_LINES);
      const over = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.destination.once('close', over);
      this.destination.once('error', over);
      this.destination.end();
    });
  }

  private say(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void {
    try {
      this.logger[level](this.clean(fields) as object, this.redact(message));
    } catch {
      // The destination has said why.
    }
  }

  private clean(value: unknown): unknown {
    if (typeof value === 'string') return this.redact(value);
    if (Array.isArray(value)) return value.map((one) => this.clean(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.clean(inner)]));
  }
}
