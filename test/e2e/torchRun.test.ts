import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { EMBEDDED_MODEL } from '../../ts/cli/places.ts';
import { python } from '../fixtures/python.ts';
import { cli, SMALL, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
const inHome = (name: string) => join(home.path, name);
afterAll(() => home.remove());

describe('a whole iteration on PyTorch', () => {
  test('the embedded base: same seed, same summary, byte for byte', async () => {
    for (const name of ['first', 'again']) {
      const { exitCode, err } = await cli(['run', ...SMALL, '--out', inHome(name)]);
      expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
    }
    const read = (name: string) => readFileSync(inHome(`${name}/summary.json`), 'utf8');
    expect(read('again')).toBe(read('first'));
  }, 180_000);

  test('what it leaves takes the space that was planned', async () => {
    const { out } = await cli(['plan', '--json', ...SMALL], { env: { PATH: '/nowhere' } });
    const { afterwards } = JSON.parse(out).disk;
    const files = readdirSync(inHome('first'), { recursive: true, encoding: 'utf8' });
    const bytes = files.reduce((sum, name) => sum + statSync(inHome(`first/${name}`)).size, 0);
    expect(bytes / afterwards).toBeGreaterThan(0.7);
    expect(bytes / afterwards).toBeLessThan(1.5);
  });

  test('its models are Hugging Face folders that transformers opens', () => {
    const folders = ['challenger', 'solver'].map((role) => inHome(`first/iteration-1/models/${role}`));
    const script = [
      'import sys',
      'from transformers import AutoModelForCausalLM, AutoTokenizer',
      'for folder in sys.argv[1:]:',
      '    print(type(AutoModelForCausalLM.from_pretrained(folder)).__name__, len(AutoTokenizer.from_pretrained(folder)) > 0)',
    ].join('\n');
    const printed = execFileSync(python(), ['-c', script, ...folders], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(printed.trim().split('\n')).toEqual(['Qwen3ForCausalLM True', 'Qwen3ForCausalLM True']);
  }, 120_000);

  test('another architecture: a tiny random Llama goes through, with a warning that it kept nothing', async () => {
    const model = inHome('llama');
    const script = [
      'import sys, torch',
      'from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM',
      'torch.manual_seed(0)',
      'tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])',
      'config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,',
      '    num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,',
      '    eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None)',
      'LlamaForCausalLM(config).save_pretrained(sys.argv[2])',
      'tokenizer.save_pretrained(sys.argv[2])',
    ].join('\n');
    execFileSync(python(), ['-c', script, EMBEDDED_MODEL, model], { stdio: 'pipe' });
    const { exitCode, err } = await cli(['run', ...SMALL, '--model', model, '--out', inHome('llama-run')]);
    expect(exitCode).toBe(0);
    expect(err).toMatch(/no question was kept/);
    const config = JSON.parse(readFileSync(inHome('llama-run/iteration-1/models/solver/config.json'), 'utf8'));
    expect(config.architectures).toEqual(['LlamaForCausalLM']);
  }, 180_000);

  test('adapters: both roles learn as adapters of one base, handed on from iteration to iteration', async () => {
    const lora = ['--set', 'trainer.loraRank=4', '--set', 'iterations=2'];
    const { exitCode, err } = await cli(['run', ...SMALL, ...lora, '--out', inHome('lora')]);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
    for (const role of ['challenger', 'solver']) {
      const folder = inHome(`lora/iteration-2/models/${role}`);
      expect(readdirSync(folder)).toContain('adapter_model.safetensors');
      const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'));
      expect(config).toMatchObject({ r: 4, lora_alpha: 32, base_model_name_or_path: EMBEDDED_MODEL });
    }
  }, 180_000);

  test('a model folder without its tokenizer is one clear error', async () => {
    const model = inHome('no-tokenizer');
    cpSync(EMBEDDED_MODEL, model, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) rmSync(join(model, file));
    const { exitCode, err } = await cli(['run', ...SMALL, '--model', model, '--out', inHome('no-tokenizer-run')]);
    expect(exitCode).toBe(65);
    expect(err).toMatch(/no-tokenizer.*tokenizer/);
    expect(err).not.toMatch(/Traceback/);
  }, 120_000);
});
