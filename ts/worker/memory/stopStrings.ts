import { decode, isByte } from './text.ts';

const encoder = new TextEncoder();

/**
 * Watch one reply: told each of its tokens, the function says which one completes a stop string in the decoded text.
 * It decodes as many of the last bytes as a string can have; all of them only to confirm, since a character that
 * is cut in front may decode to what a string begins with.
 */
export function watchStops(strings: readonly string[]): (token: number) => boolean {
  const reach = Math.max(...strings.map((string) => encoder.encode(string).length));
  const bytes: number[] = [];
  const holdsOne = (tokens: readonly number[]): boolean => {
    const text = decode(tokens);
    return strings.some((string) => text.includes(string));
  };
  return (token) => {
    if (isByte(token)) bytes.push(token);
    return holdsOne(bytes.slice(-reach)) && holdsOne(bytes);
  };
}

/** The text before the earliest occurrence of any of the strings. */
export function cutAtStop(text: string, strings: readonly string[]): string {
  const found = strings.map((string) => text.indexOf(string)).filter((at) => at >= 0);
  return text.slice(0, Math.min(text.length, ...found));
}
