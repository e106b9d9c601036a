import type { RunDocument, StepReport } from '../document.ts';
import type { LineChart } from './chart.ts';
import type { Unit } from './format.ts';

interface Line {
  label: string;
  phase: StepReport['phase'];
  metric: string;
}

/** Every figure that is on record by optimisation step, both roles' steps in the order in which they were done. */
export function stepCharts({ steps }: RunDocument): LineChart[] {
  const chart = (id: string, title: string, caption: string, unit: Unit, lines: Line[], from?: number): LineChart => {
    const shown = steps.filter(({ phase }) => lines.some((line) => line.phase === phase));
    return {
      kind: 'lines',
      id,
      title,
      caption,
      unit,
      per: 'step',
      x: shown.map((_, at) => at + 1),
      names: shown.map(({ iteration, phase, step }) => `iteration ${iteration}, ${phase} step ${step}`),
      borders: shown.flatMap(({ iteration }, at) =>
        iteration === shown[at - 1]?.iteration ? [] : [{ at: at + 0.5, label: `iteration ${iteration}` }],
      ),
      series: lines.map(({ label, phase, metric }) => ({
        label,
        values: shown.map((step) => (step.phase === phase ? (step.metrics[metric] ?? null) : null)),
      })),
      ...(from === undefined ? {} : { from }),
    };
  };
  const both = (metric: string): Line[] => [
    { label: 'Challenger', phase: 'challenger', metric },
    { label: 'Solver', phase: 'solver', metric },
  ];
  return [
    chart(
      'challenger-reward',
      'The Challenger’s reward',
      'Mean over a step’s batch: what uncertainty earns, what repetition costs, and the total.',
      'number',
      [
        { label: 'reward', phase: 'challenger', metric: 'reward' },
        { label: 'uncertainty', phase: 'challenger', metric: 'uncertainty' },
        { label: 'repetition', phase: 'challenger', metric: 'repetition' },
      ],
    ),
    chart(
      'solver-reward',
      'The Solver’s reward',
      'Share of a step’s rollouts that agree with the pseudo-label.',
      'share',
      [{ label: 'reward', phase: 'solver', metric: 'reward' }],
      0,
    ),
    chart('entropy', 'Entropy', 'Of the policy’s next token, in nats, mean over a step.', 'number', both('entropy'), 0),
    chart(
      'kl',
      'Distance from the reference',
      'KL divergence of a token from the weights that the phase began with.',
      'number',
      both('kl'),
    ),
    chart(
      'sampler-kl',
      'Mismatch of sampler and trainer',
      'KL divergence between the log-probabilities that were sampled with and those that are trained on.',
      'number',
      both('samplerKl'),
    ),
  ];
}
