import type { CurriculumRule } from './gates.ts';
import type { ChallengerRule, SolverRule } from './reward.ts';

/** What one published version of R-Zero decides: rewards, and which questions the Solver is trained on. */
export interface Method {
  readonly challenger: ChallengerRule;
  readonly curriculum: CurriculumRule;
  readonly solver: SolverRule;
}

/** arXiv 2508.05004: the sections on uncertainty reward, repetition penalty, format check, composite, filter, Solver. */
const paper = {
  challenger: {
    parsing: 'strict',
    echo: 'allowed',
    voting: 'paper',
    uncertainty: { peak: 1, slope: 2 }, // 1 - 2 |p - 1/2|
    validity: 'none',
    validAbove: 0,
    repetitionWeight: 1,
    repetition: { similarity: 'bleu', threshold: 0.5, linkage: 'average', memory: 0 }, // tau_BLEU, section 3.2
    floor: 0,
    malformed: 0,
    malformedRepeats: false,
  },
  curriculum: {
    parsing: 'strict',
    voting: 'paper',
    center: 0.5, // |p - 1/2| <= 1/4: 3 to 7 of 10
    delta: 0.25,
    maxCharacters: 0,
    duplicates: 'keep',
    questionWords: [],
    labelWords: [],
    ownAnswer: 'ignored',
  },
  solver: { accuracy: 1, format: 0 },
} as const satisfies Method;

/** The authors' repository at 5699329 (2026-02-04): caller_penalty.py, start_vllm_server.py, evaluate.py, upload.py, math.py. */
const repoHead = {
  challenger: {
    ...paper.challenger,
    parsing: 'published-reward',
    voting: 'repo-head',
    uncertainty: { peak: 0.5, slope: 1 }, // min(p, 1 - p)
    floor: null,
    malformed: -1,
    malformedRepeats: true,
  },
  curriculum: {
    ...paper.curriculum,
    parsing: 'published-questions',
    voting: 'repo-labels',
    center: 0.55, // 0.3 <= p <= 0.8: 3 to 7 of 9
    questionWords: ['证明', 'box'],
    labelWords: ['text'],
  },
  solver: { accuracy: 0.9, format: 0.1 },
} as const satisfies Method;

/** The same before its commit 9409808 (2025-12-10), public from August 2025: p counts only behind a gate. */
const repo2025 = {
  ...repoHead,
  challenger: { ...repoHead.challenger, voting: 'repo-2025', validity: 'last-character', validAbove: 0.1 },
} as const satisfies Method;

/** The three algorithms that go by the name of R-Zero. */
export const METHODS = { paper, 'repo-head': repoHead, 'repo-2025': repo2025 } as const satisfies Record<
  string,
  Method
>;
