import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { TestBrowser } from './browser.ts';
import { sampleRun, textOf } from './sampleRun.ts';

const COUNT = 1_100;
let browser: TestBrowser;
let address: string;
beforeAll(async () => {
  browser = await TestBrowser.start();
  address = browser.write(sampleRun(COUNT));
});
afterEach(() => browser.clear());
afterAll(() => browser.stop());

const found = (page: Page): Promise<string | null> => page.locator('#found').textContent();
const numbersShown = (page: Page): Promise<number[]> =>
  page.locator('[role=option]').evaluateAll((options) => options.map(({ id }) => Number(id.split('-')[1])));
const finds = (page: Page, count: number): Promise<unknown> =>
  page.waitForFunction(
    (text) => document.querySelector('#found')?.textContent?.startsWith(text),
    `${count.toLocaleString('en')} of`,
  );
const opens = (page: Page, question: number): Promise<unknown> =>
  page.waitForFunction(
    (title) =>
      document.querySelector('#panel:not([hidden]) h3')?.textContent === title && document.querySelector('.votes'),
    `Question ${question.toLocaleString('en')}`,
  );

describe('the list of all questions', () => {
  test('finds words and numbers, whatever the case', async () => {
    const { page } = await browser.open(address);
    expect(await found(page)).toBe('1,100 of 1,100 questions.');
    await page.fill('#search', 'START with 1099.');
    await finds(page, 1);
    expect(await page.locator('[role=option] .question').textContent()).toBe(textOf(1099));
    await page.fill('#search', '#77');
    await page.locator('#question-77').waitFor();
    expect(await numbersShown(page)).toEqual([77]);
    await page.click('#reset');
    await finds(page, COUNT);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('search');
  });

  test('filters and sorts', async () => {
    const { page } = await browser.open(address);
    await page.selectOption('#by-iteration', '2');
    await page.selectOption('#by-phase', 'questions');
    await page.selectOption('#by-fate', 'too_easy');
    await page.selectOption('#by-label', 'right');
    await page.selectOption('#agreement-low', '0.3');
    await page.selectOption('#agreement-high', '0.7');
    const all = Array.from({ length: COUNT }, (_, question) => question);
    const wanted = all.filter((q) => q % 3 === 1 && q % 4 === 1 && q % 11 >= 3 && q % 11 <= 7);
    await finds(page, wanted.length);
    expect((await numbersShown(page)).slice(0, 5)).toEqual(wanted.slice(0, 5));
    await page.selectOption('#order', '-agreement');
    const agreements = await page.locator('[role=option] .agreement').allTextContents();
    expect(agreements.slice(0, 3)).toEqual(['p̂ 0.7', 'p̂ 0.7', 'p̂ 0.7']);
    expect(new URL(page.url()).hash).toBe(
      '#iteration=2&phase=questions&fate=too_easy&label=right&agreement=0.3-0.7&sort=-agreement',
    );
  });

  test('an address opens the question and the filters that it says; the back button closes it again', async () => {
    const { page } = await browser.open(`${address}#iteration=3&question=803`);
    await opens(page, 803);
    expect(await page.locator('#by-iteration').inputValue()).toBe('3');
    await page.locator('[role=option]', { hasText: '#806' }).click();
    await opens(page, 806);
    expect(page.url()).toContain('#question=806&iteration=3');
    await page.locator('#panel .kin a').click();
    await opens(page, 807);
    expect(await page.locator('#by-iteration').inputValue()).toBe('3');
    await page.goBack();
    await opens(page, 806);
    await page.getByRole('button', { name: 'Close, back to the list' }).click();
    expect(await page.locator('#panel').isHidden()).toBe(true);
    await page.goBack();
    await opens(page, 806);
  });

  test('a row that is pressed while others come and go beside it is opened', async () => {
    const { page } = await browser.open(address);
    const drawn = () =>
      page.evaluate(() => new Promise((after) => requestAnimationFrame(() => requestAnimationFrame(after))));
    const list = page.locator('#list');
    await list.evaluate((element) => {
      element.scrollIntoView();
      element.scrollTo(0, 40 * 88 - 2);
    });
    await drawn();
    const row = page.locator('#question-43');
    const { x, y, width, height } = (await row.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await list.evaluate((element) => element.scrollBy(0, 4));
    await drawn();
    await page.mouse.up();
    await opens(page, 43);
  });

  test('a question that does not exist, and an address that says nothing sensible', async () => {
    const { page, complaints } = await browser.open(
      `${address}#question=99999&sort=sideways&agreement=7-8&label=x&%%%`,
    );
    await page.waitForFunction(() =>
      document.querySelector('#panel')?.textContent?.includes('There is no question 99,999'),
    );
    expect(await found(page)).toBe('1,100 of 1,100 questions.');
    expect(complaints).toEqual([]);
  });

  test('shows all that is known of a question', async () => {
    const { page } = await browser.open(`${address}#question=4`);
    await opens(page, 4);
    const panel = page.locator('#panel');
    expect(await panel.locator('.votes li').allTextContents()).toEqual([
      '43 of 5, majority',
      '71 of 5',
      'no final answer1 of 5',
    ]);
    expect(await panel.locator('mark').allTextContents()).toEqual(['\\boxed{4}']);
    expect(await panel.locator('.samples .pill').allTextContents()).toEqual(['✓ agrees', '✗ differs']);
    const cells = await panel.locator('table td, table th').allTextContents();
    expect(cells).toEqual(
      expect.arrayContaining(['uncertainty', '0.8', 'repetition', '0.25', 'total', '0.55', 'advantage', '−0.4']),
    );
    const text = await panel.textContent();
    for (const part of [
      'kept: 3 of 5 answers agree',
      'iteration 2, training step 5',
      '4 ✓ right',
      'Truth4',
      '50.0\u00a0% alike',
    ])
      expect(text).toContain(part);
    await page.goto(`${address}#question=5`);
    await opens(page, 5);
    await page.waitForFunction(() => document.querySelector('#panel')?.textContent?.includes('75.0'));
    expect(await panel.textContent()).toContain('iteration 1, step 2');
  });
});

describe('by keys alone', () => {
  test('from the top of the page through the list into a question and back', async () => {
    const { page } = await browser.open(address);
    const focus = (): Promise<string> =>
      page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent || '');
    const active = (): Promise<string | null> => page.locator('#list').getAttribute('aria-activedescendant');
    await page.keyboard.press('Tab');
    expect(await focus()).toBe('Skip to the report');
    await page.keyboard.press('Enter');
    expect(await focus()).toBe('main');
    await page.keyboard.press('/');
    expect(await focus()).toBe('search');
    for (let tabs = 0; tabs < 12 && (await focus()) !== 'list'; tabs++) await page.keyboard.press('Tab');
    expect(await focus()).toBe('list');
    expect(await active()).toBe('question-0');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await active()).toBe('question-2');
    await page.keyboard.press('End');
    expect(await active()).toBe(`question-${COUNT - 1}`);
    expect(await page.locator(`#question-${COUNT - 1}`).isVisible()).toBe(true);
    await page.keyboard.press('Home');
    await page.keyboard.press('PageDown');
    const far = Number((await active())?.split('-')[1]);
    expect(far).toBeGreaterThan(2);
    await page.keyboard.press('Enter');
    await opens(page, far);
    await page.waitForFunction(() => document.activeElement?.id === 'panel-title');
    await page.keyboard.press('j');
    await opens(page, far + 1);
    await page.keyboard.press('Escape');
    expect(await page.locator('#panel').isHidden()).toBe(true);
    expect(await focus()).toBe('list');
    expect(await active()).toBe(`question-${far + 1}`);
  });
});

