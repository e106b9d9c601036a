import { expect, test } from '@jest/globals';
import { failed, ok, warning } from '../../../ts/inspect/finding.ts';
import { findingLines, promptLines, verdictLine } from '../../../ts/report/modelReport.ts';
import { ASKED } from '../inspect/report.ts';

const PLAIN = { colour: false, width: 60 };

test('a finding is a line with its mark, broken at the width, and its hint below', () => {
  const lines = findingLines([ok('model', 'fine'), warning('texts', 'word '.repeat(20).trim(), 'do this')], PLAIN);
  expect(lines[0]).toBe('✓ model        fine');
  expect(lines[1]).toMatch(/^! texts {8}word/);
  expect(lines.at(-1)).toBe('               -> do this');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
});

test('what a model would see keeps its lines, and nothing of it reaches the screen as a command', () => {
  const text = '<|system|>a\n\n  b \u001b[31m'.padEnd(120, 'x');
  const lines = promptLines([{ text, tokens: 1, merged: false }], ASKED, PLAIN);
  expect(lines.slice(0, 5)).toEqual([
    '',
    'What it would see: Challenger, 1 token',
    '  | <|system|>a',
    '  | ',
    expect.any(String),
  ]);
  expect(lines.join('\n')).toContain('\\u001b[31m');
  expect(lines.join('\n')).not.toContain('\u001b');
  const shown = lines.slice(2).map((line) => line.slice(4));
  expect(shown.slice(2).join('')).toBe(text.split('\n')[2]?.replace('\u001b', '\\u001b'));
});

test('the verdict', () => {
  expect(verdictLine([ok('model', '')], PLAIN)).toBe('Usable.');
  expect(verdictLine([warning('texts', '', '')], PLAIN)).toBe('Usable, with 1 warning.');
  expect(verdictLine([failed('model', '', ''), warning('texts', '', '')], PLAIN)).toBe('Not usable: 1 finding failed.');
});
