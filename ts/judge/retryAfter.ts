/**
 * How long a server asks to wait: its Retry-After header, in seconds or as a date (RFC 9110, 10.2.3). A date is taken by the
 * server's own clock, its Date header, so that no clock here has to be right.
 *
 * @returns milliseconds, 0 or more; undefined where it does not say, or nothing that can be read
 */
export function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const milliseconds = dateOf(value) - dateOf(headers.get('date') ?? '');
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

/** An HTTP date in milliseconds since 1970; NaN for anything else that Date.parse would take. */
function dateOf(text: string): number {
  return /^[A-Z][a-z]+, .* GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}
