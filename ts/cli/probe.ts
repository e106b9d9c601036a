import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { InvalidArgument } from '../domain/errors.ts';
import { parseProbe } from '../eval/probe.ts';
import type { Probe } from '../ports/exam.ts';

/** The questions with known answers that `warnings.labels.probe` names, if it does. @throws ConfigError */
export function probeOf({ warnings }: Config, workingFolder: string): Probe | undefined {
  const path = warnings.labels.probe;
  if (path === '') return undefined;
  try {
    return parseProbe(readFileSync(resolve(workingFolder, path), 'utf8'));
  } catch (error) {
    const isKnown = error instanceof InvalidArgument || 'code' in (error as object);
    if (!isKnown) throw error;
    throw new ConfigError(`option "warnings.labels.probe" is ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
}
