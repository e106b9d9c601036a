/** Monotonic time for durations that people see. Nothing in a result depends on it. */
export interface Clock {
  /** Seconds since an arbitrary start; never goes back. */
  now(): number;
}
