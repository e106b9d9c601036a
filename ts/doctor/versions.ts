/** Whether a version is at least another, number by number; what follows the numbers (`+cu128`, `rc1`) does not count. */
export function isAtLeast(version: string, least: string): boolean {
  const [has, wants] = [numbers(version), numbers(least)];
  for (const [index, wanted] of wants.entries()) {
    const seen = has[index] ?? 0;
    if (seen !== wanted) return seen > wanted;
  }
  return true;
}

/** Whether a version is the one that is pinned, in whatever build: `2.13.0+cpu` is `2.13.0`. */
export function isPinned(version: string, pin: string): boolean {
  return version.split('+')[0] === pin;
}

function numbers(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
}
