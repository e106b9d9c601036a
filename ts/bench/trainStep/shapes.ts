/** What a step is trained on, in tokens. */
export interface Shape {
  prompts: number;
  /** Completions of a prompt. */
  group: number;
  promptLength: number;
  /** Of the longest completion. */
  completionLength: number;
  /** Whether completions differ in length. */
  jittered: boolean;
}

export const SHAPES = {
  equal: { prompts: 2, group: 8, promptLength: 32, completionLength: 128, jittered: false },
  jittered: { prompts: 2, group: 8, promptLength: 32, completionLength: 128, jittered: true },
  /** As the Challenger is trained: one long prompt for all. */
  challenger: { prompts: 1, group: 16, promptLength: 256, completionLength: 64, jittered: false },
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof SHAPES;
