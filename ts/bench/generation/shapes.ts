/** What is asked for. */
export interface Shape {
  prompts: number;
  /** Of each prompt. */
  samples: number;
  /** Most tokens of a sample. */
  maxTokens: number;
  /** Each sample ends after so many tokens to `maxTokens`, by its own draw; undefined: all after `maxTokens`. */
  minTokens?: number;
  /** Whether samples also end where the model ends them. */
  ends: boolean;
  /** Tokens of a prompt, at random; undefined: problems of the embedded domain, or as long as those. */
  promptLength?: number;
}

export const SHAPES = {
  /** As the Solver answers. */
  groups: { prompts: 64, samples: 8, maxTokens: 64, ends: true },
  /** The same batch and lengths for every side. */
  full: { prompts: 64, samples: 8, maxTokens: 64, ends: false },
  jittered: { prompts: 64, samples: 8, maxTokens: 128, minTokens: 8, ends: false },
  /** As the Challenger asks: one long prompt for all. */
  shared: { prompts: 1, samples: 64, maxTokens: 64, ends: false, promptLength: 256 },
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof SHAPES;
