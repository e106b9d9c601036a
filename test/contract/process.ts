import type { ContractOptions } from '../../ts/contract/context.ts';
import { spawnWorker } from '../../ts/worker/spawn.ts';
import { startWorker } from '../../ts/worker/startWorker.ts';
import { python } from '../fixtures/python.ts';

/** How the suite starts a real worker process. */
export function processOf(backend: string): Pick<ContractOptions, 'start' | 'spawn'> {
  const how = { python: python(), backend, threads: 1 };
  return {
    async start(given) {
      const worker = await startWorker({ ...how, ...given });
      return { worker, requester: worker.session, process: worker.process };
    },
    spawn: (endpoint, token) => spawnWorker({ ...how, endpoint, token }),
  };
}
