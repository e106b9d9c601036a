import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jsonInHtml, pageHtml, textInHtml } from '../../../ts/page/html.ts';
import { writeReport } from '../../../ts/page/writeReport.ts';
import { writeSyntheticRun } from '../../fixtures/syntheticRun.ts';
import { ASSETS, readBack, readerOf, SMALL } from './setup.ts';

let home: string;
let out: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rzero-page-'));
  out = join(home, 'report.html');
});
afterEach(() => rmSync(home, { recursive: true }));

const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<!-- <script> -->',
  ']]></style><svg/onload=alert(1)>',
  'a\u2028b\u2029c\u0000d\u001b[2Je\u0085f\r\ng',
  'lone \ud800 and \udc00 surrogates, \u202eright to left',
  '"\'`$x\\u003c\\',
  '{"__proto__":{"x":1}}',
];

describe('the report file', () => {
  test('gives back every question and answer as it was, hostile ones too, and none is markup', async () => {
    const folder = await writeSyntheticRun(join(home, 'run'), { ...SMALL, questions: 96, texts: HOSTILE });
    const page = readerOf(folder).read();
    await writeReport(out, page, ASSETS, 'all');
    const { html, run, tables, details, elements } = readBack(out);
    expect(run).toEqual({ ...page.document, questions: page.questions.head({ included: true, reason: null }) });
    expect(tables).toEqual([page.questions.table(0)]);
    expect(details).toEqual(page.questions.details(0, true));
    const written = tables.flatMap(({ text }) => text);
    expect(HOSTILE.filter((text) => !written.includes(text))).toEqual([]);
    const answered = details.flatMap(({ samples }) => samples ?? []).map(({ text }) => text);
    expect(HOSTILE.filter((text) => !answered.some((answer) => answer.startsWith(text)))).toEqual([]);
    const own = 'html head meta meta meta meta link title body noscript h1 p table tr'.split(' ');
    expect(elements.slice(0, own.length)).toEqual(own);
    expect(new Set(elements)).toEqual(new Set([...own, 'th', 'td']));
    expect(html.match(/<script/g)).toHaveLength(2 + 1 + 1);
  });

  test('a run whose name is markup is shown by it', async () => {
    const folder = await writeSyntheticRun(join(home, 'run'), SMALL);
    const { document, questions } = readerOf(folder).read();
    const run = {
      ...document,
      run: { ...document.run, name: '<b>&"\u0007' },
      questions: questions.head({ included: false, reason: null }),
    };
    const html = [...pageHtml({ ...ASSETS, title: '<b>&"\u0007', run, parts: [] })].join('');
    expect(html).toContain('<title>&lt;b&gt;&amp;&quot;</title>');
    expect(html).toContain('<h1>&lt;b&gt;&amp;&quot;</h1>');
  });

  test('lets run its own script and style alone, and reaches nothing', async () => {
    const folder = await writeSyntheticRun(join(home, 'run'), SMALL);
    await writeReport(out, readerOf(folder).read(), ASSETS, 'all');
    const { html } = readBack(out);
    const hash = (text: string) => createHash('sha256').update(text).digest('base64');
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    expect(policy?.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'sha256-${hash(ASSETS.script)}'`,
      `style-src 'sha256-${hash(ASSETS.style)}'`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(html).toContain(`<script type="module">${ASSETS.script}</script>`);
    expect(html).not.toMatch(/https?:/);
  });

  test.each([
    ['script', { ...ASSETS, script: 'x = "</ScRipt>"' }],
    ['script', { ...ASSETS, script: 'x = "<!--"' }],
    ['style', { ...ASSETS, style: '</style>' }],
  ])('a %s that would end its element is refused', async (_, assets) => {
    const folder = await writeSyntheticRun(join(home, 'run'), SMALL);
    await expect(writeReport(out, readerOf(folder).read(), assets, 'all')).rejects.toThrow('an end tag');
    expect(readdirSync(home)).toEqual(['run']);
  });
});

describe("samples' texts", () => {
  test('are left out where they take too much, and the report says so', async () => {
    const folder = await writeSyntheticRun(join(home, 'run'), { ...SMALL, questions: 240, answerLength: 4000 });
    const page = readerOf(folder).read();
    const whole = await writeReport(out, page, ASSETS, { bytes: 2 ** 24 });
    expect(whole.samples).toEqual({ included: true, reason: null });
    const cut = await writeReport(out, page, ASSETS, { bytes: 2 ** 16 });
    expect(cut.samples).toMatchObject({ included: false, reason: expect.stringContaining('more than 0 MiB') });
    expect(cut.bytes).toBeLessThan(whole.bytes / 4);
    const { run, details } = readBack(out);
    expect(run.questions.samples).toEqual(cut.samples);
    expect(details.length).toBe(240);
    expect(details.every(({ samples, votes }) => samples === null && Array.isArray(votes))).toBe(true);
    expect((await writeReport(out, page, ASSETS, 'none')).samples.reason).toBe(
      'they were not asked for: --samples none',
    );
  });
});

test('what cannot be written leaves the old report', async () => {
  const folder = await writeSyntheticRun(join(home, 'run'), SMALL);
  const page = readerOf(folder).read();
  writeFileSync(out, 'old');
  await expect(writeReport(out, page, ASSETS, 'all', AbortSignal.abort('SIGINT'))).rejects.toBe('SIGINT');
  // Its records are others than they were when they were read.
  writeFileSync(folder.file('iteration-1/questions.jsonl'), '');
  await expect(writeReport(out, page, ASSETS, 'all')).rejects.toThrow('iteration-1/questions.jsonl, byte 0 is damaged');
  expect(readFileSync(out, 'utf8')).toBe('old');
  expect(existsSync(`${out}.tmp`)).toBe(false);
});

test('JSON and texts for HTML hold nothing that HTML reads', () => {
  for (const text of HOSTILE) {
    expect(jsonInHtml({ text })).not.toMatch(/[<>&\u2028\u2029]/);
    expect(JSON.parse(jsonInHtml({ text }))).toEqual({ text });
    expect(textInHtml(text)).not.toMatch(/[<>"'\p{Cc}\u202e]/u);
  }
});
