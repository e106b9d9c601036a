import { accuracy } from './accuracy.ts';
import { diversity } from './diversity.ts';
import { entropy } from './entropy.ts';
import type { FigureHistory } from './figures.ts';
import { labels } from './labels.ts';
import { length } from './length.ts';
import { mismatch } from './mismatch.ts';
import { noBox } from './noBox.ts';
import { nothingKept } from './nothingKept.ts';
import type { Action, WarningFacts, WarningName, WarningRules } from './rules.ts';

/** An early warning: which one it is, what is wrong and what to do in a sentence or two, and what it leads to. */
export interface Finding {
  name: WarningName;
  message: string;
  action: Action;
}

/** What a warning says of the last figures of a history, if anything. */
type Check<Name extends WarningName> = (
  history: FigureHistory,
  rule: WarningRules[Name],
  facts: WarningFacts,
) => string | undefined;

const CHECKS: { [Name in WarningName]: Check<Name> } = {
  diversity,
  labels,
  'no-box': noBox,
  length,
  entropy,
  mismatch,
  'nothing-kept': nothingKept,
  accuracy,
};

export const WARNING_NAMES = Object.keys(CHECKS) as WarningName[];

/**
 * The early warnings that a run's latest figures give. A function of what is on record, so that whoever replays a run
 * decides as it did.
 */
export function judge(history: FigureHistory, rules: WarningRules, facts: WarningFacts): Finding[] {
  const check = <Name extends WarningName>(name: Name): Finding[] => {
    const message = CHECKS[name](history, rules[name], facts);
    return message === undefined ? [] : [{ name, message, action: rules[name].action }];
  };
  return WARNING_NAMES.flatMap((name) => check(name));
}
