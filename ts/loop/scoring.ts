import type { Scores } from '../domain/datum.ts';
import { joinBatches } from '../domain/samples.ts';
import type { SampleBatch } from '../protocol/generated.ts';
import { heardLater } from './later.ts';

/**
 * Samples that are scored together, or as many as a request has: a trainer that is cut up over GPUs gathers all its
 * weights for every call, whatever is in it.
 */
const SAMPLES = 512;

/** What is known of the requests that a step's samples come from. */
export interface Requests {
  /** How many conversations there are, and how many a request has. */
  conversations: number;
  perRequest: number;
  /** Samples a conversation. */
  n: number;
  /** Whether some may never be answered. */
  cut: boolean;
}

/** A request's samples, and where their scores go. */
interface Part {
  first: number;
  batch: SampleBatch;
  resolve(scores: Scores | Promise<Scores>): void;
}

/**
 * Scores a step's samples while others are still drawn, those of a few neighbouring requests in one call. Which go
 * together depends on the requests alone, so that a run repeats itself; where some may never come, each goes alone.
 */
export class Scoring {
  private readonly score: (batch: SampleBatch) => Promise<Scores>;
  private readonly requests: Requests;
  /** Requests of a call. */
  private readonly together: number;
  private readonly waiting = new Map<number, Part[]>();

  constructor(score: (batch: SampleBatch) => Promise<Scores>, requests: Requests) {
    this.score = score;
    this.requests = requests;
    const { perRequest, n, cut } = requests;
    this.together = cut ? 1 : Math.max(1, Math.floor(SAMPLES / (perRequest * n)));
  }

  /**
   * Have samples scored, as soon as those that go with them are there.
   * @param first the number of the request's first conversation
   */
  add(batch: SampleBatch, first: number): Promise<Scores> {
    return heardLater(
      new Promise<Scores>((resolve) => {
        const unit = Math.floor(first / (this.requests.perRequest * this.together));
        const parts = [...(this.waiting.get(unit) ?? []), { first, batch, resolve }];
        this.waiting.set(unit, parts);
        if (parts.length < this.sizeOf(unit)) return;
        this.waiting.delete(unit);
        this.scoreAll(parts.sort((one, other) => one.first - other.first));
      }),
    );
  }

  private sizeOf(unit: number): number {
    const { conversations, perRequest } = this.requests;
    return Math.min(this.together, Math.ceil(conversations / perRequest) - unit * this.together);
  }

  private scoreAll(parts: readonly Part[]): void {
    const scores = heardLater(this.score(joinBatches(parts.map(({ batch }) => batch))));
    let start = 0;
    for (const { batch, resolve } of parts) {
      const [from, to] = [start, start + batch.tokens.length];
      start = to;
      resolve(scores.then((all) => partOf(all, from, to)));
    }
  }
}

function partOf({ old, reference }: Scores, from: number, to: number): Scores {
  return {
    ...(old && { old: old.subarray(from, to) }),
    ...(reference && { reference: reference.subarray(from, to) }),
  };
}
