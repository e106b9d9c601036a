import { earlier, type FigureHistory, figure, percent, present } from './figures.ts';
import type { EntropyRule } from './rules.ts';

/**
 * Collapse of a policy's token entropy, against its first step of the run. What a policy gains it pays for with entropy:
 * 73 % of that was gone when 76 % of the gain was made, and with none left nothing is gained any more (Cui et al. 2025,
 * arXiv 2505.22617).
 */
export function entropy(history: FigureHistory, rule: EntropyRule): string | undefined {
  const now = figure(present(history), 'entropy');
  const [first] = earlier(history, 'entropy');
  if (present(history).step === null || now === undefined || first === undefined || first.value <= 0) return undefined;
  if (now >= rule.share * first.value) return undefined;
  const { phase } = present(history);
  return (
    `the ${phase}'s entropy fell from ${first.value.toPrecision(2)} to ${now.toPrecision(2)} nats a token, ` +
    `${percent(now / first.value)} of what it was: its samples hardly differ any more. Lower ` +
    `${phase}.optimizer.learningRate, raise ${phase}.klCoef or ${phase}.clipHigh`
  );
}
