/** A text's words, split as Python's `str.split()` does; JavaScript's `\s` lacks U+001C to U+001F and U+0085 and has U+FEFF. */
export function words(text: string): string[] {
  const result: string[] = [];
  let start = -1;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && !isBlank(text.charCodeAt(i))) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      result.push(text.slice(start, i));
      start = -1;
    }
  }
  return result;
}

const RARE_BLANKS = new Set([0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000]);

function isBlank(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || (unit >= 0x1c && unit <= 0x1f);
  return (unit >= 0x2000 && unit <= 0x200a) || RARE_BLANKS.has(unit);
}
