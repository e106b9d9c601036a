import { failedWith } from './workerFailure.ts';

/** How often a call that ran out of memory is made again: the worker computes less at once each time. */
const MEMORY_TRIES = 6;

/** Make a call, and again where the worker had too little memory for it. */
export async function inLessMemory<T>(call: () => Promise<T>): Promise<T> {
  for (let again = 0; again < MEMORY_TRIES; again++) {
    try {
      return await call();
    } catch (error) {
      if (!failedWith(error, 'out_of_memory')) throw error;
    }
  }
  return call();
}
