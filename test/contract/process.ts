import { startWorker } from '../../ts/worker/startWorker.ts';
import { python } from '../fixtures/python.ts';
import type { Target } from './context.ts';

/** Start a real worker process for the suite. */
export async function startProcess(backend: string, protocolHash?: string): Promise<Target> {
  const worker = await startWorker({
    python: python(),
    backend,
    threads: 1,
    ...(protocolHash === undefined ? {} : { protocolHash }),
  });
  return { worker, requester: worker.session, process: worker.process };
}
