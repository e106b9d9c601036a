/** Where private keys lie, and where workers dial in, is nobody's business. */
const WITHHELD = new Set(['worker.keys', 'worker.listen']);

/** A configuration as trackers show it: each option by its whole name, `solver.steps`; what is private is left out. */
export function optionsOf(config: object, group = ''): [option: string, value: unknown][] {
  return Object.entries(config).flatMap(([name, value]): [string, unknown][] => {
    const option = group === '' ? name : `${group}.${name}`;
    if (WITHHELD.has(option)) return [];
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isGroup ? optionsOf(value as object, option) : [[option, value]];
  });
}
