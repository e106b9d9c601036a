import { oneLine } from '../report/text.ts';

/** Text that anybody may have written as one line of Markdown that shows it as it is: no markup, links or HTML of its own. */
export function plain(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>|~&#!$]/g, '\\$&');
}

/** Text as code in a line; it may hold backticks. */
export function code(text: string): string {
  const line = oneLine(text);
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const space = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  // In a table a bar ends the cell even within code.
  return `${fence}${space}${line.replaceAll('|', '\\|')}${space}${fence}`;
}

/** A table. Cells are Markdown already; all columns but the first align right where `numbers`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numbers = true): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (numbers && column > 0 ? '---:' : '---'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Sentences as a list. */
export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}
