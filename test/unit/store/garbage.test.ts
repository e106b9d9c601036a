import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { wrecksIn } from '../../../ts/store/garbage.ts';

const home = mkdtempSync(join(tmpdir(), 'garbage-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('what somebody killed leaves behind and weighs is found, and nothing else', () => {
  const wrecks = [
    'exchange-12ab/3/model.safetensors',
    'iteration-1/checkpoints/solver-001/solver.77.partial/weights.json',
    'iteration-1/questions.jsonl.tmp',
    'quarantine/iteration-1-models-solver-1/model.safetensors',
  ];
  const others = [
    'config.yml',
    'iteration-1/checkpoints/solver-001/solver/weights.json',
    'iteration-1/questions.jsonl',
    'objects/ab/abcd',
    'quarantine/objects-abcd-1',
  ];
  for (const name of [...wrecks, ...others]) {
    mkdirSync(join(home, dirname(name)), { recursive: true });
    writeFileSync(join(home, name), 'x');
  }
  expect(wrecksIn(home)).toEqual([
    'exchange-12ab',
    'iteration-1/checkpoints/solver-001/solver.77.partial',
    'iteration-1/questions.jsonl.tmp',
    'quarantine/iteration-1-models-solver-1',
  ]);
});
