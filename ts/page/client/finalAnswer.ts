/**
 * Where a text says its final answer: what stands before, the last `\boxed{...}` with balanced braces, and what follows.
 * Null where there is none.
 */
export function finalAnswer(text: string): [before: string, answer: string, after: string] | null {
  const start = text.lastIndexOf('\\boxed{');
  if (start < 0) return null;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '\\' && (text[at + 1] === '{' || text[at + 1] === '}')) at++;
    else if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0)
      return [text.slice(0, start), text.slice(start, at + 1), text.slice(at + 1)];
  }
  return null;
}
