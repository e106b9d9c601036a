import { WorkerCallError } from '../errors.ts';

/** Answers to one model's gradient verbs under their `seq`, so that a repeat is no second step. */
export class Ledger {
  private readonly answers = new Map<number, { payload: Buffer; answer: Uint8Array }>();
  private highest = -1;

  /**
   * The stored answer to a repeat, or undefined for a new seq.
   * @throws WorkerCallError `sequence_conflict` for a known seq with another payload, and for a new one
   *   that is not above all others
   */
  find(seq: number, payload: Buffer): Uint8Array | undefined {
    const known = this.answers.get(seq);
    if (known?.payload.equals(payload)) return known.answer;
    if (known !== undefined) {
      throw new WorkerCallError('sequence_conflict', `seq: saw ${seq} again, with another payload`);
    }
    if (seq > this.highest) return undefined;
    throw new WorkerCallError('sequence_conflict', `seq: saw ${seq}, allowed is above ${this.highest}, or a repeat`);
  }

  record(seq: number, payload: Buffer, answer: Uint8Array): void {
    this.answers.set(seq, { payload, answer });
    this.highest = seq;
  }
}
