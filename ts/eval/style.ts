/** How a set of answers splits into worked and terse ones, and how often each kind is right. */
export interface StyleProfile {
  /** Answers counted. */
  answers: number;
  /** Share of answers that were worked out, [0, 1]. */
  workedShare: number;
  /** Accuracy among the worked answers, [0, 1]; null where there is none. */
  accuracyWorked: number | null;
  /** Accuracy among the terse answers, [0, 1]; null where there is none. */
  accuracyTerse: number | null;
}

/** A gain in accuracy, split in two; `choosing + slips` is the gain, exactly up to rounding of doubles. */
export interface GainParts {
  /** From working the problem out more often (or less), in accuracy, [-1, 1]. */
  choosing: number;
  /** From being right more often within each style, in accuracy, [-1, 1]. */
  slips: number;
}

/**
 * Whether a response works the problem out: it says something before its first box. A response
 * without a box counts as worked when it says anything at all.
 */
export function isWorked(response: string): boolean {
  const box = response.indexOf('\\boxed');
  return (box === -1 ? response : response.slice(0, box)).trim() !== '';
}

/**
 * @param responses response texts, `[question][sample]`
 * @param correct their marks, of the same shape
 * @throws RangeError when there is no response
 */
export function styleProfile(
  responses: readonly (readonly string[])[],
  correct: readonly (readonly boolean[])[],
): StyleProfile {
  const count = { worked: 0, workedRight: 0, terse: 0, terseRight: 0 };
  responses.forEach((texts, question) => {
    texts.forEach((text, sample) => {
      const right = correct[question]?.[sample] ? 1 : 0;
      if (isWorked(text)) {
        count.worked++;
        count.workedRight += right;
      } else {
        count.terse++;
        count.terseRight += right;
      }
    });
  });
  const answers = count.worked + count.terse;
  if (answers === 0) throw new RangeError('a style profile needs at least one response');
  return {
    answers,
    workedShare: count.worked / answers,
    accuracyWorked: count.worked === 0 ? null : count.workedRight / count.worked,
    accuracyTerse: count.terse === 0 ? null : count.terseRight / count.terse,
  };
}

/**
 * Split the gain between two evaluations into choosing to work it out and fewer slips, by the
 * symmetric shift-share identity (Kitagawa 1955). With w the worked share, a the accuracy of worked
 * and b of terse answers, accuracy is A = w a + (1 - w) b, and with means over the two evaluations
 * written in brackets,
 *
 *     A1 - A0 = (w1 - w0) ([a] - [b])                    choosing to work it out
 *             + [w] (a1 - a0) + (1 - [w]) (b1 - b0)      fewer slips
 *
 * A style that one evaluation never used has no accuracy there; it takes the other evaluation's, so
 * that nothing is credited to a change that was not seen. The identity holds all the same, because
 * the style's share is 0 where its accuracy was made up.
 */
export function splitGain(before: StyleProfile, after: StyleProfile): GainParts {
  const a0 = before.accuracyWorked ?? after.accuracyWorked ?? 0;
  const a1 = after.accuracyWorked ?? a0;
  const b0 = before.accuracyTerse ?? after.accuracyTerse ?? 0;
  const b1 = after.accuracyTerse ?? b0;
  const worked = (before.workedShare + after.workedShare) / 2;
  return {
    choosing: (after.workedShare - before.workedShare) * ((a0 + a1) / 2 - (b0 + b1) / 2),
    slips: worked * (a1 - a0) + (1 - worked) * (b1 - b0),
  };
}
