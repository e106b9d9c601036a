import type { HistogramChart } from './chart.ts';
import { el, svg } from './dom.ts';
import { count } from './format.ts';
import { tenthsWithin } from './scale.ts';

const STEP = 16;
const TALL = 84;
const WIDE = 11 * STEP;

/** Small multiples: one histogram an iteration, all to one scale of shares, the band shaded. */
export function histograms({ panels, band }: HistogramChart): HTMLElement {
  const shares = panels.map(({ counts }) => {
    const total = counts.reduce((sum, each) => sum + each, 0);
    return counts.map((each) => (total === 0 ? 0 : each / total));
  });
  const highest = Math.max(...shares.flat(), 0.01);
  const within = tenthsWithin(band);
  return el(
    'div',
    { class: 'panels' },
    ...panels.map(({ name, counts }, at) =>
      el(
        'figure',
        {},
        svg(
          'svg',
          {
            viewBox: `0 -6 ${WIDE} ${TALL + 26}`,
            role: 'img',
            'aria-label': `${name}: the figures are in the table below.`,
          },
          within &&
            svg('rect', {
              class: 'band',
              x: within[0] * STEP,
              y: -6,
              width: (within[1] - within[0] + 1) * STEP,
              height: TALL + 6,
            }),
          ...counts.map((each, tenth) => {
            const tall = ((shares[at]?.[tenth] ?? 0) / highest) * TALL;
            const kept = within !== null && tenth >= within[0] && tenth <= within[1];
            return svg(
              'g',
              {},
              svg('title', {}, `p̂ ${(tenth / 10).toFixed(1)}: ${count(each)}`),
              svg('rect', { class: 'hover', x: tenth * STEP, y: -6, width: STEP, height: TALL + 6 }),
              svg('rect', {
                class: kept ? 'bar kept' : 'bar',
                x: tenth * STEP + 2,
                y: TALL - tall,
                width: STEP - 4,
                height: tall,
              }),
            );
          }),
          svg('path', { class: 'base', d: `M0 ${TALL}H${WIDE}` }),
          ...[0, 5, 10].map((tenth) =>
            svg('text', { x: (tenth + 0.5) * STEP, y: TALL + 15, 'text-anchor': 'middle' }, String(tenth / 10)),
          ),
        ),
        el('figcaption', {}, name),
      ),
    ),
  );
}
