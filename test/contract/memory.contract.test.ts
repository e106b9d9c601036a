import { createMemoryWorker } from '../../ts/worker/memoryWorker.ts';
import { runContract } from './suite.ts';

const skip = [
  {
    reason: 'it lives in this process: there is no handshake and nothing to kill',
    tests: [
      'another protocol hash is refused with both hashes named',
      'SIGKILL gives worker_gone for every pending call',
    ],
  },
];

for (const checkpoints of ['memory', 'folders'] as const) {
  runContract(`the memory worker with checkpoints in ${checkpoints}`, {
    async start() {
      const worker = createMemoryWorker({ checkpoints });
      return { worker, requester: worker.requester };
    },
    source: 'memory:contract',
    // Log-probs are those of the table, rounded once to 32 bits; its sums run in another order when split.
    tolerance: 1e-6,
    learningRate: 0.05,
    longSamples: 200_000,
    skip,
  });
}
