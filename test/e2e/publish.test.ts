import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { python } from '../fixtures/python.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';
import { StandInHub } from '../fixtures/standInHub.ts';
import { cli, SMALL, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
const path = (name: string) => join(home.path, name);
let hub: StandInHub;

beforeAll(async () => {
  hub = await StandInHub.start();
  for (const args of [
    ['run', ...SMALL, '--out', path('run')],
    ['run', '--preset', 'mock', ...SMALL_RUN, '--out', path('mock')],
    ['export', path('run'), '--out', path('solver')],
  ]) {
    const { exitCode, err } = await cli(args);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
  }
}, 120_000);
afterAll(async () => {
  await hub.close();
  home.remove();
});
beforeEach(() => hub.reset());

/** Run Python, with the hub in its environment. */
async function runPython(script: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, ...hub.env(), HF_HOME: path('hf-home'), OMP_NUM_THREADS: '1' };
  const { stdout } = await promisify(execFile)(python(), ['-c', script, ...args], { env, cwd: home.path });
  return stdout;
}

const push = (args: readonly string[], env: NodeJS.ProcessEnv = {}, stopAt?: RegExp) =>
  cli(['push', ...args], {
    env: { ...hub.env(), ...env },
    workingFolder: home.path,
    ...(stopAt === undefined ? {} : { stopAt }),
  });

