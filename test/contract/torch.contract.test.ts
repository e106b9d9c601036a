import { fileURLToPath } from 'node:url';
import { startProcess } from './process.ts';
import { runContract } from './suite.ts';

// No skip where torch is missing: `npm run setup` installs it, so its absence is a failure to be seen.
runContract('the torch backend on a CPU, with the embedded model', {
  start: (protocolHash) => startProcess('torch', protocolHash),
  source: fileURLToPath(new URL('../../py_worker/embedded_base/model', import.meta.url)),
  // 32-bit sums whose order depends on the batch's shape.
  tolerance: 1e-4,
  learningRate: 1e-3,
  longSamples: 6_000,
  skip: [
    {
      reason: 'each needs a start of its own, seconds with torch; the code is the server’s, which the mock proves',
      tests: [
        'another protocol hash is refused with both hashes named',
        'SIGKILL gives worker_gone for every pending call',
      ],
    },
  ],
});
