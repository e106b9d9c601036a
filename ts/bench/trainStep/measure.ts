import type { Outcome, Side, SideName, Step } from './side.ts';

/** Every step of one side, and what they came to. */
export interface Measured {
  steps: Step[];
  outcome: Outcome;
}

/**
 * Take all steps, a step of each side in turn, so that what else the machine does hits all alike.
 * Ends the sides, whatever happens.
 */
export async function takeTurns<Sides extends Readonly<Partial<Record<SideName, Side>>>>(
  sides: Sides,
  steps: number,
): Promise<{ [Name in keyof Sides]: Measured }> {
  const entries = Object.entries(sides);
  const taken = new Map<string, Step[]>(entries.map(([name]) => [name, []]));
  try {
    for (const [, side] of entries) await side.ready();
    for (let step = 0; step < steps; step += 1) {
      for (const [name, side] of entries) taken.get(name)?.push(await side.step());
    }
    const measured: [string, Measured][] = [];
    for (const [name, side] of entries) {
      measured.push([name, { steps: taken.get(name) ?? [], outcome: await side.finish() }]);
    }
    return Object.fromEntries(measured) as { [Name in keyof Sides]: Measured };
  } finally {
    await Promise.all(entries.map(([, side]) => side.close()));
  }
}
