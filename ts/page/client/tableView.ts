import type { Table } from './chart.ts';
import { el } from './dom.ts';

/** A table whose first column heads the rows; it scrolls by itself where it is wider than the page. */
export function tableView({ head, rows }: Table, caption: string): HTMLElement {
  const [corner, ...columns] = head;
  return el(
    'div',
    // What scrolls must be reachable without a mouse.
    { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': caption },
    el(
      'table',
      {},
      el('caption', { class: 'unseen' }, caption),
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          corner === '' ? el('td') : el('th', { scope: 'col' }, corner),
          ...columns.map((title) => el('th', { scope: 'col' }, title)),
        ),
      ),
      el(
        'tbody',
        {},
        ...rows.map(([name, ...cells]) =>
          el('tr', {}, el('th', { scope: 'row' }, name), ...cells.map((text) => el('td', {}, text))),
        ),
      ),
    ),
  );
}
