import { runContract } from './jest.ts';
import { processOf } from './process.ts';

runContract('the mock backend over sockets', {
  ...processOf('mock'),
  source: 'mock://babble',
  // Computed in 64 bits, sent in 32.
  tolerance: 1e-5,
  learningRate: 0.05,
});
