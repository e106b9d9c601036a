import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { PlacementError } from '../../../ts/placement/errors.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import { type ModelShape, multipliedParameters, shapeOf, tokenBytes } from '../../../ts/placement/shape.ts';

function known(name: string): ModelShape {
  const shape = knownShape(name);
  if (shape === undefined) throw new Error(`${name} is not known`);
  return shape;
}

describe('parameters of models of the hub, as transformers counts them', () => {
  test.each([
    ['Qwen/Qwen3-0.6B-Base', 596_049_920],
    ['Qwen/Qwen3-1.7B', 1_720_574_976],
    ['Qwen/Qwen3-4B-Base', 4_022_468_096],
    ['Qwen/Qwen3-8B-Base', 8_190_735_360],
    ['Qwen/Qwen3-14B', 14_768_307_200],
    ['Qwen/Qwen3-32B', 32_762_123_264],
    ['Qwen/Qwen3-30B-A3B', 30_532_122_624],
    ['meta-llama/Llama-3.2-1B', 1_235_814_400],
    ['meta-llama/Llama-3.2-3B-Instruct', 3_212_749_824],
    ['meta-llama/Llama-3.1-8B', 8_030_261_248],
    ['meta-llama/Llama-3.1-70B', 70_553_706_496],
    ['OctoThinker/OctoThinker-3B-Hybrid-Base', 3_212_749_824],
    ['OctoThinker/OctoThinker-8B-Long-Base', 8_030_261_248],
  ])('%s', (name, parameters) => {
    expect(known(name)).toMatchObject({ name, parameters });
    expect(known(name).note).toBeUndefined();
  });

  test('any other is not known', () => {
    expect(knownShape('Qwen/Qwen3-4B-Thinking-2507')).toBeUndefined();
    expect(knownShape('./my-model')).toBeUndefined();
  });
});

const small = {
  num_hidden_layers: 32,
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 32_000,
  max_position_embeddings: 4096,
  tie_word_embeddings: false,
};

// Each counted by transformers 5.19, AutoModelForCausalLM.from_config on the meta device.
describe('parameters of other architectures', () => {
  test.each([
    ['mistral', { vocab_size: 32_768 }, 7_248_023_552],
    ['mixtral', { num_local_experts: 8, num_experts_per_tok: 2 }, 46_702_792_704],
    [
      'qwen2',
      {
        num_hidden_layers: 28,
        hidden_size: 3584,
        intermediate_size: 18_944,
        num_attention_heads: 28,
        num_key_value_heads: 4,
        vocab_size: 152_064,
      },
      7_615_616_512,
    ],
    [
      'phi3',
      { hidden_size: 3072, intermediate_size: 8192, num_key_value_heads: 32, vocab_size: 32_064 },
      3_821_079_552,
    ],
    [
      'gemma',
      {
        num_hidden_layers: 18,
        hidden_size: 2048,
        intermediate_size: 16_384,
        num_attention_heads: 8,
        num_key_value_heads: 1,
        head_dim: 256,
        vocab_size: 256_000,
        tie_word_embeddings: undefined,
      },
      2_506_172_416,
    ],
    ['olmo2', { intermediate_size: 11_008, num_key_value_heads: 32, vocab_size: 100_352 }, 7_298_617_344],
    [
      'gemma3_text',
      {
        num_hidden_layers: 26,
        hidden_size: 1152,
        intermediate_size: 6912,
        num_attention_heads: 4,
        num_key_value_heads: 1,
        head_dim: 256,
        vocab_size: 262_144,
        tie_word_embeddings: undefined,
      },
      999_885_952,
    ],
  ])('%s', (model_type, fields, parameters) => {
    const shape = shapeOf('it', { ...small, model_type, ...fields });
    expect(shape.parameters).toBe(parameters);
    expect(shape.note).toBeUndefined();
  });

  test('the embedded base model', () => {
    const text = readFileSync(new URL('../../../py_worker/embedded_base/model/config.json', import.meta.url), 'utf8');
    expect(shapeOf('embedded', JSON.parse(text))).toMatchObject({ parameters: 299_808, contextLength: 256 });
  });

  test('the text model of one that sees pictures', () => {
    const text_config = { ...small, model_type: 'mistral', vocab_size: 32_768 };
    expect(shapeOf('it', { model_type: 'llava', text_config }).parameters).toBe(7_248_023_552);
  });

  test('one that is not in the table is counted as Llama would be, and says so', () => {
    const gpt2 = {
      model_type: 'gpt2',
      n_layer: 12,
      n_embd: 768,
      n_head: 12,
      vocab_size: 50_257,
      n_positions: 1024,
      n_inner: null,
    };
    const shape = shapeOf('gpt2', gpt2);
    expect(shape).toMatchObject({ intermediate: 3072, kvHeads: 12, headSize: 64, tied: true });
    expect(shape.note).toContain('model_type "gpt2" is not among those counted exactly');
    // 124 M in truth: two matrices of the MLP instead of three, and positions.
    expect(shape.parameters / 124e6).toBeGreaterThan(0.8);
    expect(shape.parameters / 124e6).toBeLessThan(1.3);
  });
});

test('a mixture of experts: a token goes through 3.35 of 30.5 billion parameters', () => {
  const shape = known('Qwen/Qwen3-30B-A3B');
  expect(shape).toMatchObject({ experts: { count: 128, perToken: 8 }, intermediate: 8 * 768 });
  // 120 of 128 experts of 3 * 2048 * 768 in each of 48 layers are left out.
  expect(shape.activeParameters).toBe(30_532_122_624 - 48 * 120 * 3 * 2048 * 768);
  expect(shape.activeParameters).toBe(3_353_032_704);
});

test('a token of Qwen3-4B has 144 KiB of keys and values: 2 * 36 layers * 8 heads * 128 * 2 bytes', () => {
  expect(tokenBytes(known('Qwen/Qwen3-4B'))).toBe(144 * 1024);
});

test('an embedding that is no projection is looked up, not multiplied with', () => {
  expect(multipliedParameters(known('Qwen/Qwen3-4B'))).toBe(4_022_468_096);
  expect(multipliedParameters(known('Qwen/Qwen3-8B'))).toBe(8_190_735_360 - 151_936 * 4096);
});

describe('what is refused', () => {
  const good = { ...small, model_type: 'llama' };
  test.each([
    [{ hidden_size: undefined }, 'config.json of it: hidden_size is missing, it must be a whole number above 0'],
    [
      { intermediate_size: undefined },
      'config.json of it: intermediate_size is missing, it must be a whole number above 0',
    ],
    [{ vocab_size: 'many' }, 'config.json of it: vocab_size is "many", it must be a whole number above 0'],
    [{ num_hidden_layers: 0 }, 'config.json of it: num_hidden_layers is 0, it must be a whole number above 0'],
    [{ num_local_experts: 4 }, 'config.json of it: num_experts_per_tok is missing, it must be a whole number above 0'],
    [{ tie_word_embeddings: 'yes' }, 'config.json of it: tie_word_embeddings is "yes", it must be true or false'],
    [{ model_type: undefined }, 'config.json of it: model_type is missing, it must be a text'],
  ])('%j', (fields, message) => {
    const act = () => shapeOf('it', { ...good, ...fields });
    expect(act).toThrow(PlacementError);
    expect(act).toThrow(message);
  });

  test('no object', () => {
    expect(() => shapeOf('it', [1])).toThrow('config.json of it must hold an object');
  });
});
