import { isDeepStrictEqual } from 'node:util';
import type { WorkerCallErrorCode } from '../worker/errors.ts';
import { show } from './show.ts';

/** A worker did not do what the protocol promises. */
export class ContractFailure extends Error {
  override readonly name = 'ContractFailure';
  /** What was looked at, in plain words. */
  readonly subject: string;
  /** What the protocol says it is. */
  readonly expected: string;
  /** What it was. */
  readonly actual: string;

  constructor(subject: string, expected: string, actual: string) {
    super(`${subject}: expected ${expected}, came back ${actual}`);
    this.subject = subject;
    this.expected = expected;
    this.actual = actual;
  }
}

/** The general form of all below. @throws ContractFailure when `condition` does not hold */
export function that(subject: string, condition: boolean, expected: string, actual: unknown): asserts condition {
  if (!condition) throw new ContractFailure(subject, expected, typeof actual === 'string' ? actual : show(actual));
}

/** Deep equality. The failure names the first place that differs. */
export function equal(subject: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const place = difference(actual, expected);
  const at = place.path === '' ? '' : `${place.path.replace(/^\./, '')} = `;
  throw new ContractFailure(subject, `${at}${show(place.expected)}`, `${at}${show(place.actual)}`);
}

export function differs(subject: string, actual: unknown, other: unknown): void {
  that(subject, !isDeepStrictEqual(actual, other), `something else than ${show(other)}`, 'the same');
}

export function atMost(subject: string, actual: number, limit: number): void {
  that(subject, actual <= limit, `at most ${show(limit)}`, actual);
}

export function below(subject: string, actual: number, limit: number): void {
  that(subject, actual < limit, `below ${show(limit)}`, actual);
}

export function above(subject: string, actual: number, limit: number): void {
  that(subject, actual > limit, `above ${show(limit)}`, actual);
}

/** @param tolerance the largest distance allowed */
export function near(subject: string, actual: number, expected: number, tolerance: number): void {
  that(subject, Math.abs(actual - expected) <= tolerance, `${show(expected)} within ${show(tolerance)}`, actual);
}

/** Lists of numbers, each entry near the other's. The failure names the worst entry. */
export function alike(subject: string, actual: Ragged, expected: Ragged, tolerance: number): void {
  equal(`${subject}, how many`, Array.from(actual, lengthOf), Array.from(expected, lengthOf));
  const worst = farthest(actual, expected);
  if (worst.distance <= tolerance) return;
  const { row, column, distance } = worst;
  const at = `sequence ${row}, token ${column}`;
  throw new ContractFailure(
    subject,
    `${show(expected[row]?.[column])} at ${at}, within ${show(tolerance)}`,
    `${show(actual[row]?.[column])}, which is ${show(distance)} apart`,
  );
}

export function includes<T>(subject: string, list: readonly T[], item: T): void {
  that(subject, list.includes(item), `a list with ${show(item)}`, list);
}

export function matches(subject: string, text: string, pattern: RegExp | string): void {
  const fits = typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text);
  that(subject, fits, wanted(pattern), text);
}

/**
 * A call fails, with this code.
 *
 * @param named what the message says
 */
export async function fails(
  subject: string,
  call: Promise<unknown>,
  code: WorkerCallErrorCode,
  named: RegExp | string = '',
): Promise<void> {
  const expected = `the failure ${code}${named === '' ? '' : `, ${wanted(named)}`}`;
  const error = await call.then(
    (answer) => {
      throw new ContractFailure(subject, expected, `the answer ${show(answer)}`);
    },
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error) || !('code' in error)) throw error;
  that(subject, error.code === code, expected, error);
  matches(subject, error.message, named);
}

type Ragged = readonly (readonly number[])[];

/** The largest distance between two lists of lists, entry by entry; infinite when their lengths differ. */
export function distance(a: Ragged, b: Ragged): number {
  return isDeepStrictEqual(a.map(lengthOf), b.map(lengthOf)) ? farthest(a, b).distance : Number.POSITIVE_INFINITY;
}

function farthest(a: Ragged, b: Ragged): { row: number; column: number; distance: number } {
  let worst = { row: 0, column: 0, distance: 0 };
  for (const [row, values] of a.entries()) {
    for (const [column, value] of values.entries()) {
      const apart = Math.abs(value - (b[row]?.[column] as number));
      // Not `>`: a NaN is as far away as can be.
      if (!(apart <= worst.distance)) worst = { row, column, distance: Number.isNaN(apart) ? Infinity : apart };
    }
  }
  return worst;
}

function lengthOf(values: readonly number[]): number {
  return values.length;
}

function wanted(pattern: RegExp | string): string {
  return typeof pattern === 'string' ? `a message that names ${show(pattern)}` : `a message like ${pattern}`;
}

/** The first place where two values differ. */
function difference(
  actual: unknown,
  expected: unknown,
  path = '',
): { path: string; actual: unknown; expected: unknown } {
  const [left, right] = [entriesOf(actual), entriesOf(expected)];
  if (left === undefined || right === undefined || left.size !== right.size) return { path, actual, expected };
  for (const [key, value] of left) {
    if (!right.has(key)) return { path, actual, expected };
    const step = Number.isNaN(Number(key)) ? `.${key}` : `[${key}]`;
    if (!isDeepStrictEqual(value, right.get(key))) return difference(value, right.get(key), path + step);
  }
  return { path, actual, expected };
}

function entriesOf(value: unknown): Map<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}
