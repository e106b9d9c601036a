/** The library entry `rzero/answers`: extract, compare and vote on answers. Pure functions, bounded on any input. */
export { type Election, majorityVote, VOTE_RULES, type Vote, type VoteOptions, type VoteRules } from '../vote.ts';
export { compareAnswers, type Verdict } from './compare.ts';
export {
  type Echo,
  EXTRACTION_RULES,
  type ExtractionRule,
  type ExtractionStep,
  extractAnswer,
} from './extract.ts';
export { type GradeOptions, gradeTexts } from './grade.ts';
export { classesOf } from './key.ts';
export { type AnswerPolicy, POLICIES, type PolicyName } from './policy.ts';
