import { z } from 'zod';
import { VOTING_RULES } from '../domain/ballot.ts';
import type { CurriculumRule } from '../domain/gates.ts';
import { LINKAGES } from '../domain/linkage.ts';
import { PARSING_RULES } from '../domain/parse.ts';
import { METHODS } from '../domain/published.ts';
import { type ChallengerRule, type SolverRule, VALIDITY_RULES } from '../domain/reward.ts';
import { SIMILARITIES, type SimilarityName } from '../domain/similarity.ts';
import { ConfigError } from './errors.ts';

/** The schema of a Challenger reward; `module` is the file of a user's own, '' for none. */
export const challengerRule = z.strictObject({
  parsing: z.enum(PARSING_RULES).describe('what counts as a well-formed question'),
  echo: z.enum(['allowed', 'refused']).describe("whether the prompt's own words count as a question"),
  voting: z.enum(VOTING_RULES).describe('who votes, and what the share is of'),
  uncertainty: z.strictObject({
    peak: z.number().describe('of peak - slope * |p - 1/2|, p the share that agrees'),
    slope: z.number().describe('of the same'),
  }),
  validity: z.enum(VALIDITY_RULES).describe("what the Challenger's own answer decides"),
  validAbove: z.number().min(0).max(1).describe('a valid question has a p above this'),
  repetitionWeight: z.number().min(0).describe('lambda; 0 is off'),
  repetition: z.strictObject({
    similarity: z.enum(Object.keys(SIMILARITIES) as [SimilarityName, ...SimilarityName[]]).describe('of two questions'),
    threshold: z.number().gt(0).max(1).describe('clusters nearer than this are joined'),
    linkage: z.enum(LINKAGES).describe('how far two clusters are apart'),
    memory: z.int().min(0).max(100_000).describe('kept questions of earlier iterations that count in the clusters'),
  }),
  floor: z.number().nullable().describe('the least reward; null for none'),
  malformed: z.number().describe('the reward without a well-formed question'),
  malformedRepeats: z.boolean().describe('whether that pays the repetition penalty too'),
  module: z.string().describe('a module whose default export gives the rewards; "" for none'),
});

/** The schema of a Solver reward. */
export const solverRule = z.strictObject({
  accuracy: z.number().describe('for the pseudo-label'),
  format: z.number().describe('for <think>...</think>...\\boxed{...}'),
});

/** The schema of the filter between Challenger and Solver. */
export const curriculumRule = z.strictObject({
  parsing: z.enum(PARSING_RULES).describe('what counts as a well-formed question'),
  voting: z.enum(VOTING_RULES).describe('who votes, and what the share is of'),
  center: z.number().min(0).max(1).describe('the middle of the band of agreement that is kept'),
  delta: z.number().min(0).max(0.5).describe('kept iff |agreement - center| <= delta'),
  maxCharacters: z.int().min(0).describe('longest question; 0 is no limit'),
  duplicates: z.enum(['keep', 'drop']).describe('of a question that was asked before'),
  questionWords: z.array(z.string().min(1)).describe('a question that holds one is dropped'),
  labelWords: z.array(z.string().min(1)).describe('so is one whose label does'),
  ownAnswer: z.enum(['ignored', 'must-match']).describe("whether the Challenger's own answer must be the label"),
});

type Tree = { [key: string]: unknown };

/**
 * Short for a whole rule: `rewards.challenger: repo-head`, `rewards.solver: repo-head`, and
 * `rewards.challenger: ./my-reward.mjs` for a module beside the rule that was there.
 *
 * @param before the rewards that these are laid over
 * @throws ConfigError for a name that stands for nothing
 */
export function expandRewards(rewards: Tree, before: Tree): Tree {
  const expanded = { ...rewards };
  for (const role of ['challenger', 'solver'] as const) {
    const name = rewards[role];
    if (typeof name !== 'string') continue;
    const file = role === 'challenger' && /\.[cm]?[jt]s$/.test(name);
    if (Object.hasOwn(METHODS, name)) {
      expanded[role] = { ...METHODS[name as keyof typeof METHODS][role], ...(role === 'challenger' && { module: '' }) };
    } else if (file) {
      expanded[role] = { ...(before[role] as Tree), module: name };
    } else {
      const files = role === 'challenger' ? ', a file such as ./my-reward.mjs' : '';
      throw new ConfigError(
        `option "rewards.${role}" is "${name}": it must be one of ${Object.keys(METHODS).join(', ')}${files}, or a rule`,
      );
    }
  }
  return expanded;
}

// The domain's rules and their schemas must not drift apart.
((rule: z.infer<typeof challengerRule>): ChallengerRule => rule) satisfies unknown;
((rule: z.infer<typeof solverRule>): SolverRule => rule) satisfies unknown;
((rule: z.infer<typeof curriculumRule>): CurriculumRule => rule) satisfies unknown;
