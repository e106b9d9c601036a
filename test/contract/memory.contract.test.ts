import { createMemoryWorker } from '../../ts/worker/memoryWorker.ts';
import { runContract } from './jest.ts';

// Cases that need a process of their own are skipped: it lives in this one.
runContract('the memory worker', {
  async start() {
    const worker = createMemoryWorker();
    return { worker, requester: worker.requester };
  },
  source: 'memory:contract',
  // Log-probs are those of the table, rounded once to 32 bits; its sums run in another order when split.
  tolerance: 1e-6,
  learningRate: 0.05,
  skip: new Map([['ping-during-forward_backward', 'it computes gradients in one go, in the thread of its caller']]),
});
