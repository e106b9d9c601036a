import { loadConfig } from '../../../ts/config/load.ts';
import type { Settings } from '../../../ts/domain/settings.ts';
import type { LoopContext } from '../../../ts/loop/context.ts';
import { History } from '../../../ts/loop/history.ts';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import type { LoopEvent } from '../../../ts/ports/reporter.ts';
import type { Conversation } from '../../../ts/protocol/generated.ts';
import { memoryJournal } from '../../fixtures/memoryJournal.ts';
import { type Calls, scriptedWorker } from '../../fixtures/scriptedWorker.ts';

/** A loop context whose ports keep what they are given. */
export interface RecordedContext extends LoopContext {
  calls: Calls;
  events: LoopEvent[];
  // biome-ignore lint/suspicious/noExplicitAny: records of every phase, read by field in tests
  records: Map<string, any[]>;
  /** Figures on record, each with the entry's type and place. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly metrics: any[];
}

/** The mock preset's settings with changes, a scripted worker, and ports that remember. */
export function recordedContext(
  script: (conversation: Conversation, sample: number, modelId: string) => string,
  change: (settings: Settings) => void = () => {},
  exam: Partial<LoopContext['exam']> = {},
): RecordedContext {
  const settings: Settings = loadConfig({ preset: 'mock' });
  settings.storage.checkpointEvery = 1000;
  change(settings);
  const { worker, calls } = scriptedWorker(script);
  const events: LoopEvent[] = [];
  const records: RecordedContext['records'] = new Map();
  const history = new History(memoryJournal());
  let now = 0;
  return {
    settings,
    worker,
    calls,
    events,
    records,
    get metrics() {
      return history.journal.entries.flatMap(figuresOf);
    },
    history,
    exam: {
      name: 'test',
      questions: ['q1', 'q2'],
      grade: (responses) => responses.map((texts) => texts.map((text) => text.includes('\\boxed{1}'))),
      gradeMajority: (responses) => responses.map((texts) => texts[0]?.includes('\\boxed{1}') ?? false),
      ...exam,
    },
    store: {
      writeRecords: (name, lines) => {
        records.set(name, [...lines]);
        return { name, sha256: '' };
      },
      openRecords: (name) => {
        const lines: object[] = [];
        const finish = () => {
          records.set(name, lines);
          return { name, sha256: '' };
        };
        return { add: (record) => lines.push(record), finish, discard: () => {} };
      },
      emptyFolder: shortName,
      folder: shortName,
      has: () => true,
      holds: () => true,
      damageOf: () => undefined,
      tidy: () => {},
    },
    reporter: { report: (event) => events.push(event) },
    clock: { now: () => now++ },
    stopping: new AbortController().signal,
    signal: new AbortController().signal,
    mostLosses: 3,
    requestSamples: 1024,
  };
}

/** `iteration-1/models/solver` as `solver-1`. */
function shortName(name: string): string {
  return name.replace(/^iteration-(\d+)\/models\/(\w+)$/, '$2-$1');
}

function figuresOf(entry: JournalEntry): object[] {
  if (!['iteration', 'step', 'warning', 'done'].includes(entry.type)) return [];
  const { metrics, ...rest } = entry as Extract<JournalEntry, { type: 'step' }>;
  return [{ ...rest, ...metrics, kind: entry.type === 'done' ? 'phase' : entry.type }];
}

/** The last user turn of a conversation. */
export function asked(conversation: Conversation): string {
  return conversation.messages.findLast(({ role }) => role === 'user')?.content ?? '';
}
