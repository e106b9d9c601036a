/** What {@link within} gives when time ran out. */
export const TIMED_OUT: unique symbol = Symbol('timed out');

/** The value of `promise`, or TIMED_OUT when it has not settled after `milliseconds`. Leaves no timer behind. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | typeof TIMED_OUT> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof TIMED_OUT>((resolve) => {
    timer = setTimeout(() => resolve(TIMED_OUT), milliseconds);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
