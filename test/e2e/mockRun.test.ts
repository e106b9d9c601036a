import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runExperiment } from '../../ts/cli/experiment.ts';
import { loadConfig } from '../../ts/config/load.ts';
import { RunFolder } from '../../ts/store/runFolder.ts';
import { python } from '../fixtures/python.ts';
import { type CliResult, cli, temporaryFolder, workersOf } from './cli.ts';

const home = temporaryFolder();
const inHome = (name: string) => join(home.path, name);
const read = (run: string, name: string) => readFileSync(join(inHome(run), ...name.split('/')), 'utf8');
const lines = (run: string, name: string) =>
  read(run, name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

afterAll(() => home.remove());

describe('a whole run on the mock worker', () => {
  let result: CliResult;
  beforeAll(async () => {
    result = await cli(['run', '--preset', 'mock', '--out', inHome('first')]);
  }, 60_000);

  test('ends well, with its table on stdout and all else on stderr', () => {
    expect(result.err).not.toMatch(/^rzero: /m);
    expect(result.exitCode).toBe(0);
    expect(result.out).toMatch(/base/);
    expect(result.out).toMatch(/mean@2/);
    expect(result.err).toMatch(/R-Zero/);
  });

  test('leaves what it promises', () => {
    expect(readdirSync(inHome('first')).sort()).toEqual([
      'config.yml',
      'iteration-0',
      'iteration-1',
      'iteration-2',
      'journal',
      'lease.json',
      'logs',
      'metrics.jsonl',
      'objects',
      'run.json',
      'summary.json',
      'worker.log',
    ]);
    expect(JSON.parse(read('first', 'run.json')).status).toBe('finished');
    expect(readdirSync(inHome('first/iteration-2')).sort()).toEqual([
      'challenger',
      'evaluation.jsonl',
      'models',
      'problems.jsonl',
      'questions.jsonl',
      'solver',
    ]);
    expect(readdirSync(inHome('first/iteration-2/models')).sort()).toEqual(['challenger', 'solver']);
  });

  test('every candidate has its samples, vote and fate; kept ones are inside the band', () => {
    const records = lines('first', 'iteration-1/questions.jsonl');
    expect(records).toHaveLength(32);
    for (const record of records) {
      expect(['kept', 'too_easy', 'too_hard', 'no_label', 'malformed']).toContain(record.fate);
      if (record.fate === 'malformed') continue;
      expect(record.responses).toHaveLength(10);
      if (record.fate === 'kept') expect(Math.abs(record.agreement - 0.5)).toBeLessThanOrEqual(0.25);
    }
    expect(records.some(({ fate }) => fate === 'kept')).toBe(true);
  });

  test("the Challenger's records carry rewards that follow from their own parts", () => {
    for (const { reward, agreement } of lines('first', 'iteration-1/challenger/step-001.jsonl')) {
      const uncertainty = reward.format === 1 ? 1 - 2 * Math.abs(agreement - 0.5) : 0;
      expect(reward.uncertainty).toBeCloseTo(uncertainty, 12);
      expect(reward.total).toBeCloseTo(Math.max(0, reward.uncertainty - reward.repetition), 12);
    }
  });

  test('the same seed gives the same summary, byte for byte, and another seed another', async () => {
    await cli(['run', '--preset', 'mock', '--out', inHome('again')]);
    await cli(['run', '--preset', 'mock', '--seed', '2', '--out', inHome('other')]);
    expect(read('again', 'summary.json')).toBe(read('first', 'summary.json'));
    expect(read('other', 'summary.json')).not.toBe(read('first', 'summary.json'));
  }, 60_000);

  test("a run's own config makes the run again", async () => {
    await cli(['run', '--config', inHome('first/config.yml'), '--out', inHome('replayed')]);
    expect(read('replayed', 'summary.json')).toBe(read('first', 'summary.json'));
  }, 60_000);

  test('show prints the same table, and the summary as JSON', async () => {
    const shown = await cli(['show', inHome('first')]);
    expect(shown.exitCode).toBe(0);
    expect(result.out).toContain(shown.out.trim().split('\n')[0]);
    const json = await cli(['show', inHome('first'), '--json']);
    expect(JSON.parse(json.out)).toEqual(JSON.parse(read('first', 'summary.json')));
  });

  test.each(['untrained-challenger', 'shuffled-labels', 'random-rewards', 'no-filter', 'no-repetition'])(
    'the arm %s runs',
    async (arm) => {
      const { exitCode } = await cli([
        'run',
        '--preset',
        'mock',
        '--iterations',
        '1',
        '--arm',
        arm,
        '--out',
        inHome(arm),
      ]);
      expect(exitCode).toBe(0);
      expect(existsSync(inHome(`${arm}/iteration-1/models/challenger`))).toBe(arm !== 'untrained-challenger');
    },
    60_000,
  );
});

describe('Ctrl-C', () => {
  test.each(['evaluation', 'challenger', 'questions', 'solver'] as const)(
    'inside the %s phase is a clean stop: no summary, and no worker left',
    async (phase) => {
      const path = inHome(`stopped-in-${phase}`);
      const stop = new AbortController();
      const run = runExperiment({
        config: loadConfig({ preset: 'mock' }),
        folder: RunFolder.create(path),
        reporter: {
          report: (event) => {
            const inside = event.type === 'progress' || event.type === 'step';
            if (inside && event.phase === phase) stop.abort('SIGINT');
          },
        },
        env: { ...process.env, RZERO_PYTHON: python() },
        workingFolder: home.path,
        signal: stop.signal,
      });
      await expect(run).rejects.toMatchObject({ code: 'stopped' });
      expect(JSON.parse(readFileSync(join(path, 'run.json'), 'utf8')).status).toBe('stopped');
      expect(existsSync(join(path, 'summary.json'))).toBe(false);
      expect(readdirSync(path, { recursive: true }).filter((name) => String(name).endsWith('.tmp'))).toEqual([]);
      expect(workersOf(path)).toEqual([]);
    },
  );

  test('is said in one line, ends with 130, and show tells that the run was stopped', async () => {
    const out = inHome('stopped');
    const { exitCode, err } = await cli(['run', '--preset', 'mock', '--out', out], {
      stopAt: /iteration 1 +challenger/,
    });
    expect(exitCode).toBe(130);
    expect(err.trim().split('\n').at(-1)).toBe(`rzero: stopped; go on with: rzero resume ${out}`);
    expect(await cli(['show', out])).toEqual({
      exitCode: 2,
      out: '',
      err: `rzero: run ${out} is not finished: it was stopped; rzero resume ${out} goes on with it\n`,
    });
  });
});

describe('wrong input is one clear error', () => {
  const errorOf = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { exitCode, err } = await cli(args, { env, workingFolder: home.path });
    return { exitCode, err };
  };

  test('an option with a typo, in a flag and in a file', async () => {
    expect(await errorOf(['run', '--set', 'solver.step=3'])).toEqual({
      exitCode: 78,
      err: 'rzero: unknown option "solver.step"; did you mean "solver.steps"?\n',
    });
    expect(await errorOf(['run', '--config', 'nowhere.yml'])).toEqual({
      exitCode: 78,
      err: 'rzero: --config nowhere.yml cannot be read: no such file or folder\n',
    });
  });

  test('a flag with a typo', async () => {
    const { exitCode, err } = await errorOf(['run', '--sed', '3']);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/unknown option '--sed'/);
  });

  test('a seed that is no number', async () => {
    expect(await errorOf(['run', '--seed', 'x'])).toEqual({
      exitCode: 78,
      err: 'rzero: option "seed" is "x": it must be a number\n',
    });
  });

  test('a run folder that exists', async () => {
    mkdirSync(inHome('taken'));
    writeFileSync(inHome('taken/notes.txt'), 'mine');
    const { exitCode, err } = await errorOf(['run', '--preset', 'mock', '--out', 'taken']);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/taken exists and is not empty; choose another with --out/);
    expect(readdirSync(inHome('taken'))).toEqual(['notes.txt']);
  });

  test('a Python that is not there', async () => {
    const { exitCode, err } = await errorOf(['run', '--preset', 'mock', '--out', inHome('nopython')], {
      RZERO_PYTHON: '/nowhere/python',
    });
    expect(exitCode).toBe(69);
    expect(err).toMatch(/\/nowhere\/python/);
    expect(JSON.parse(read('nopython', 'run.json')).status).toBe('failed');
  });

  test('a model that the worker cannot load', async () => {
    const { exitCode, err } = await errorOf([
      'run',
      '--preset',
      'mock',
      '--model',
      'nosuch',
      '--out',
      inHome('nomodel'),
    ]);
    expect(exitCode).toBe(65);
    expect(err).toMatch(/nosuch/);
  });

  test('a folder that is no run', async () => {
    expect(await errorOf(['show', 'elsewhere'])).toEqual({
      exitCode: 2,
      err: 'rzero: elsewhere is not a run folder: it has no run.json and no journal\n',
    });
  });
});
