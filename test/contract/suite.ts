import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { CONTROL } from './cases/control.ts';
import { ENDS } from './cases/ends.ts';
import { REQUESTS } from './cases/requests.ts';
import { SAMPLING_CASES } from './cases/sampling.ts';
import { SIZES } from './cases/sizes.ts';
import { STOP_STRINGS } from './cases/stopStrings.ts';
import { TRAINING } from './cases/training.ts';
import { VERSIONS } from './cases/versions.ts';
import { WEIGHTS } from './cases/weights.ts';
import type { Case, Context, ContractOptions, Target } from './context.ts';

/** Those that end the worker come last. */
const CASES: readonly Case[] = [
  ...REQUESTS,
  ...SAMPLING_CASES,
  ...STOP_STRINGS,
  ...TRAINING,
  ...WEIGHTS,
  ...VERSIONS,
  ...SIZES,
  ...CONTROL,
  ...ENDS,
];

/**
 * Everything that proto/protocol.yml and proto/README.md promise of a worker, as Jest tests. One worker
 * serves all cases, under a model name of each case's own, since starting one may take seconds.
 */
export function runContract(name: string, options: ContractOptions): void {
  const skipped = new Map(options.skip?.flatMap(({ reason, tests }) => tests.map((title) => [title, reason] as const)));
  for (const title of skipped.keys()) {
    if (!CASES.some((one) => one.name === title)) throw new Error(`the contract has no test named "${title}" to skip`);
  }

  describe(`the contract holds for ${name}`, () => {
    let target: Target;
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'rzero-contract-'));
      target = await options.start();
    });

    afterAll(async () => {
      await target?.worker.close();
      rmSync(folder, { recursive: true, force: true });
    });

    CASES.forEach((one, number) => {
      const reason = skipped.get(one.name);
      if (reason !== undefined) {
        test.skip(`${one.name} (not here: ${reason})`, () => {});
        return;
      }
      test(one.name, async () => {
        const loaded: string[] = [];
        const context: Context = {
          ...options,
          target,
          worker: target.worker,
          folder: join(folder, String(number)),
          async load({ trainable = true } = {}) {
            const modelId = `case${number}-model${loaded.length}`;
            await target.worker.loadModel({ modelId, source: options.source, trainable, seed: 7 });
            loaded.push(modelId);
            return modelId;
          },
        };
        await one.run(context);
        // A case may have unloaded its model or ended the worker; that is its own to check.
        await Promise.allSettled(loaded.map((modelId) => target.worker.unloadModel({ modelId })));
      });
    });
  });
}