describe('100,000 questions', () => {
  const MANY = 100_000;

  test('are there in seconds, found at once, and scrolled through with few in the document', async () => {
    const many = browser.write(sampleRun(MANY), 'many.html');
    const { page, complaints } = await browser.open(many);
    const timing = await page.evaluate(() => ({
      painted: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      read: performance.now(),
    }));
    expect(await found(page)).toBe('100,000 of 100,000 questions.');

    await page.evaluate(() => {
      const seen = { longest: 0 };
      Object.assign(window, { seen });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
      }).observe({ entryTypes: ['longtask'] });
    });
    await page.fill('#search', 'start with 99999.');
    await finds(page, 1);
    await page.fill('#search', '');
    await finds(page, MANY);
    await page.selectOption('#order', '-agreement');
    await page.waitForFunction(() => document.querySelector('[role=option] .agreement')?.textContent === 'p̂ 1.0');
    for (const part of [0.1, 0.5, 0.9, 1]) {
      await page.locator('#list').evaluate((list, at) => list.scrollTo(0, at * list.scrollHeight), part);
      // Drawn anew with the frame after that of the scrolling.
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      expect(await page.locator('[role=option]').count()).toBeLessThan(60);
    }
    const { longest, heap } = await page.evaluate(() => ({
      longest: (window as unknown as { seen: { longest: number } }).seen.longest,
      heap: (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize,
    }));
    expect(heap).toBeLessThan(400 * 2 ** 20);
    // Far above what it takes, for machines that do other things beside.
    expect(timing.painted).toBeLessThan(10_000);
    expect(longest).toBeLessThan(2_000);
    await page.locator('[role=option]').last().click();
    await page.locator('.votes').waitFor();
    expect(complaints).toEqual([]);
  });
});
