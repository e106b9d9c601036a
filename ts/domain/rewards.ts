/** The library entry `rzero/rewards`: what a reward module is given, and the published rewards. Pure functions. */
export { METHODS, type Method } from './published.ts';
export {
  type ChallengerReward,
  type ChallengerRule,
  challengerReward,
  type SolverRule,
  solverReward,
} from './reward.ts';
export { type ChallengerRewardFunction, type Proposal, type ScoredProposal, scoreBatch } from './score.ts';
export type { Vote } from './vote.ts';
