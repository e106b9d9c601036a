import { WorkerCallError } from '../errors.ts';

const FORMAT = 1;

/** Answers to one model's gradient verbs under their `seq`, so that a repeat is no second step. */
export class Ledger {
  private readonly answers = new Map<number, { digest: string; answer: Uint8Array }>();
  private highest = -1;

  /**
   * The stored answer to a repeat, or undefined for a new seq.
   * @param digest what names the payload
   * @throws WorkerCallError `sequence_conflict` for a known seq with another payload, and for a new one
   *   that is not above all others
   */
  find(seq: number, digest: string): Uint8Array | undefined {
    const known = this.answers.get(seq);
    if (known?.digest === digest) return known.answer;
    if (known !== undefined) {
      throw new WorkerCallError('sequence_conflict', `seq: saw ${seq} again, with another payload`);
    }
    if (seq > this.highest) return undefined;
    throw new WorkerCallError('sequence_conflict', `seq: saw ${seq}, allowed is above ${this.highest}, or a repeat`);
  }

  record(seq: number, digest: string, answer: Uint8Array): void {
    this.answers.set(seq, { digest, answer });
    this.highest = seq;
  }

  /** As a checkpoint holds it, the same as py_worker/rzero_worker/ledger.py writes. */
  dump(): string {
    const answers = [...this.answers].map(([seq, { digest, answer }]) => ({
      seq,
      digest,
      answer: Buffer.from(answer).toString('base64'),
    }));
    return JSON.stringify({ format: FORMAT, highest: this.highest, answers });
  }

  /** What {@link dump} wrote. @throws Error that says what is wrong */
  static parse(text: string): Ledger {
    const { format, highest, answers } = JSON.parse(text) as {
      format?: unknown;
      highest: number;
      answers: { seq: number; digest: string; answer: string }[];
    };
    if (format !== FORMAT) throw new Error(`the ledger's format is ${JSON.stringify(format)}, allowed is ${FORMAT}`);
    const ledger = new Ledger();
    for (const { seq, digest, answer } of answers) ledger.record(seq, digest, Buffer.from(answer, 'base64'));
    ledger.highest = highest;
    return ledger;
  }
}
