import { loadConfig } from '../../../../ts/config/load.ts';
import type { FigureHistory, Figures } from '../../../../ts/domain/warnings/figures.ts';
import { judge } from '../../../../ts/domain/warnings/judge.ts';
import type { WarningFacts, WarningName, WarningRules } from '../../../../ts/domain/warnings/rules.ts';

/** The paper preset's thresholds. */
export const RULES: WarningRules = loadConfig({ preset: 'paper' }).warnings;

export const FACTS: WarningFacts = { prompts: 10, shortfall: 'repeat' };

type Metrics = Figures['metrics'];

/** Whole phases of one kind, one an iteration from `first` on. */
export function phases(phase: Figures['phase'], metrics: readonly Metrics[], first = 1): FigureHistory {
  return metrics.map((one, index) => ({
    iteration: first + index,
    phase,
    step: null,
    metrics: one,
  })) as unknown as FigureHistory;
}

/** Steps of the first iteration. */
export function steps(phase: Figures['phase'], metrics: readonly Metrics[]): FigureHistory {
  return metrics.map((one, index) => ({
    iteration: 1,
    phase,
    step: index + 1,
    metrics: one,
  })) as unknown as FigureHistory;
}

/** What one warning says of the last figures, if anything. */
export function said(name: WarningName, history: FigureHistory, facts = FACTS, rules = RULES): string | undefined {
  return judge(history, rules, facts).find((finding) => finding.name === name)?.message;
}
