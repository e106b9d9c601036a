const BLOCKS = '▁▂▃▄▅▆▇█';
const ASCII = '.:-=+*#@';

/**
 * Counts as bars of one character each, the largest at full height. A space is none, and nothing else is.
 *
 * @param counts each at least 0
 * @param unicode whether block characters can be shown; else ASCII of growing weight
 */
export function bars(counts: readonly number[], unicode: boolean): string {
  const levels = unicode ? BLOCKS : ASCII;
  const most = Math.max(...counts);
  return counts.map((count) => (count === 0 ? ' ' : levels[Math.ceil((levels.length * count) / most) - 1])).join('');
}
