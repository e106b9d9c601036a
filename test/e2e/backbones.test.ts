import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EMBEDDED_MODEL } from '../../ts/cli/places.ts';
import { challengerConversation, solverConversation } from '../../ts/domain/prompts.ts';
import { python } from '../fixtures/python.ts';
import { cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
const inHome = (name: string) => join(home.path, name);
afterAll(() => home.remove());

/**
 * Every question that has a vote is kept, and none is punished for being asked twice: a model that knows one by heart asks
 * little else. What is tried is the way through, not what comes of it.
 */
const TINY = [
  'iterations=1',
  'arm=no-repetition',
  'challenger.steps=1',
  'challenger.rollouts=16',
  'challenger.miniBatch=16',
  'questions.candidates=8',
  'questions.delta=0.5',
  'answering.votes=9',
  'solver.steps=1',
  'solver.prompts=2',
  'solver.rollouts=16',
  'solver.miniBatch=32',
  'evaluation.problems=2',
  'evaluation.samples=1',
].flatMap((set) => ['--set', set]);

const BACKBONES = ['qwen3', 'llama', 'gemma3_text', 'phi3', 'olmo2', 'qwen3_moe'];

beforeAll(() => {
  const conversations = [challengerConversation(), solverConversation('What is 1+1?')];
  const script = fileURLToPath(new URL('../fixtures/backbones.py', import.meta.url));
  const env = { ...process.env, PYTHONPATH: fileURLToPath(new URL('../../py_worker', import.meta.url)) };
  execFileSync(python(), [script, home.path, JSON.stringify(conversations)], { env, stdio: 'pipe' });
}, 60_000);

const weights = (folder: string) => readFileSync(join(folder, 'model.safetensors'));

describe('a whole iteration on six architectures', () => {
  test.each(BACKBONES)(
    '%s: both roles take steps, and questions are kept',
    async (name) => {
      const out = inHome(`${name}-run`);
      const { exitCode, err } = await cli(['run', ...TINY, '--model', inHome(name), '--out', out]);
      expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
      const { iterations } = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
      expect(err).not.toMatch(/no question was kept/);
      expect(iterations).toHaveLength(1);
      const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
      const norms = lines.flatMap((line) => [...line.matchAll(/"gradNorm":([^,}]+)/g)].map(([, norm]) => Number(norm)));
      expect(new Set(norms).size).toBe(2); // one of each role, in its step and in its phase
      for (const norm of norms) expect(norm).toBeGreaterThan(0);
      const base = weights(inHome(name));
      const [challenger, solver] = ['challenger', 'solver'].map((role) =>
        weights(join(out, 'iteration-1/models', role)),
      );
      expect(challenger?.equals(base)).toBe(false);
      expect(solver?.equals(base)).toBe(false);
    },
    60_000,
  );

  test('rzero model check says of one what its run took for granted', async () => {
    const { exitCode, out } = await cli(['model', 'check', inHome('qwen3'), '--json']);
    const { usable, report } = JSON.parse(out);
    expect({ exitCode, usable }).toEqual({ exitCode: 0, usable: true });
    expect(report).toMatchObject({ architecture: 'Qwen3ForCausalLM', tied: true, packing: 'packs' });
    expect(report.tokenizer.eos.map(({ text }: { text: string }) => text)).toEqual(['<eos>', '<end>']);
    expect(report.prompts[0].text).toMatch(/^<system>You set problems.*<user>.*<assistant>$/s);
  }, 60_000);
});

describe('a model that a run cannot begin with', () => {
  /** A copy of the embedded base with something about it changed. */
  function copy(name: string, change: (folder: string) => void): string {
    cpSync(EMBEDDED_MODEL, inHome(name), { recursive: true });
    change(inHome(name));
    return inHome(name);
  }
  const template = (text: string) => (folder: string) => writeFileSync(join(folder, 'chat_template.jinja'), text);

  test.each([
    [
      'a template that drops the system text',
      template(
        "{% for m in messages %}{% if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}{% endif %}{% endfor %}",
      ),
      /prompts: Challenger: the chat template drops the system turn/,
    ],
    ['a template that drops the content', template('<|user|>hello<|assistant|>'), /drops the system turn/],
    [
      'pickles alone',
      (folder: string) => renameSync(join(folder, 'model.safetensors'), join(folder, 'pytorch_model.bin')),
      /weights: it has its weights as pickles alone \(pytorch_model\.bin\)/,
    ],
  ])(
    '%s is refused before a phase begins, with what to do',
    async (name, change, message) => {
      const model = copy(name.replaceAll(' ', '-'), change);
      const { exitCode, err } = await cli(['run', ...TINY, '--model', model, '--out', `${model}-run`]);
      expect(exitCode).toBe(65);
      expect(err).toMatch(message);
      expect(err).toMatch(/rzero model check/);
      expect(err).not.toMatch(/base +evaluation|Traceback/);
    },
    60_000,
  );

  test('model check says the same, with all else there is to say, and ends with 65', async () => {
    const { exitCode, out } = await cli(['model', 'check', inHome('pickles-alone')]);
    expect(exitCode).toBe(65);
    expect(out).toMatch(/✗ weights/);
    expect(out).toMatch(/What it would see: Solver/);
    expect(out).toMatch(/Not usable: 1 finding failed\.\n$/);
  }, 60_000);
});
