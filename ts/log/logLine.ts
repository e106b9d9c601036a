import type { LoopEvent } from '../ports/reporter.ts';
import type { LogLevel } from './levels.ts';

/** A line of a log but for what all lines have. */
export interface LogLine {
  level: Exclude<LogLevel, 'silent'>;
  /** The event's type. */
  event: string;
  message: string;
  iteration?: number;
  phase?: string;
  /** All else that the event says. */
  fields: Record<string, unknown>;
}

/** Those that come many times a second, and are for whoever looks on. */
type Fleeting = 'progress' | 'activity' | 'agreements';

/** An event as a line of a log; undefined where it is none. */
export function logLine(event: LoopEvent): LogLine | undefined {
  if (isFleeting(event)) return undefined;
  const { type, ...said } = event;
  const { iteration, phase, message: _, ...fields } = { iteration: undefined, phase: undefined, message: '', ...said };
  return {
    level: levelOf(event),
    event: type,
    message: messageOf(event),
    ...(iteration === undefined ? {} : { iteration }),
    ...(phase === undefined ? {} : { phase }),
    fields,
  };
}

function isFleeting(event: LoopEvent): event is Extract<LoopEvent, { type: Fleeting }> {
  return event.type === 'progress' || event.type === 'activity' || event.type === 'agreements';
}

function levelOf({ type }: LoopEvent): LogLine['level'] {
  if (type === 'warning' || type === 'recovery' || type === 'roll-back') return 'warn';
  return type === 'sample-question' ? 'debug' : 'info';
}

function messageOf(event: Exclude<LoopEvent, { type: Fleeting }>): string {
  switch (event.type) {
    case 'iteration-started':
      return `iteration ${event.iteration} begins`;
    case 'phase-started':
      return event.recorded === undefined
        ? `begins: ${event.note}`
        : `goes on with ${event.recorded} answers on record`;
    case 'phase-skipped':
      return 'was done before';
    case 'phase-resumed':
      return `goes on after step ${event.step}`;
    case 'step':
      return `step ${event.step} of ${event.steps}`;
    case 'sample-question':
      return 'a question, for example';
    case 'phase-ended':
      return `ended after ${event.seconds.toFixed(1)} s`;
    default:
      return event.message;
  }
}
