import type { Config } from '../config/schema.ts';
import { findGpus } from '../worker/foundGpus.ts';
import { type Post, postsByCount } from '../worker/post.ts';

/**
 * The workers that an evaluation starts on this machine: as many as `worker.count` says; else one for each GPU, or each
 * group of `placement.tensorParallel` GPUs where vLLM is to hold a model in several; else one.
 */
export async function evaluationPosts({ worker, placement }: Config, env: NodeJS.ProcessEnv): Promise<Post[]> {
  const { backend, count, listen } = worker;
  if (count !== null) return postsByCount(count);
  const gpus = backend === 'mock' || listen !== '' ? [] : (await findGpus(env)).map((_, index) => index);
  const size = backend === 'vllm' ? Math.max(1, placement.tensorParallel) : 1;
  const groups = Math.floor(gpus.length / size);
  if (groups === 0) return postsByCount(1);
  return Array.from({ length: groups }, (_, group) => ({
    role: 'sample',
    processes: size,
    gpus: gpus.slice(group * size, (group + 1) * size),
  }));
}

/**
 * Responses of a request. They are on record when all of them are there: many keep a worker busy that does one request
 * after another, few lose less when the process does. vLLM takes requests into the batch that is running.
 */
export function evaluationRequestSamples({ backend, requestSamples }: Config['worker']): number {
  return requestSamples ?? (backend === 'vllm' ? 64 : 256);
}
