/** Where a run leaves what it made. Names are relative, `/`-separated; the loop knows no path. */
export interface RunStore {
  /** Append one line to metrics.jsonl. */
  appendMetrics(record: object): void;
  /** Write JSON lines under a name, whole or not at all. */
  writeRecords(name: string, records: Iterable<object>): void;
  /** Write one JSON document under a name, whole or not at all. */
  writeDocument(name: string, document: object): void;
  /** The folder for a model, to be handed to the worker unread. */
  modelFolder(iteration: number, role: 'challenger' | 'solver'): string;
}
