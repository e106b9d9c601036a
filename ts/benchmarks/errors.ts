/** A benchmark that cannot be had, or not as it was asked for. The message names what was seen and what is allowed. */
export class BenchmarkError extends Error {
  override readonly name = 'BenchmarkError';
  /**
   * `unknown`: no suite of that name. `config`: a benchmark's own description is wrong. `data`: its data are, or are not
   * there. `unavailable`: the hub or Python cannot be reached. `refused`: the hub does not let us in.
   */
  readonly code: 'unknown' | 'config' | 'data' | 'unavailable' | 'refused';

  constructor(code: BenchmarkError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
