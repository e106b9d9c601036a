import uPlot from 'uplot';
import type { LineChart } from './chart.ts';
import { el, svg } from './dom.ts';
import { interval, quantity } from './format.ts';
import { styleOf } from './marker.ts';
import { valueRange } from './scale.ts';

/** With more points than these the shapes would run into each other. */
const MOST_SHAPES = 24;
const HEIGHT = 240;

/** A chart of lines that is on the page: it can be drawn anew with other values or other colours. */
export interface Plot {
  element: HTMLElement;
  redraw(): void;
  remove(): void;
}

/** Lines with intervals; under them what is drawn how, and the figures at the pointer, or else the last ones. */
export function linePlot(chart: LineChart): Plot {
  const canvas = el('div', {
    class: 'plot',
    role: 'img',
    'aria-label': `${chart.title}: the figures are in the table below.`,
  });
  const place = el('span', { class: 'at' });
  const entries = chart.series.map(({ label }, index) => {
    const value = el('span', { class: 'value' });
    return { value, element: el('li', {}, sample(index), el('span', { class: 'label' }, label), value) };
  });
  const lasts = new Set(chart.series.map(({ values }) => values.findLastIndex((each) => each !== null)));
  const common = lasts.size === 1 ? chart.names[[...lasts][0] ?? -1] : undefined;
  const tell = (at: number | null): void => {
    place.textContent = at === null ? (common === undefined ? 'last' : `last: ${common}`) : (chart.names[at] ?? '');
    for (const [index, { value }] of entries.entries()) {
      const { values, low, high } = chart.series[index] as LineChart['series'][number];
      const shown = at ?? values.findLastIndex((each) => each !== null);
      value.textContent = interval(values[shown] ?? null, low?.[shown] ?? null, high?.[shown] ?? null, chart.unit);
    }
  };
  tell(null);
  let plot: uPlot | undefined;
  const fit = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width === 0) return;
    if (plot) plot.setSize({ width, height: HEIGHT });
    else plot = new uPlot(optionsOf(chart, width, tell), dataOf(chart), canvas);
  });
  fit.observe(canvas);
  const legend = el(
    'ul',
    { class: 'legend', 'aria-hidden': 'true' },
    ...entries.map(({ element }) => element),
    el('li', {}, place),
  );
  return {
    element: el('div', {}, canvas, legend),
    redraw: () => plot?.redraw(false, true),
    remove: () => {
      fit.disconnect();
      plot?.destroy();
    },
  };
}

function dataOf({ x, series }: LineChart): uPlot.AlignedData {
  return [x, ...series.map(({ values }) => values)];
}

function optionsOf(chart: LineChart, width: number, tell: (at: number | null) => void): uPlot.Options {
  const [first, last] = [chart.x[0] ?? 0, chart.x.at(-1) ?? 0];
  const margin = Math.max(0.3, (last - first) * 0.04);
  const axis: uPlot.Axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
    gap: 6,
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [12, 12, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
    scales: { x: { time: false, range: [first - margin, last + margin] }, y: { range: valueRange(chart) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 32,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000],
        space: 44,
        values: (_, splits) => splits.map((at) => (at < first || at > last ? '' : String(at))),
      },
      {
        ...axis,
        size: (_, values) => 16 + 7 * Math.max(3, ...(values ?? []).map((text) => text.length)),
        values: (_, splits) => splits.map((value) => shortly(value, chart)),
      },
    ],
    series: [{}, ...chart.series.map(() => ({ paths: () => null, points: { show: false } }))],
    hooks: {
      draw: [(plot) => draw(plot, chart)],
      setCursor: [({ cursor: { idx, left } }) => tell(idx == null || (left ?? -1) < 0 ? null : idx)],
    },
  };
}

function shortly(value: number, { unit }: LineChart): string {
  return quantity(value, unit).replace(/\.0(\s%)$/, '$1');
}

/** Everything but the axes, which is uPlot's: borders, lines, intervals and shapes. */
function draw(plot: uPlot, chart: LineChart): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const x = (value: number): number => plot.valToPos(value, 'x', true);
  const y = (value: number): number => plot.valToPos(value, 'y', true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 6 * ratio, bbox.width, bbox.height + 12 * ratio);
  ctx.clip();
  ctx.lineWidth = ratio;
  ctx.strokeStyle = colour('--line-strong');
  ctx.fillStyle = colour('--muted');
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  const room = bbox.width / Math.max(1, chart.borders.length);
  for (const { at, label } of chart.borders) {
    line(ctx, [x(at), bbox.top], [x(at), bbox.top + bbox.height]);
    ctx.fillText(room > 80 * ratio ? label : label.replace(/\D+/, ''), x(at) + 4 * ratio, bbox.top);
  }
  for (const [index, { values, low, high }] of chart.series.entries()) {
    const { colour: name, dash, shape } = styleOf(index);
    // Side by side, so that intervals of the same x do not cover each other.
    const aside = low ? (index - (chart.series.length - 1) / 2) * 7 * ratio : 0;
    const points = values.flatMap((value, at) =>
      value === null ? [] : [{ at, x: x(chart.x[at] ?? 0) + aside, y: y(value) }],
    );
    ctx.strokeStyle = ctx.fillStyle = colour(name);
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash(dash.map((length) => length * ratio));
    ctx.beginPath();
    for (const [order, point] of points.entries()) {
      if (points[order - 1]?.at === point.at - 1) ctx.lineTo(point.x, point.y);
      else ctx.moveTo(point.x, point.y);
    }
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.lineWidth = 1.5 * ratio;
    for (const point of points) {
      const [from, to] = [low?.[point.at] ?? null, high?.[point.at] ?? null];
      if (from === null || to === null) continue;
      line(ctx, [point.x, y(from)], [point.x, y(to)]);
      for (const end of [from, to]) line(ctx, [point.x - 3 * ratio, y(end)], [point.x + 3 * ratio, y(end)]);
    }
    if (points.length > MOST_SHAPES) continue;
    const path = new Path2D(shape);
    ctx.lineWidth = 1.5;
    for (const point of points) {
      ctx.save();
      ctx.translate(point.x, point.y);
      ctx.scale(ratio, ratio);
      ctx.fill(path);
      ctx.strokeStyle = colour('--card');
      ctx.stroke(path);
      ctx.restore();
    }
  }
  ctx.restore();
}

function line(ctx: CanvasRenderingContext2D, from: [number, number], to: [number, number]): void {
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
}

function colour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

/** What a series looks like, for the legend. */
function sample(index: number): SVGElement {
  const { dash, shape } = styleOf(index);
  return svg(
    'svg',
    {
      class: `sample series-${(index % 4) + 1}`,
      viewBox: '-14 -7 28 14',
      width: 28,
      height: 14,
      'aria-hidden': 'true',
    },
    svg('path', { class: 'stroke', d: 'M-14 0H14', 'stroke-dasharray': dash.join(' ') || null }),
    svg('path', { class: 'shape', d: shape }),
  );
}
