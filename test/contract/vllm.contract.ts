import { fileURLToPath } from 'node:url';
import { runContract } from './jest.ts';
import { processOf } from './process.ts';

// Not a `.test.ts`: its packages are in an environment of their own, and `npm run test:vllm` runs it there.
runContract('the vllm backend on a CPU, with the embedded model', {
  ...processOf('vllm'),
  source: fileURLToPath(new URL('../../py_worker/embedded_base/model', import.meta.url)),
  // 32-bit sums in another order: vLLM's products are not torch's, and depend on the batch's shape too.
  tolerance: 1e-4,
  learningRate: 1e-3,
});
