import { type ModelShape, shapeOf } from './shape.ts';

/** The fields of config.json that {@link shapeOf} reads, in a short form. */
function qwen3(layers: number, hidden: number, intermediate: number, heads: number, tied: boolean) {
  return {
    model_type: 'qwen3',
    num_hidden_layers: layers,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_attention_heads: heads,
    num_key_value_heads: 8,
    head_dim: 128,
    vocab_size: 151_936,
    max_position_embeddings: 40_960,
    tie_word_embeddings: tied,
  };
}

function llama3(layers: number, hidden: number, intermediate: number, heads: number, tied: boolean) {
  return {
    model_type: 'llama',
    num_hidden_layers: layers,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_attention_heads: heads,
    num_key_value_heads: 8,
    vocab_size: 128_256,
    max_position_embeddings: 131_072,
    tie_word_embeddings: tied,
  };
}

/** config.json of models on the Hugging Face hub, by name in small letters: what is planned often needs no network. */
const MODELS: Readonly<Record<string, object>> = {
  'qwen/qwen3-0.6b': qwen3(28, 1024, 3072, 16, true),
  'qwen/qwen3-1.7b': qwen3(28, 2048, 6144, 16, true),
  'qwen/qwen3-4b': qwen3(36, 2560, 9728, 32, true),
  'qwen/qwen3-8b': qwen3(36, 4096, 12_288, 32, false),
  'qwen/qwen3-14b': qwen3(40, 5120, 17_408, 40, false),
  'qwen/qwen3-32b': qwen3(64, 5120, 25_600, 64, false),
  'qwen/qwen3-30b-a3b': {
    ...qwen3(48, 2048, 6144, 32, false),
    model_type: 'qwen3_moe',
    num_key_value_heads: 4,
    num_experts: 128,
    num_experts_per_tok: 8,
    moe_intermediate_size: 768,
  },
  'meta-llama/llama-3.2-1b': llama3(16, 2048, 8192, 32, true),
  'meta-llama/llama-3.2-3b': llama3(28, 3072, 8192, 24, true),
  'meta-llama/llama-3.1-8b': llama3(32, 4096, 14_336, 32, false),
  'meta-llama/llama-3.1-70b': llama3(80, 8192, 28_672, 64, false),
};

/** Context of Qwen3's base models; those trained further on have 40,960. */
const QWEN_BASE_CONTEXT = 32_768;

/** The models that OctoThinker's are trained on from, arXiv 2506.20512. */
const OCTOTHINKER = { '1b': 'llama-3.2-1b', '3b': 'llama-3.2-3b', '8b': 'llama-3.1-8b' } as const;

/**
 * The shape of a model of the hub whose config.json is known here: Qwen3 and Llama 3 up to 70B, base models and those
 * trained on from them that keep the name (`-Base`, `-Instruct`), and OctoThinker.
 *
 * @param name a hub name, `Qwen/Qwen3-4B-Base`, in any case
 * @returns undefined for any other
 */
export function knownShape(name: string): ModelShape | undefined {
  const small = name.toLowerCase();
  const octo = /^octothinker\/octothinker-([138]b)-\w+-base$/.exec(small)?.[1] as keyof typeof OCTOTHINKER | undefined;
  const key = octo === undefined ? small.replace(/-(base|instruct)$/, '') : `meta-llama/${OCTOTHINKER[octo]}`;
  const config = MODELS[key];
  if (config === undefined) return undefined;
  const shape = shapeOf(name, config);
  const shorter = key.startsWith('qwen/') && small.endsWith('-base');
  return shorter ? { ...shape, contextLength: QWEN_BASE_CONTEXT } : shape;
}
