/**
 * What was made of files whose content is known by its digest: made once while they stay as they are.
 */
export class FileMemo {
  private known = new Map<string, unknown>();
  private used = new Map<string, unknown>();

  /** @param key names what is made, with the digests of all that it is made of */
  get<T>(key: string, make: () => T): T {
    const value = this.known.has(key) ? (this.known.get(key) as T) : make();
    this.known.set(key, value);
    this.used.set(key, value);
    return value;
  }

  /** Forget what was not asked for since the last time. */
  sweep(): void {
    this.known = this.used;
    this.used = new Map();
  }
}
