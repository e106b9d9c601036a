/** Names of choices, in order. */
export const LETTERS: readonly string[] = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** The letter of a choice, from 0. */
export function letterAt(index: number): string {
  return LETTERS[index] ?? '?';
}
