import { startProcess } from './process.ts';
import { runContract } from './suite.ts';

runContract('the mock backend over sockets', {
  start: (protocolHash) => startProcess('mock', protocolHash),
  source: 'mock://babble',
  // Computed in 64 bits, sent in 32.
  tolerance: 1e-5,
  learningRate: 0.05,
  longSamples: 200_000,
});
