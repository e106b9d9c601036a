import { loadConfig } from '../../../ts/config/load.ts';
import { type Asked, askedBy } from '../../../ts/inspect/asked.ts';
import type { InspectModelResult } from '../../../ts/protocol/generated.ts';

export const ASKED: readonly Asked[] = askedBy(loadConfig({}), '1 + 1?', 'Step by step: ');

const END = { id: 7, text: '<|im_end|>' };

/** A report of a model that has nothing wrong with it, but for the changes. */
export function reportWith(changes: Partial<InspectModelResult> = {}): InspectModelResult {
  return {
    modelType: 'qwen3',
    architecture: 'Qwen3ForCausalLM',
    parameters: 1_000_000,
    tied: false,
    vocabularySize: 100,
    contextLength: 100_000,
    weights: { formats: ['safetensors'], bytes: 4_000_000, types: ['F32'] },
    tokenizer: {
      name: 'Qwen2Tokenizer',
      size: 90,
      template: { cue: '<|im_start|>assistant\n', endOfTurn: END },
      eos: [END],
      changed: [],
    },
    prompts: ASKED.map(({ conversation: { messages } }) => ({
      text: messages.map(({ content }) => `<|im_start|>${content}`).join('<|im_end|>\n'),
      tokens: 20,
      merged: false,
    })),
    packing: 'packs',
    packingReason: '',
    obstacles: [],
    licence: { id: 'apache-2.0', name: '', link: '', file: 'LICENSE', baseModels: [] },
    ...changes,
  };
}
