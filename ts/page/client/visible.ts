/**
 * A text as it can be shown without doing anything: control characters, and those that turn or hide what stands around
 * them, become signs. Line breaks and tabs stay.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, sign);
}

/** The same on one line. */
export function visibleLine(text: string): string {
  return visible(text.replace(/\s*\n\s*/g, ' ⏎ ').replaceAll('\t', ' ')).trim();
}

// Controls but line feed and tab, soft hyphen, zero-width and direction marks, line separators, tags, lone surrogates.
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this shows
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu;

function sign(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
