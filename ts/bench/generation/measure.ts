import type { Side } from '../trainStep/side.ts';

/** `generate` is transformers', plain; `scored` the same with log-probs, which ours and vLLM's always have. */
export const SIDES = ['ours', 'generate', 'scored', 'vllm'] as const;
export type SideName = (typeof SIDES)[number];

/** All samples, drawn once. */
export interface Round {
  seconds: number;
  /** Of all threads. */
  processorSeconds: number;
  /** Of all samples, those that ended them included. */
  tokens: number;
  /** The mean of the tokens' log-probs; null where a side does not tell them. */
  logprob: number | null;
}

/** What a side says when it has loaded all it needs and drawn once, or why it cannot. */
export type Ready = { versions: Record<string, string> } | { refused: string };

export type GenerationSide = Side<Round, never>;

/** The rounds of each side that could draw, and why the others could not. */
export interface Measured {
  rounds: Partial<Record<SideName, Round[]>>;
  /** Of packages. */
  versions: Record<string, string>;
  refused: Partial<Record<SideName, string>>;
}

/** The command of one side: py_worker/generation/side.py. */
export function sideCommand(python: string, name: SideName, folder: string): [string, ...string[]] {
  return [python, '-m', 'generation.side', name, folder];
}

/**
 * Draw all rounds, a round of each side in turn, so that what else the machine does hits all alike.
 * Ends the sides, whatever happens.
 */
export async function takeRounds(
  sides: Readonly<Partial<Record<SideName, GenerationSide>>>,
  rounds: number,
): Promise<Measured> {
  const entries = Object.entries(sides) as [SideName, GenerationSide][];
  const measured: Measured = { rounds: {}, versions: {}, refused: {} };
  try {
    for (const [name, side] of entries) {
      const ready = (await side.ready()) as Ready;
      if ('refused' in ready) {
        measured.refused[name] = ready.refused;
      } else {
        measured.rounds[name] = [];
        Object.assign(measured.versions, ready.versions);
      }
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, side] of entries) measured.rounds[name]?.push(await side.step());
    }
    return measured;
  } finally {
    await Promise.all(entries.map(([, side]) => side.close()));
  }
}
