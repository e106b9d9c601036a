import { UsageError } from './usage.ts';

/**
 * The value that a flag names.
 *
 * @throws UsageError with the names there are
 */
export function choose<T>(flag: string, name: string, values: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(values, name)) return values[name] as T;
  throw new UsageError(`${flag} ${name}: allowed are ${Object.keys(values).join(', ')}`);
}
