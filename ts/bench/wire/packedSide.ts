import { startWorker } from '../../worker/startWorker.ts';
import { MODEL } from './payloads.ts';
import { programPath, type Side } from './side.ts';

/** Ours: the typed worker and the worker's server as in a run, with a backend that computes nothing. */
export async function startPackedSide(python: string): Promise<Side & { ping(): Promise<unknown> }> {
  const worker = await startWorker({ python, backend: 'mock', threads: 1, program: [programPath('echo.py')] });
  await worker.loadModel({ modelId: MODEL, source: MODEL, trainable: true, seed: 0 });
  let seq = 0;
  return {
    name: 'packed',
    forward: (params) => async () => (await worker.forward(params)).logprobs,
    train: (params) => async () => {
      seq += 1; // a repeat would be answered without the backend
      return (await worker.forwardBackward({ ...params, seq })).loss;
    },
    ping: () => worker.ping({}),
    close: () => worker.close(),
  };
}
