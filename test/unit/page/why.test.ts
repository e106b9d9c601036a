import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../../ts/config/load.ts';
import { withoutFilter } from '../../../ts/domain/gates.ts';
import { majorityVote } from '../../../ts/domain/vote.ts';
import { whyOfCandidate, whyOfProposal } from '../../../ts/page/why.ts';

const { questions } = loadConfig({ preset: 'mock' });
const rule = {
  ...questions,
  center: 0.5,
  delta: 0.25,
  maxCharacters: 20,
  questionWords: ['prove'],
  labelWords: ['text'],
};
const vote = (votes: number, samples = 10) => ({
  label: '7',
  votes,
  samples,
  agreement: votes / samples,
  unboxed: 0,
  groups: 2,
});

describe('why a candidate was kept or dropped', () => {
  test.each([
    [{ fate: 'kept', vote: vote(6) }, 'kept: 6 of 10 answers agree, the band is 3 to 7'],
    [{ fate: 'too_easy', vote: vote(9) }, 'dropped as too easy: 9 of 10 answers agree, the band is 3 to 7'],
    [{ fate: 'too_hard', vote: vote(1) }, 'dropped as too hard: 1 of 10 answers agree, the band is 3 to 7'],
    [{ fate: 'kept', vote: vote(4, 6) }, 'kept: 4 of 6 answers agree, the band is 3 to 7 of 10'],
    [
      { fate: 'no_label', responses: ['', ''], vote: { ...vote(0), label: null, unboxed: 2 } },
      'dropped: none of its 2 answers can be a label, 2 have no box',
    ],
    [{ fate: 'malformed', text: 'x' }, 'dropped: its text has no question that can be read'],
    [{ fate: 'too_long', question: 'x'.repeat(21) }, 'dropped: it has 21 characters, 20 are allowed'],
    [{ fate: 'question_word', question: 'Prove it' }, 'dropped: it holds "prove", which no question may'],
    [{ fate: 'duplicate', question: 'x' }, 'dropped: the same was asked before it in this iteration'],
    [{ fate: 'label_word', label: 'some text' }, 'dropped: its label holds "text", which no label may'],
    [{ fate: 'own_answer' }, 'dropped: the majority answer is not the one that the Challenger gave itself'],
  ])('%j', (record, sentence) => {
    expect(whyOfCandidate(record, rule, 10)).toBe(sentence);
  });

  test('without a filter every share is in the band', () => {
    const sentence = whyOfCandidate({ fate: 'kept', vote: vote(10) }, withoutFilter(rule), 10);
    expect(sentence).toBe('kept: 10 of 10 answers agree, the band is 0 to 10');
  });
});

describe('what a reward came of', () => {
  const election = majorityVote(['7', '7', '8', null]);
  const record = { text: 'x', question: 'q', label: '7', agreement: 0.5, advantage: 0 };
  test.each([
    [
      { uncertainty: 0.6, repetition: 0.06, total: 0.54 },
      'reward 0.54: 0.60 for uncertainty less 0.06 for repetition; 2 of 4 answers agree',
    ],
    [{ uncertainty: 1, repetition: 0, total: 1 }, 'reward 1.00: 1.00 for uncertainty; 2 of 4 answers agree'],
    [
      { uncertainty: 0.1, repetition: 0.5, total: 0 },
      'reward 0.00, the least there is: 0.10 for uncertainty less 0.50 for repetition would be -0.40; 2 of 4 answers agree',
    ],
    [
      { uncertainty: 0.1, repetition: 0.5, total: 0.9 },
      "reward 0.90 by the run's own rule, where the parts are 0.10 for uncertainty less 0.50 for repetition; 2 of 4 answers agree",
    ],
    [
      { uncertainty: 0, repetition: 0, validity: 0, total: 0 },
      'reward 0.00: 0.00 for uncertainty; 2 of 4 answers agree, but not with an answer that counts as valid',
    ],
  ])('%j', (reward, sentence) => {
    expect(whyOfProposal({ ...record, reward }, election)).toBe(sentence);
  });

  test('a text without a question', () => {
    const { question: _, ...malformed } = record;
    const sentence = whyOfProposal({ ...malformed, reward: { total: -1 } }, majorityVote([]));
    expect(sentence).toBe('reward -1.00: its text has no question that can be read');
  });
});
