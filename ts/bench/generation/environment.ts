import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonPath, ROOT } from '../../cli/places.ts';
import { UsageError } from '../../cli/usage.ts';

/** A Python with vLLM, or why there is none. */
export type VllmPython = { python: string } | { missing: string };

/** @throws UsageError for one of the user's that has no vLLM */
export async function vllmPython(options: { vllm: string | undefined; skipVllm: boolean }): Promise<VllmPython> {
  if (options.skipVllm) return { missing: '--skip-vllm' };
  if (options.vllm !== undefined) {
    if (await hasVllm(options.vllm)) return { python: options.vllm };
    throw new UsageError(`--vllm is "${options.vllm}": it must be a Python that has vLLM`);
  }
  if (!existsSync(join(ROOT, '.venv-vllm'))) {
    return { missing: 'vLLM is not installed: npm run setup:vllm, or --vllm PYTHON' };
  }
  return { python: pythonPath(process.env, 'vllm') };
}

/** Its import would take ten seconds. */
function hasVllm(python: string): Promise<boolean> {
  const program = 'import importlib.util as u, sys; sys.exit(u.find_spec("vllm") is None)';
  return promisify(execFile)(python, ['-c', program]).then(
    () => true,
    () => false,
  );
}