function contentOf(folder: string): Map<string, string> {
  return new Map(readdirSync(folder).map((name) => [name, hashOf(readFileSync(join(folder, name)))]));
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What a branch of the hub holds, but for what it had from the beginning. */
function pushed(name: string, branch = 'main'): Map<string, string> {
  const files = [...hub.files(name, branch)].filter(([file]) => file !== '.gitattributes');
  return new Map(files.map(([file, content]) => [file, hashOf(content)]));
}

const LOGITS = [
  'import sys, torch',
  'from transformers import AutoModelForCausalLM, AutoTokenizer',
  'def logits(name):',
  '    tokenizer = AutoTokenizer.from_pretrained(name)',
  "    prompt = tokenizer.apply_chat_template([{'role': 'user', 'content': 'Start with 47. (1) Add 8.'}], tokenize=False)",
  "    return AutoModelForCausalLM.from_pretrained(name)(**tokenizer(prompt, return_tensors='pt')).logits",
  'first, *others = (logits(name) for name in sys.argv[1:])',
  'print(all(torch.equal(first, other) for other in others))',
].join('\n');

describe('an export', () => {
  test('is the model of the run, in files of its own', async () => {
    const { exitCode, out } = await cli(['export', path('run'), '--iteration', 'best', '--out', path('own')]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/the solver of iteration 1, all weights, float32 \(8 files, .*\)/);
    const model = contentOf(path('run/iteration-1/models/solver'));
    for (const [name, content] of contentOf(path('own'))) {
      if (!model.has(name)) continue;
      expect(content).toBe(model.get(name));
      expect(statSync(path(`own/${name}`)).nlink).toBe(1);
    }
    expect([...contentOf(path('own')).keys()].filter((name) => !model.has(name))).toEqual(['README.md', 'rzero.json']);
    expect(readdirSync(home.path).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  test('has a card whose example works, and whose metadata the hub reads', async () => {
    const card = readFileSync(path('solver/README.md'), 'utf8');
    const example = /```python\n([\s\S]*?)```/.exec(card)?.[1] ?? '';
    expect(await runPython(example)).toMatch(/\d/);
    const metadata = await runPython(
      'import sys; from huggingface_hub import ModelCard; d = ModelCard.load(sys.argv[1]).data; ' +
        'print(d.license, d.pipeline_tag, [(r.metric_name, r.metric_value) for r in d.eval_results])',
      path('solver/README.md'),
    );
    expect(metadata).toMatch(/^apache-2.0 text-generation \[\('greedy, %', [\d.]+\), \('mean@2, %', /);
  }, 60_000);

  test('never takes the place of anything but an earlier one of the same', async () => {
    const before = contentOf(path('solver'));
    const taken = await cli(['export', path('run'), '--out', path('solver')]);
    expect(taken).toMatchObject({ exitCode: 2, err: expect.stringMatching(/it exists; --force replaces/) });
    const other = await cli(['export', path('run'), '--role', 'challenger', '--out', path('solver'), '--force']);
    expect(other).toMatchObject({ exitCode: 2, err: expect.stringMatching(/export of the solver/) });
    const own = await cli(['export', path('run'), '--out', path('run'), '--force']);
    expect(own).toMatchObject({ exitCode: 2, err: expect.stringMatching(/no export of rzero/) });
    expect((await cli(['export', path('run'), '--out', path('solver'), '--force'])).exitCode).toBe(0);
    expect(contentOf(path('solver'))).toEqual(before);
  });

  test('of a run that is not finished is of the last iteration that is over, and says so', async () => {
    const further = ['--at', 'iteration:2', '--set', 'iterations=2', '--out', path('further')];
    expect((await cli(['fork', path('run'), ...further])).exitCode).toBe(0);
    const { exitCode, err } = await cli(['export', path('further'), '--out', path('so-far')]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: expect.stringMatching(/is not finished.*iteration 1 of 2/) });
    const card = readFileSync(path('so-far/README.md'), 'utf8');
    expect(card).toMatch(/1 of 2 \(the run is not finished\)/);
    const results = (text: string) => /## Results\n[\s\S]*?## Training/.exec(text)?.[0];
    expect(results(card)).toBe(results(readFileSync(path('solver/README.md'), 'utf8')));
  });

  test('in another float type is written by Python, every weight rounded', async () => {
    const { exitCode } = await cli(['export', path('run'), '--dtype', 'bfloat16', '--out', path('rounded')]);
    expect(exitCode).toBe(0);
    const script = [
      'import sys; from safetensors.torch import load_file; import torch',
      "a, b = (load_file(f'{f}/model.safetensors') for f in sys.argv[1:])",
      'print(a.keys() == b.keys() and all(torch.equal(a[n].bfloat16(), b[n]) for n in a))',
    ].join('\n');
    expect(await runPython(script, path('solver'), path('rounded'))).toBe('True\n');
    expect(contentOf(path('rounded')).has('chat_template.jinja')).toBe(true);
  }, 60_000);

  test('of a damaged model is refused, by the name of the file', async () => {
    const file = path('run/iteration-1/models/challenger/model.safetensors');
    const whole = readFileSync(file);
    renameSync(file, `${file}.whole`);
    writeFileSync(file, Buffer.concat([whole.subarray(0, -1), Buffer.from([(whole.at(-1) as number) ^ 1])]));
    const { exitCode, err } = await cli(['export', path('run'), '--role', 'challenger', '--out', path('damaged')]);
    renameSync(`${file}.whole`, file);
    expect(exitCode).toBe(65);
    expect(err).toMatch(/iteration-1\/models\/challenger\/model\.safetensors is damaged/);
    expect(existsSync(path('damaged'))).toBe(false);
  });

  test('of a run of the mock worker is refused: it has no weights', async () => {
    const { exitCode, err } = await cli(['export', path('mock'), '--out', path('of-mock')]);
    expect({ exitCode, err }).toEqual({ exitCode: 65, err: expect.stringMatching(/mock worker.*no weights/) });
  });

  test.each([
    [['--iteration', '7'], /no solver of iteration 7, but of 1/],
    [['--iteration', '0'], /--iteration is "0": allowed are last, best, and a number from 1/],
    [['--role', 'judge'], /--role judge: allowed are solver, challenger/],
    [['--dtype', 'int8'], /--dtype int8: allowed are float32, bfloat16, float16/],
    [['--merge'], /--merge is for adapters/],
  ])('%j is a wrong use', async (flags, message) => {
    const { exitCode, err } = await cli(['export', path('run'), '--out', path('wrong'), ...flags]);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringMatching(message) });
  });
});

describe('a push', () => {
  test('of an export: what arrives is what was there, and opens from there', async () => {
    const { exitCode, out, err } = await push(['solver', '--repo', 'me/solver']);
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: `${hub.url}/me/solver\n` });
    expect(err).toMatch(/8 of 8: tokenizer_config\.json, .* \(1\.2 MiB of 1\.2 MiB done\)/);
    expect(pushed('me/solver')).toEqual(contentOf(path('solver')));
    expect(hub.repositories.get('models/me/solver')).toMatchObject({
      isPrivate: false,
      commits: [expect.stringMatching(/^solver, iteration 1 \(rzero /)],
    });
    const model = path('run/iteration-1/models/solver');
    expect(await runPython(LOGITS, model, path('solver'), 'me/solver')).toBe('True\n');
  }, 60_000);

  test('again sends nothing and commits nothing; of a changed file, that alone', async () => {
    for (const _ of ['once', 'again']) expect((await push(['solver', '--repo', 'me/solver'])).exitCode).toBe(0);
    expect(hub.sent()).toBe(1);
    expect(hub.repositories.get('models/me/solver')?.commits).toHaveLength(1);
    appendFileSync(path('solver/README.md'), '\nMore.\n');
    expect((await push(['solver', '--repo', 'me/solver'])).exitCode).toBe(0);
    expect(hub.sent()).toBe(1);
    expect(hub.repositories.get('models/me/solver')?.commits).toHaveLength(2);
    expect(pushed('me/solver')).toEqual(contentOf(path('solver')));
  }, 60_000);

  test('of a run, private, to a branch: the same as by an export, and nothing stays beside the run', async () => {
    const { exitCode } = await push(['run', '--repo', 'me/branch', '--private', '--revision', 'iteration-1']);
    expect(exitCode).toBe(0);
    expect(hub.repositories.get('models/me/branch')?.isPrivate).toBe(true);
    expect(pushed('me/branch')).toEqual(new Map());
    const model = contentOf(path('run/iteration-1/models/solver'));
    for (const name of ['model.safetensors', 'tokenizer.json', 'config.json', 'chat_template.jinja']) {
      expect(pushed('me/branch', 'iteration-1').get(name)).toBe(model.get(name));
    }
    expect(String(hub.files('me/branch', 'iteration-1').get('README.md'))).toMatch(/name = "me\/branch"/);
    expect(readdirSync(home.path).filter((name) => name.includes('.partial'))).toEqual([]);
  }, 60_000);

  test('outlasts a hub that fails and a connection that breaks', async () => {
    hub.fail(/^PUT \/lfs/, 'drop');
    hub.fail(/^POST .*preupload/, 503);
    hub.fail(/^POST \/api\/repos\/create/, 502);
    const { exitCode, err } = await push(['solver', '--repo', 'me/patient']);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: expect.stringMatching(/trying again/) });
    expect(pushed('me/patient')).toEqual(contentOf(path('solver')));
  }, 60_000);

  test('that was interrupted is taken up: the commit is whole or not there, and nothing is sent twice', async () => {
    hub.fail(/^POST .*commit/, 400);
    const broken = await push(['solver', '--repo', 'me/interrupted']);
    expect(broken).toMatchObject({ exitCode: 65, err: expect.stringMatching(/does not take it/) });
    expect(pushed('me/interrupted')).toEqual(new Map());
    expect(hub.sent()).toBe(1);
    expect((await push(['solver', '--repo', 'me/interrupted'])).exitCode).toBe(0);
    expect(hub.sent()).toBe(1);
    expect(pushed('me/interrupted')).toEqual(contentOf(path('solver')));
  }, 60_000);

  test('that is told to stop says how it goes on, and the next one ends it', async () => {
    const stopped = await push(['solver', '--repo', 'me/stopped'], {}, /model\.safetensors/);
    expect(stopped).toMatchObject({
      exitCode: 130,
      err: expect.stringMatching(/same command sends what has not arrived/),
    });
    expect([new Map(), contentOf(path('solver'))]).toContainEqual(pushed('me/stopped'));
    expect((await push(['solver', '--repo', 'me/stopped'])).exitCode).toBe(0);
    expect(hub.sent()).toBe(1);
    expect(pushed('me/stopped')).toEqual(contentOf(path('solver')));
  }, 60_000);

  test('removes weights of an earlier one that this one does not have, and nothing else', async () => {
    expect((await push(['solver', '--repo', 'me/solver'])).exitCode).toBe(0);
    for (const name of ['model-00001-of-00002.safetensors', 'notes.txt'])
      hub.files('me/solver').set(name, Buffer.from('x'));
    expect((await push(['solver', '--repo', 'me/solver'])).exitCode).toBe(0);
    expect([...pushed('me/solver').keys()].sort()).toEqual([...contentOf(path('solver')).keys(), 'notes.txt'].sort());
  }, 60_000);

  test.each([
    ['a token that is not accepted', ['--repo', 'me/none'], 'hf_wrong', /does not accept the token: .*hf auth login/],
    ['no token', ['--repo', 'me/none'], '', /no token for the hub: .*HF_TOKEN/],
    ['a repository of others', ['--repo', 'they/none'], 'hf_right', /token may not write to they\/none/],
  ])(
    'with %s: exit code 77, and no token on the screen',
    async (_, flags, token, message) => {
      hub.forbidden.add('they');
      const { exitCode, out, err } = await push(['solver', ...flags], { HF_TOKEN: token });
      expect({ exitCode, err }).toEqual({ exitCode: 77, err: expect.stringMatching(message) });
      expect(`${out}${err}`).not.toMatch(/hf_(wrong|right)/);
      expect([...hub.repositories.keys()].filter((name) => name.endsWith('none'))).toEqual([]);
    },
    60_000,
  );

  test('with --private to a repository that is public is refused', async () => {
    expect((await push(['solver', '--repo', 'me/solver'])).exitCode).toBe(0);
    const { exitCode, err } = await push(['solver', '--repo', 'me/solver', '--private']);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringMatching(/there already and public/) });
  }, 60_000);

  test('that is a trial says what would be sent, and sends nothing', async () => {
    const { exitCode, out } = await push(['run', '--repo', 'me/trial', '--dry-run']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^To model me\/trial, branch main, public:\n/);
    expect(out).toMatch(/model\.safetensors +1\.1 MiB/);
    expect(out).toMatch(/8 files, 1\.2 MiB\n$/);
    expect(hub.requests).toEqual([]);
  });

  test.each([
    [['solver', '--repo', 'solver'], /--repo is "solver": allowed is OWNER\/NAME/],
    [['solver', '--repo', 'me/solver', '--revision', 'a..b'], /--revision is "a\.\.b"/],
    [['solver', '--repo', 'me/solver', '--role', 'solver'], /--role is for a run/],
    [['solver', '--repo', 'me/solver', '--dataset'], /--dataset is for a run/],
    [['.', '--repo', 'me/solver'], /neither a run nor an export/],
  ])('%j is a wrong use', async (args, message) => {
    const { exitCode, err } = await push(args);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringMatching(message) });
  });

  test('of adapters over a folder of this machine is refused', async () => {
    mkdirSync(path('adapters'));
    const mark = { format: 1, kind: 'model', run: 'x', role: 'solver', form: 'adapter', licence: { license: 'mit' } };
    writeFileSync(path('adapters/rzero.json'), JSON.stringify(mark));
    const { exitCode, err } = await push(['adapters', '--repo', 'me/adapters']);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringMatching(/folder of this machine.*--merge/) });
  });

  test("of a run's questions: every one with its answers, vote and fate", async () => {
    expect((await push(['run', '--repo', 'me/questions', '--dataset'])).exitCode).toBe(0);
    const files = hub.files('me/questions', 'main', 'datasets');
    expect([...files.keys()].sort()).toEqual(['.gitattributes', 'README.md', 'data/iteration-1.jsonl', 'rzero.json']);
    const rows = String(files.get('data/iteration-1.jsonl'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(24);
    const kept = rows.filter(({ fate }) => fate === 'kept');
    expect(kept.length).toBeGreaterThan(0);
    for (const row of kept) {
      expect(row).toMatchObject({ iteration: 1, trained_label: row.label, samples: 10 });
      expect(row.responses).toHaveLength(10);
    }
    expect(String(files.get('README.md'))).toMatch(new RegExp(`\\| 1 \\| 24 \\| ${kept.length} \\|`));
  }, 60_000);

  test('of what comes from a model without a known licence is private, or knowingly public', async () => {
    const refused = await push(['mock', '--repo', 'me/mock', '--dataset']);
    expect(refused).toMatchObject({ exitCode: 2, err: expect.stringMatching(/not known.*[\s\S]*--accept-licence/) });
    expect((await push(['mock', '--repo', 'me/mock', '--dataset', '--accept-licence'])).exitCode).toBe(0);
    expect((await push(['mock', '--repo', 'me/mock-2', '--dataset', '--private'])).exitCode).toBe(0);
  }, 60_000);
});
