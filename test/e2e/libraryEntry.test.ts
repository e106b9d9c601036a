import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryFolder } from './cli.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const home = temporaryFolder();
afterAll(() => home.remove());

/** A folder that has this package as npm would install it: package.json, and what a build makes. */
beforeAll(() => {
  const installed = join(home.path, 'node_modules', 'rzero');
  mkdirSync(installed, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
  const build = ['--project', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')];
  execFileSync(process.execPath, [tsc, ...build], { stdio: 'pipe' });
  writeFileSync(join(home.path, 'package.json'), '{ "type": "module" }');
}, 120_000);

const USE = `
import { compareAnswers, extractAnswer, majorityVote } from 'rzero/answers';

const answer: string | null = extractAnswer('So it is \\\\boxed{0.5}.');
const equal: boolean | null = compareAnswers('1/2', answer ?? '').equal;
const share: number = majorityVote(['1/2', '0.5', null, '3']).agreement;
`;

test('rzero/answers is there by that name, with what it needs', () => {
  const values = USE.replaceAll(/: [\w| ]+ =/g, ' =');
  writeFileSync(
    join(home.path, 'use.js'),
    `${values}\nprocess.stdout.write(JSON.stringify({ answer, equal, share }));`,
  );
  const out = execFileSync(process.execPath, ['use.js'], { cwd: home.path, encoding: 'utf8' });
  expect(JSON.parse(out)).toEqual({ answer: '0.5', equal: true, share: 0.5 });
});

test('and has its types', () => {
  const check = (text: string) => {
    writeFileSync(join(home.path, 'use.ts'), text);
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--lib', 'es2023', '--types', '', 'use.ts'];
    execFileSync(process.execPath, [tsc, ...flags], { cwd: home.path, stdio: 'pipe' });
  };
  check(USE);
  expect(() => check(USE.replace('share: number', 'share: string'))).toThrow();
}, 120_000);

const REWARD = `
import { type ChallengerRewardFunction, METHODS, scoreBatch } from 'rzero/rewards';

const mine: ChallengerRewardFunction = (batch) =>
  batch.map(({ parsed, vote, clusterShare, reward }) => (parsed === null ? -1 : vote.agreement - clusterShare + reward.total));
const scored = scoreBatch([{ text: '', parsed: null, answers: [] }], METHODS.paper.challenger);
export default mine(scored);
`;

test('a reward module is typed by rzero/rewards', () => {
  const check = (text: string) => {
    writeFileSync(join(home.path, 'reward.ts'), text);
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--lib', 'es2023', '--types', '', 'reward.ts'];
    execFileSync(process.execPath, [tsc, ...flags], { cwd: home.path, stdio: 'pipe' });
  };
  check(REWARD);
  expect(() => check(REWARD.replace('vote.agreement', 'vote.label'))).toThrow();
}, 120_000);

test('nothing else of the package can be imported', () => {
  writeFileSync(join(home.path, 'deep.js'), "import 'rzero/dist/domain/vote.js';");
  expect(() => execFileSync(process.execPath, ['deep.js'], { cwd: home.path, stdio: 'pipe' })).toThrow(
    /not defined by/,
  );
});
