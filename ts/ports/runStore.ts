/** JSON lines that are written as they come, and appear under their name when all are there. */
export interface RecordFile {
  add(record: object): void;
  /** All are there. */
  finish(): void;
  /** What is not finished goes; after `finish` there is nothing to do. */
  discard(): void;
}

/** Where a run leaves what it made. Names are relative, `/`-separated; the loop knows no path. */
export interface RunStore {
  /** Append one line to metrics.jsonl. */
  appendMetrics(record: object): void;
  /** Write JSON lines under a name, whole or not at all. */
  writeRecords(name: string, records: Iterable<object>): void;
  /** Begin to write JSON lines under a name. */
  openRecords(name: string): RecordFile;
  /** Write one JSON document under a name, whole or not at all. */
  writeDocument(name: string, document: object): void;
  /** The folder for a model, to be handed to the worker unread. */
  modelFolder(iteration: number, role: 'challenger' | 'solver'): string;
}
