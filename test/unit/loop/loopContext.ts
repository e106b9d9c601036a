import { loadConfig } from '../../../ts/config/load.ts';
import type { Settings } from '../../../ts/domain/settings.ts';
import type { LoopContext } from '../../../ts/loop/context.ts';
import type { LoopEvent } from '../../../ts/ports/reporter.ts';
import type { Conversation } from '../../../ts/protocol/generated.ts';
import { type Calls, scriptedWorker } from '../../fixtures/scriptedWorker.ts';

/** A loop context whose ports keep what they are given. */
export interface RecordedContext extends LoopContext {
  calls: Calls;
  events: LoopEvent[];
  // biome-ignore lint/suspicious/noExplicitAny: records of every phase, read by field in tests
  records: Map<string, any[]>;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  metrics: any[];
}

/** The mock preset's settings with changes, a scripted worker, and ports that remember. */
export function recordedContext(
  script: (conversation: Conversation, sample: number, modelId: string) => string,
  change: (settings: Settings) => void = () => {},
  exam: Partial<LoopContext['exam']> = {},
): RecordedContext {
  const settings: Settings = loadConfig({ preset: 'mock' });
  change(settings);
  const { worker, calls } = scriptedWorker(script);
  const events: LoopEvent[] = [];
  const records: RecordedContext['records'] = new Map();
  const metrics: RecordedContext['metrics'] = [];
  let now = 0;
  return {
    settings,
    worker,
    calls,
    events,
    records,
    metrics,
    exam: {
      name: 'test',
      questions: ['q1', 'q2'],
      grade: (responses) => responses.map((texts) => texts.map((text) => text.includes('\\boxed{1}'))),
      gradeMajority: (responses) => responses.map((texts) => texts[0]?.includes('\\boxed{1}') ?? false),
      ...exam,
    },
    store: {
      appendMetrics: (record) => metrics.push(record),
      writeRecords: (name, lines) => records.set(name, [...lines]),
      openRecords: (name) => {
        const lines: object[] = [];
        return { add: (record) => lines.push(record), finish: () => records.set(name, lines), discard: () => {} };
      },
      writeDocument: () => {},
      modelFolder: (iteration, role) => `${role}-${iteration}`,
    },
    reporter: { report: (event) => events.push(event) },
    clock: { now: () => now++ },
    signal: new AbortController().signal,
    requestSamples: 1024,
  };
}

/** The last user turn of a conversation. */
export function asked(conversation: Conversation): string {
  return conversation.messages.findLast(({ role }) => role === 'user')?.content ?? '';
}
