import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { writeReport } from '../../ts/page/writeReport.ts';
import { writeSyntheticRun } from '../fixtures/syntheticRun.ts';
import { readBack, readerOf } from '../unit/page/setup.ts';
import { TestBrowser } from './browser.ts';
import { sampleRun } from './sampleRun.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await TestBrowser.start();
});
afterEach(() => browser.clear());
afterAll(() => browser.stop());

/** Every table of the page by its caption: the cells, row by row. */
function tables(): Record<string, string[][]> {
  const cells = (row: Element): string[] => [...row.children].map((cell) => cell.textContent ?? '');
  return Object.fromEntries(
    [...document.querySelectorAll('table')].map((table) => [
      table.querySelector('caption')?.textContent,
      [...table.querySelectorAll('tr')].map(cells),
    ]),
  );
}

describe('a report that is opened as a file', () => {
  test('asks nobody for anything, and complains of nothing', async () => {
    const address = browser.write(sampleRun(300));
    const { page, complaints, requests } = await browser.open(address);
    await page.locator('[role=option]').first().click();
    await page.locator('.votes').waitFor();
    expect(requests.filter((request) => request !== address && !request.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('shows the figures of its document', async () => {
    const { page } = await browser.open(browser.write(sampleRun(300)));
    const shown = await page.evaluate(tables);
    expect(shown['Accuracy on held-out problems']).toEqual([
      ['iteration', 'mean@4', 'greedy', 'majority@4'],
      ['base', '40.3\u00a0% [38.3, 42.3]', '50.1\u00a0% [48.1, 52.1]', '45.7\u00a0% [43.7, 47.7]'],
      ['iteration 1', '50.3\u00a0% [48.3, 52.3]', '60.1\u00a0% [58.1, 62.1]', '55.7\u00a0% [53.7, 57.7]'],
      ['iteration 2', '60.3\u00a0% [58.3, 62.3]', '70.1\u00a0% [68.1, 72.1]', '65.7\u00a0% [63.7, 67.7]'],
      ['iteration 3', '70.3\u00a0% [68.3, 72.3]', '80.1\u00a0% [78.1, 82.1]', '75.7\u00a0% [73.7, 77.7]'],
    ]);
    expect(shown['What became of the candidates']?.[1]).toEqual(['iteration 1', '100', '300']);
    expect(shown['How much the Solver’s answers agree']?.[2]).toEqual(['0.1', '2', '3', '4']);
    expect(shown['Pseudo-labels that are true']?.[3]).toEqual([
      'iteration 3',
      '30.0\u00a0%',
      '20.0\u00a0%',
      '99.0\u00a0%',
    ]);
    expect(shown['Mismatch of sampler and trainer']?.slice(0, 3)).toEqual([
      ['step', 'Challenger', 'Solver'],
      ['iteration 1, challenger step 1', '1.0e−6', '–'],
      ['iteration 1, challenger step 2', '2.0e−6', '–'],
    ]);
    expect(shown['Devices that were busy']?.[2]).toEqual([
      'iteration 1',
      '60.0\u00a0%',
      '60.0\u00a0%',
      '60.0\u00a0%',
      '60.0\u00a0%',
    ]);
    const lead = await page.locator('.lead').textContent();
    expect(lead).toContain(
      'up 30.0 points from the base’s 40.3\u00a0% (95\u00a0% interval +28.0 to +32.0, p\u00a0=\u00a00.002)',
    );
    for (const fact of ['some-model', 'paper', 'full', '7', 'abababababab', '2026-01-02 03:04 UTC', '$0.07'])
      expect(await page.locator('.run').textContent()).toContain(fact);
  });

  test('of a run that rzero itself recorded', async () => {
    const folder = await writeSyntheticRun(browser.path('run'), {
      questions: 200,
      iterations: 2,
      samples: 4,
      problems: 12,
    });
    const file = browser.path('written.html');
    await writeReport(file, readerOf(folder).read(), browser.assets, 'all');
    const { run, tables: parts } = readBack(file);
    const { page, complaints } = await browser.open(`file://${file}#sort=order`);
    expect(await page.locator('#found').textContent()).toBe(
      `${run.questions.count} of ${run.questions.count} questions.`,
    );
    const written = parts[0]?.text[0]?.split(/\s+/).join(' ');
    expect((await page.locator('[role=option] .question').first().textContent())?.split(/\s+/).join(' ')).toBe(written);
    const last = run.iterations.at(-1)?.evaluation?.mean?.value.toFixed(1);
    expect(await page.locator('.lead').textContent()).toContain(`${last}\u00a0%`);
    expect(complaints).toEqual([]);
  });

  test('draws no chart of what is not on record, and says so', async () => {
    const sample = sampleRun(10);
    for (const iteration of sample.run.iterations) if (iteration.questions) iteration.questions.labelAccuracy = null;
    sample.run.steps = [];
    const { page } = await browser.open(browser.write(sample));
    expect(await page.locator('#chart-labels').count()).toBe(0);
    expect(await page.locator('#chart-entropy').count()).toBe(0);
    expect(await page.locator('#missing').textContent()).toContain('pseudo-labels that are true');
  });

  test('tells the exact figures at the pointer', async () => {
    const { page } = await browser.open(browser.write(sampleRun(10)));
    const plot = page.locator('#chart-accuracy .u-over');
    const box = await plot.boundingBox();
    const legend = page.locator('#chart-accuracy .legend');
    expect(await legend.textContent()).toContain('iteration 3');
    await plot.hover({ position: { x: 0.1 * (box?.width ?? 0), y: 40 } });
    expect(await legend.textContent()).toContain('mean@440.3\u00a0% [38.3, 42.3]');
    expect(await legend.textContent()).toContain('base');
  });
});

describe('what a model wrote', () => {
  const HOSTILE = [
    '</script><img src=x onerror=alert(1)>',
    '<script>alert(1)</script><!--',
    'left \u202eright\u202c to left, \u0000 \u001b[31m \u200b',
    `long ${'x'.repeat(5000)}`,
    '<b>bold</b> &lt;i&gt; "quotes" \'and\' `ticks` javascript:alert(1)',
  ];

  test('is shown as text, control characters as signs, and none of it runs', async () => {
    const { page, complaints } = await browser.open(browser.write(sampleRun(20, HOSTILE)));
    const options = page.locator('[role=option] .question');
    expect(await options.nth(0).textContent()).toBe(HOSTILE[0]);
    expect(await options.nth(2).textContent()).toBe('left ⟨U+202E⟩right⟨U+202C⟩ to left, ␀ ␛[31m ⟨U+200B⟩');
    for (const [at, text] of HOSTILE.entries()) {
      await options.nth(at).click();
      const panel = page.locator('#panel');
      await panel.locator('h3', { hasText: new RegExp(`^Question ${at}$`) }).waitFor();
      await page.waitForFunction(
        (start) => document.querySelector('.asked')?.textContent?.startsWith(start),
        text.slice(0, 4),
      );
      if (at !== 2)
        for (const place of ['.asked', '.why', '.samples'])
          expect(await panel.locator(place).textContent()).toContain(text);
    }
    expect(await page.evaluate(() => document.querySelectorAll('main img, main script, main b').length)).toBe(0);
    // Not even the name of the run.
    expect(await page.locator('h1').textContent()).toContain(HOSTILE[0]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(complaints).toEqual([]);
  });
});
