/** Flags that do not go together, or a value that a flag does not take. The message names the flag. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
