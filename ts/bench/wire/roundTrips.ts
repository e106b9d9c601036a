import { startFileSide } from './fileSide.ts';
import { startListSide } from './listSide.ts';
import { startPackedSide } from './packedSide.ts';
import { forwardParams, trainBatch, trainParams } from './payloads.ts';
import type { Side } from './side.ts';
import { type Times, timeInTurns } from './timing.ts';

export type Call = 'ping' | 'small' | 'forward' | 'train';

/** Times by call and side. A ping has no counterpart on the other sides. */
export type RoundTrips = Record<Call, Record<string, Times>>;

export interface RoundTripOptions {
  python: string;
  /** Sequences of a large call, and tokens of each. */
  sequences: number;
  length: number;
  /** Of a large call. */
  repeats: number;
}

/** Small calls are made this many times as often as large ones. */
const SMALL_REPEATS = 10;

/** Time there and back, for each side: a small `forward`, a large one, and a batch to train on. */
export async function measureRoundTrips(options: RoundTripOptions): Promise<RoundTrips> {
  const { python, sequences, length, repeats } = options;
  const sides: Side[] = [];
  try {
    const packed = await startPackedSide(python);
    sides.push(packed, await startListSide(python), await startFileSide(python));
    const each = <T>(make: (side: Side) => () => Promise<T>): Record<string, () => Promise<T>> =>
      Object.fromEntries(sides.map((side) => [side.name, make(side)]));
    const large = forwardParams(sequences, length);
    const batch = trainParams(trainBatch(sequences, length), 0);
    for (const side of sides) await assertAnswers(side, large.tokens.length, side.forward(large));
    return {
      ping: await timeInTurns({ [packed.name]: packed.ping }, repeats * SMALL_REPEATS),
      small: await timeInTurns(
        each((side) => side.forward(forwardParams(1, 16))),
        repeats * SMALL_REPEATS,
      ),
      forward: await timeInTurns(
        each((side) => side.forward(large)),
        repeats,
      ),
      train: await timeInTurns(
        each((side) => side.train(batch)),
        repeats,
      ),
    };
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}

/** All sides must do the same work: answer with the log-probs that the programs make up. */
async function assertAnswers(side: Side, count: number, call: () => Promise<Float32Array>): Promise<void> {
  const seen = await call();
  const wrong = seen.findIndex((logprob, index) => logprob !== Math.fround(-Math.log1p(index % 997)));
  if (seen.length !== count || wrong !== -1) {
    throw new Error(`${side.name}: saw ${seen.length} log-probs, expected ${count}; the first wrong one: ${wrong}`);
  }
}
