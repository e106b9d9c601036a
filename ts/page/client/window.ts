/** Browsers lay out boxes of up to 17 million pixels or more; beyond that a list's scroll bar is scaled. */
const TALLEST = 12_000_000;

/** How tall the box that is scrolled is, in pixels. */
export function listHeight(rows: number, rowHeight: number): number {
  return Math.min(rows * rowHeight, TALLEST);
}

/** The rows that are in sight, [first, last), with a few around them, and where the first one's top lies in the box. */
export interface Window {
  first: number;
  last: number;
  top: number;
}

/**
 * @param rows of the list
 * @param scrolled pixels of the box above the view
 * @param view its height in pixels
 * @param around rows to keep on either side
 */
export function windowAt(rows: number, rowHeight: number, scrolled: number, view: number, around: number): Window {
  const shift = shiftAt(rows, rowHeight, scrolled, view);
  const first = clamp(Math.floor((scrolled + shift) / rowHeight) - around, 0, rows);
  const last = clamp(Math.ceil((scrolled + shift + view) / rowHeight) + around, first, rows);
  return { first, last, top: first * rowHeight - shift };
}

/** Pixels to scroll to so that a row is wholly in sight; where it is already, the present ones. */
export function scrollTo(row: number, rows: number, rowHeight: number, scrolled: number, view: number): number {
  const hidden = Math.max(0, rows * rowHeight - view);
  const at = scrolled + shiftAt(rows, rowHeight, scrolled, view);
  const wanted = clamp(at, (row + 1) * rowHeight - view, row * rowHeight);
  if (wanted === at) return scrolled;
  const reach = Math.max(0, listHeight(rows, rowHeight) - view);
  return hidden === 0 ? 0 : (clamp(wanted, 0, hidden) / hidden) * reach;
}

/** What the scaled box lacks above the view: 0 where nothing is scaled. */
function shiftAt(rows: number, rowHeight: number, scrolled: number, view: number): number {
  const missing = rows * rowHeight - listHeight(rows, rowHeight);
  const reach = listHeight(rows, rowHeight) - view;
  return reach <= 0 ? 0 : missing * clamp(scrolled / reach, 0, 1);
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
