import { type FigureHistory, figure, percent, present } from './figures.ts';
import type { MismatchRule } from './rules.ts';

/**
 * A sampler that computes other probabilities than the trainer: rounding that adds up, or weights that did not arrive.
 * Truncated importance weights (Yao et al. 2025, the cap 2) hold what is small.
 */
export function mismatch(history: FigureHistory, rule: MismatchRule): string | undefined {
  const now = present(history);
  if (now.step === null) return undefined;
  const kl = figure(now, 'samplerKl');
  const capped = figure(now, 'importanceCapped');
  const found = [
    ...(kl !== undefined && kl > rule.samplerKl ? [`KL(sampler || trainer) is ${kl.toPrecision(2)} nats a token`] : []),
    ...(capped !== undefined && capped > rule.capped
      ? [`the importance weights of ${percent(capped)} of the tokens are capped`]
      : []),
  ];
  if (found.length === 0) return undefined;
  return (
    `${found.join('; ')}: samples come from another policy than the one that is trained. Try ${now.phase}.sampling.topP ` +
    '1 and topK 0, the same precision for both, or worker.backend torch to see whether the sampler is to blame'
  );
}
