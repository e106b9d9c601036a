import { fileURLToPath } from 'node:url';
import { CASES } from '../../ts/contract/suite.ts';
import { runContract } from './jest.ts';
import { processOf } from './process.ts';

const reason = 'it needs a start of its own, seconds with torch; the code is the server’s, which the mock proves';
const own = CASES.filter(({ needs }) => needs.includes('spawn'));

// No skip where torch is missing: `npm run setup` installs it, so its absence is a failure to be seen.
runContract('the torch backend on a CPU, with the embedded model', {
  ...processOf('torch'),
  source: fileURLToPath(new URL('../../py_worker/embedded_base/model', import.meta.url)),
  // 32-bit sums whose order depends on the batch's shape.
  tolerance: 1e-4,
  learningRate: 1e-3,
  skip: new Map(own.map(({ id }) => [id, reason])),
});
