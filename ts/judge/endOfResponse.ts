/** Characters of a response that a judge is shown where no final answer can be read. */
const MOST = 2_000;

/** The end of a response, in which a final answer is where there is one. */
export function endOfResponse(text: string): string {
  // Not from the middle of a character on.
  return text
    .trim()
    .slice(-MOST)
    .replace(/^[\udc00-\udfff]/, '');
}
