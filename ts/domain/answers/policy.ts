export type AnswerPolicy = Readonly<Record<string, never>>;

export const POLICIES = { default: {}, strict: {}, 'math-verify': {}, prm800k: {} } as const satisfies Record<
  string,
  AnswerPolicy
>;
export type PolicyName = keyof typeof POLICIES;
