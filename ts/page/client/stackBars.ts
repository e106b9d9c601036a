import type { StackChart } from './chart.ts';
import { el } from './dom.ts';
import { quantity } from './format.ts';

/** Bars made of parts, all to one scale; each part is told apart by its texture too. */
export function stackBars({ rows, parts, unit }: StackChart): HTMLElement {
  const longest = Math.max(...rows.map(({ values }) => sum(values)), 1e-9);
  return el(
    'div',
    { class: 'stack' },
    ...rows.map(({ name, values, note }) => {
      const bar = el('div', {
        class: 'bar',
        role: 'img',
        'aria-label': `${name}: the figures are in the table below.`,
      });
      for (const [index, value] of values.entries()) {
        if (value === 0) continue;
        const piece = el('span', {
          class: `piece texture-${index % 8}`,
          title: `${parts[index]}: ${quantity(value, unit)}`,
        });
        piece.style.width = `${(100 * value) / longest}%`;
        bar.append(piece);
      }
      return el(
        'div',
        { class: 'row' },
        el('span', {}, name),
        bar,
        el('span', { class: 'note' }, note || quantity(sum(values), unit)),
      );
    }),
    el(
      'ul',
      { class: 'legend', 'aria-hidden': 'true' },
      ...parts.map((part, index) => el('li', {}, el('span', { class: `swatch texture-${index % 8}` }), part)),
    ),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
