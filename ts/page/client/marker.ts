/** Series differ by colour, by dash and by shape, so that each alone would do. */
export interface Style {
  /** Name of a CSS variable. */
  colour: string;
  dash: number[];
  /** Path of the shape around (0, 0), in a box of 8 by 8. */
  shape: string;
}

const STYLES: readonly Style[] = [
  { colour: '--series-1', dash: [], shape: 'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z' },
  { colour: '--series-2', dash: [7, 3], shape: 'M-3.5 -3.5h7v7h-7z' },
  { colour: '--series-3', dash: [2, 3], shape: 'M0 -4.6L4.4 3.2H-4.4z' },
  { colour: '--series-4', dash: [8, 3, 2, 3], shape: 'M0 -4.8L4.8 0L0 4.8L-4.8 0z' },
];

/** @param index of the series in its chart */
export function styleOf(index: number): Style {
  return STYLES[index % STYLES.length] as Style;
}
