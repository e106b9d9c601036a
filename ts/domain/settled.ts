import { blankLeavesShare, noBoxVotes, type Tally, tallyBy, type VotingRule, voteBy } from './ballot.ts';
import { type Band, bandFate, type Fate } from './filter.ts';

/** A label that no answer so far has. */
const NEW = '(new)';

/**
 * What all m answers will make of a question, as soon as the first ones settle it whatever the others are: the band's
 * fate, and of a kept question its label, which is then that of the first answers. Exact in both directions: null
 * iff two continuations differ, where an answer may always be one that nobody gave before; and null as long as a group
 * may still be split.
 *
 * @param answers as `voteBy` takes them
 * @param m answers in the end
 */
export function settledFate(answers: readonly (string | null)[], m: number, rule: VotingRule, band: Band): Fate | null {
  const left = m - answers.length;
  if (left <= 0) return bandFate(voteBy(rule, answers), band);
  let fate: Fate | null = null;
  let label: string | null = null;
  const tally = tallyBy(rule, answers);
  if (tally.splittable) return null;
  for (const outcome of outcomes(tally, left, m, rule)) {
    const next = bandFate(outcome, band);
    if (fate !== null && (next !== fate || (next === 'kept' && outcome.label !== label))) return null;
    fate = next;
    label = outcome.label;
  }
  return fate;
}

/** Above this many answers nobody looks for the fewest: the search takes m^3 steps and more. */
const MOST_SEARCHED = 32;

/** The fewest answers that can settle anything, 1 to m: to ask for fewer at first is in vain. 1 where m is above 32. */
export function fewestToSettle(m: number, rule: VotingRule, band: Band): number {
  if (m > MOST_SEARCHED) return 1;
  for (let n = 1; n < m; n++) {
    for (let top = 0; top <= n; top++) {
      // What settles soonest is one large group, and all others on their own or without a box.
      const group = Array.from({ length: top }, () => '1');
      const others = Array.from({ length: n - top }, (_, i) => `other ${i}`);
      const settles = (rest: (string | null)[]) => settledFate([...group, ...rest], m, rule, band) !== null;
      if (settles(others) || settles(others.map(() => null))) return n;
    }
  }
  return m;
}

/** Every winner that `left` more answers can bring about, with its votes and what the share would be of. */
function* outcomes(
  { groups, uncounted }: Tally,
  left: number,
  m: number,
  rule: VotingRule,
): Generator<{ label: string | null; votes: number; samples: number }> {
  const firstNew = groups.length;
  const rivals = [...groups, { label: NEW, votes: 0 }];
  // Where samples without a box vote, their group may still begin.
  if (noBoxVotes(rule) && !groups.some(({ label }) => label === null)) rivals.push({ label: null, votes: 0 });
  for (const [index, { label, votes }] of rivals.entries()) {
    const needed = Math.max(
      1,
      ...groups.map((group, other) => group.votes + (other < Math.min(index, firstNew) ? 1 : 0)),
    );
    for (let final = Math.max(votes, needed); final <= votes + left; final++) {
      yield* shares({ label, votes: final }, left - (final - votes), m - uncounted, m, rule);
    }
  }
  // Nobody has a vote so far, and the rest have none either.
  if (groups.length === 0) yield { label: null, votes: 0, samples: blankLeavesShare(rule) ? 0 : m };
}

/** What a winner's share can be of: of m, or less as many blank boxes as there may be among the others' answers. */
function* shares(
  winner: { label: string | null; votes: number },
  others: number,
  notBlank: number,
  m: number,
  rule: VotingRule,
): Generator<{ label: string | null; votes: number; samples: number }> {
  if (!blankLeavesShare(rule)) yield { ...winner, samples: m };
  else for (let blank = 0; blank <= others; blank++) yield { ...winner, samples: notBlank - blank };
}
