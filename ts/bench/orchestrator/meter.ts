import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a stretch of time cost this process. */
export interface Costs {
  seconds: number;
  /** Of all its threads. */
  cpuSeconds: number;
  /** How much later than it should the event loop came round, in milliseconds. */
  loopDelay: { p50: number; p99: number; max: number };
}

/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 10;

/** Begin to measure. @returns ends it */
export function meter(): () => Costs {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  delay.enable();
  return () => {
    delay.disable();
    const { user, system } = process.cpuUsage(cpu);
    // Nanoseconds from one look to the next.
    const late = (between: number): number => Math.max(0, Math.round(between / 1e4) / 100 - RESOLUTION);
    return {
      seconds: (performance.now() - begun) / 1000,
      cpuSeconds: (user + system) / 1e6,
      loopDelay: { p50: late(delay.percentile(50)), p99: late(delay.percentile(99)), max: late(delay.max) },
    };
  };
}

/** The most memory that this process had resident so far. */
export function peakMemoryBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
