import type { RunDocument } from '../document.ts';
import type { Chart } from './chart.ts';
import { chartTable } from './chartTable.ts';
import { el } from './dom.ts';
import { histograms } from './histograms.ts';
import { iterationTable } from './iterationTable.ts';
import { linePlot, type Plot } from './linePlot.ts';
import { overview } from './overview.ts';
import { stackBars } from './stackBars.ts';
import { tableView } from './tableView.ts';

interface Card {
  chart: string;
  element: HTMLElement;
  plot: Plot | null;
}

/** The run at a glance: one card a chart. A card whose figures did not change stays as it is. */
export class OverviewView {
  readonly element = el('div');
  private readonly summary = el('div', { class: 'card wide' });
  private readonly grid = el('div', { class: 'cards' });
  private readonly missing = el('p', { class: 'muted', id: 'missing' });
  private readonly cards = new Map<string, Card>();
  private summed = '';

  constructor() {
    this.element.append(this.grid, this.missing);
  }

  show(document: RunDocument): void {
    const { charts, missing } = overview(document);
    const table = iterationTable(document);
    if (JSON.stringify(table) !== this.summed) {
      this.summed = JSON.stringify(table);
      this.summary.replaceChildren(el('h3', {}, 'By iteration'), tableView(table, 'Main figures by iteration'));
    }
    const shown = charts.map((chart) => {
      const text = JSON.stringify(chart);
      const before = this.cards.get(chart.id);
      if (before?.chart === text) return before.element;
      before?.plot?.remove();
      const open = before?.element.querySelector('details')?.open ?? false;
      const card = { chart: text, ...cardOf(chart, open) };
      if (before?.element.isConnected) before.element.replaceWith(card.element);
      this.cards.set(chart.id, card);
      return card.element;
    });
    const wanted = table.rows.length === 0 ? shown : [...shown.slice(0, 1), this.summary, ...shown.slice(1)];
    // What stands where it should is not touched: moving it would take the focus out of it.
    for (const [at, element] of wanted.entries()) {
      if (this.grid.children[at] !== element) this.grid.insertBefore(element, this.grid.children[at] ?? null);
    }
    while (this.grid.children.length > wanted.length) this.grid.lastElementChild?.remove();
    this.missing.textContent =
      missing.length === 0 ? '' : `Not on record, so not drawn: ${missing.map(small).join(', ')}.`;
  }

  /** With the colours of now. */
  redraw(): void {
    for (const { plot } of this.cards.values()) plot?.redraw();
  }
}

function cardOf(chart: Chart, open: boolean): { element: HTMLElement; plot: Plot | null } {
  const plot = chart.kind === 'lines' ? linePlot(chart) : null;
  const drawing =
    chart.kind === 'lines' ? plot?.element : chart.kind === 'stack' ? stackBars(chart) : histograms(chart);
  const wide = chart.id === 'accuracy' || chart.kind === 'histograms';
  const element = el(
    'section',
    { class: wide ? 'card wide' : 'card', id: `chart-${chart.id}`, 'aria-labelledby': `title-${chart.id}` },
    el('h3', { id: `title-${chart.id}` }, chart.title),
    el('p', { class: 'caption' }, chart.caption),
    drawing,
    el('details', { open }, el('summary', {}, 'Figures'), tableView(chartTable(chart), chart.title)),
  );
  return { element, plot };
}

/** A title in the middle of a sentence. */
function small(title: string): string {
  return title[0]?.toLowerCase() + title.slice(1);
}
