/** How a rule grader and a judge mark the same responses. */
export interface Agreement {
  /** Responses that both call right, and both wrong. */
  bothRight: number;
  bothWrong: number;
  /** Responses that the judge gives a point: right by the judge alone. */
  given: number;
  /** Responses that the judge takes a point from: right by the rule alone. */
  taken: number;
  /** Responses without a verdict of the judge; they count in none of the figures. */
  missing: number;
  /** Share of judged responses on which both agree, [0, 1]; null where none was judged. */
  agreement: number | null;
  /**
   * Cohen's kappa (1960), (p - e) / (1 - e): agreement p beyond the e that two who mark at random as often right would
   * have, [-1, 1]. Null where nothing was judged, and where both always say the same one thing: nothing to agree beyond.
   */
  kappa: number | null;
}

/**
 * The two-way table of two graders.
 *
 * @param rule whether each response is right by the rule
 * @param judge the same by the judge, in the same order; null without a verdict
 */
export function agreementOf(rule: readonly boolean[], judge: readonly (boolean | null)[]): Agreement {
  const table = { bothRight: 0, bothWrong: 0, given: 0, taken: 0, missing: 0 };
  for (const [i, right] of rule.entries()) {
    const judged = judge[i] ?? null;
    if (judged === null) table.missing += 1;
    else if (judged === right) table[right ? 'bothRight' : 'bothWrong'] += 1;
    else table[judged ? 'given' : 'taken'] += 1;
  }
  const { bothRight, bothWrong, given, taken } = table;
  const judged = bothRight + bothWrong + given + taken;
  if (judged === 0) return { ...table, agreement: null, kappa: null };
  // (p - e) / (1 - e), multiplied by the square of the number judged: whole numbers until the last division.
  const chance = (bothRight + given) * (bothRight + taken) + (bothWrong + given) * (bothWrong + taken);
  const beyond = judged ** 2 - chance;
  return {
    ...table,
    agreement: (bothRight + bothWrong) / judged,
    kappa: beyond === 0 ? null : (judged * (bothRight + bothWrong) - chance) / beyond,
  };
}
