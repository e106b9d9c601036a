import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EMBEDDED_MODEL, WORKER_PACKAGE } from '../../cli/places.ts';
import { solverConversation } from '../../domain/prompts.ts';
import { heldOutQuestions } from '../../eval/arithmetic.ts';
import type { Conversation } from '../../protocol/generated.ts';
import type { GenerationOptions } from './options.ts';
import type { Shape } from './shapes.ts';

/** What requests are made from: the fields of `Args` in py_worker/generation/requests.py. */
export interface RequestArgs {
  model: string;
  prompts: number;
  samples: number;
  most: number;
  least: number | null;
  ends: boolean;
  prompt_length: number | null;
  conversations: Conversation[] | null;
  rows: number;
  top_p: number;
  threads: number;
  seed: number;
}

export function requestArgs(
  shape: Shape,
  { model, rows, topP, threads, seed }: Pick<GenerationOptions, 'model' | 'rows' | 'topP' | 'threads' | 'seed'>,
): RequestArgs {
  const { prompts, samples, maxTokens, minTokens, ends, promptLength } = shape;
  const ofDomain = model === 'embedded' && promptLength === undefined;
  return {
    model: model === 'embedded' ? EMBEDDED_MODEL : model,
    prompts,
    samples,
    most: maxTokens,
    least: minTokens === undefined ? null : Math.min(minTokens, maxTokens),
    ends,
    prompt_length: promptLength ?? null,
    conversations: ofDomain ? heldOutQuestions(prompts, seed).map((question) => solverConversation(question)) : null,
    rows,
    top_p: topP,
    threads,
    seed,
  };
}

/**
 * Make requests, and their model if it is a random one, in a folder that is gone afterwards.
 * @param use what is done with the folder
 */
export async function withRequests<Result>(
  python: string,
  args: RequestArgs,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'rzero-generation-'));
  try {
    await writeFile(join(folder, 'args.json'), JSON.stringify(args));
    await promisify(execFile)(python, ['-m', 'generation.requests', folder], {
      env: { ...process.env, PYTHONPATH: WORKER_PACKAGE },
    });
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
