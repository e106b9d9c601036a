/** Processor time of this process during `work`, which, unlike the clock, other processes cannot stretch much. */
export function cpuSeconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
