import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { TestBrowser } from './browser.ts';
import { sampleRun } from './sampleRun.ts';

let browser: TestBrowser;
let address: string;
beforeAll(async () => {
  browser = await TestBrowser.start();
  address = browser.write(sampleRun(500, ['A question <b> of many words', 'x'.repeat(400)]));
});
afterEach(() => browser.clear());
afterAll(() => browser.stop());

/** All text in sight whose contrast with its ground is less than 4.5:1 (3:1 where it is large): what it says, and how little. */
function faint(): string[] {
  const parse = (colour: string): number[] => {
    const numbers = colour.match(/[\d.]+/g)?.map(Number) ?? [];
    return colour.startsWith('color(') ? numbers.map((part, at) => (at < 3 ? part * 255 : part)) : numbers;
  };
  const luminance = (colour: number[]): number => {
    const [r = 0, g = 0, b = 0] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if ((colour[3] ?? 1) > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found: string[] = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
    if (!own || !element.checkVisibility() || element.closest('script, noscript, .unseen, :disabled')) continue;
    const style = getComputedStyle(element);
    const isSvg = element instanceof SVGElement;
    const [light = 0, dark = 0] = [luminance(parse(isSvg ? style.fill : style.color)), luminance(ground(element))].sort(
      (a, b) => b - a,
    );
    const contrast = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5))
      found.push(
        `${element.className || element.tagName}: ${element.textContent?.slice(0, 30)}: ${contrast.toFixed(2)}`,
      );
  }
  return found;
}

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test('every text stands out from its ground', async () => {
    const { page } = await browser.open(`${address}#question=4`, { offline: true, colorScheme });
    await page.locator('.votes').waitFor();
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
    });
    expect(await page.evaluate(faint)).toEqual([]);
  });

  test('lines of charts do too, by 3:1', async () => {
    const { page } = await browser.open(address, { offline: true, colorScheme });
    const contrasts = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const luminance = (name: string): number => {
        const hex = style.getPropertyValue(name).trim();
        const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
          const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const card = luminance('--card');
      return [1, 2, 3, 4, 5, 6, 7, 8].map((at) => {
        const series = luminance(`--series-${at}`);
        return Math.max(series, card) / Math.min(series, card);
      });
    });
    expect(contrasts.filter((contrast) => contrast < 3)).toEqual([]);
  });
});

test('the button changes the colours, and what was chosen is remembered', async () => {
  const { page } = await browser.open(address, { offline: true, colorScheme: 'light' });
  const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: 'Switch to dark colours' }).click();
  expect(await ground()).not.toBe(light);
  const dark = await ground();
  await page.reload();
  expect(await ground()).toBe(dark);
  await page.getByRole('button', { name: 'Switch to light colours' }).click();
  expect(await ground()).toBe(light);
});

describe.each([320, 360, 768])('%d pixels wide', (width) => {
  test('nothing scrolls sideways, and the open question takes the place of the list', async () => {
    const { page } = await browser.open(address, { offline: true, viewport: { width, height: 740 } });
    const fits = (): Promise<boolean> => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    expect(await fits()).toBe(true);
    await page.locator('[role=option]').nth(1).click();
    await page.locator('.votes').waitFor();
    expect(await fits()).toBe(true);
    expect(await page.locator('#list').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Close, back to the list' }).click();
    expect(await page.locator('#list').isVisible()).toBe(true);
  });
});

test('headings are in order, everything to press has a name, and names are there once', async () => {
  const { page } = await browser.open(`${address}#question=4`);
  await page.locator('.votes').waitFor();
  const seen = await page.evaluate(() => {
    const levels = [...document.querySelectorAll('h1, h2, h3, h4')]
      .filter((each) => each.checkVisibility())
      .map(({ tagName }) => Number(tagName[1]));
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    const named = (element: Element): boolean =>
      Boolean(
        element.getAttribute('aria-label') ||
          element.textContent?.trim() ||
          (element as HTMLInputElement).labels?.length ||
          document.getElementById(element.getAttribute('aria-labelledby') ?? '')?.textContent,
      );
    return {
      levels,
      skipped: levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1),
      twice: ids.filter((id, at) => ids.indexOf(id) !== at),
      nameless: [
        ...document.querySelectorAll(
          'button, a, input, select, summary, [role=img], [role=listbox], [role=region], [tabindex="0"]',
        ),
      ]
        .filter((element) => !named(element))
        .map(({ outerHTML }) => outerHTML.slice(0, 80)),
      language: document.documentElement.lang,
      title: document.title,
      landmarks: [...document.querySelectorAll('main, nav')].map(({ tagName }) => tagName),
    };
  });
  expect(seen.levels.filter((level) => level === 1)).toHaveLength(1);
  expect(seen).toMatchObject({ skipped: [], twice: [], nameless: [], language: 'en', landmarks: ['NAV', 'MAIN'] });
  expect(seen.title).toBe('A question <b> of many words – rzero');
});

test('a listbox tells where one is in it', async () => {
  const { page } = await browser.open(address);
  const option = page.locator('[role=option]').nth(2);
  expect(await option.getAttribute('aria-posinset')).toBe('3');
  expect(await option.getAttribute('aria-setsize')).toBe('500');
  await option.click();
  expect(await option.getAttribute('aria-selected')).toBe('true');
});

test('paper gets charts in light colours and the open question, and no list', async () => {
  const { page } = await browser.open(`${address}#question=4`, { offline: true, colorScheme: 'dark' });
  await page.locator('.votes').waitFor();
  await page.emulateMedia({ media: 'print' });
  expect(await page.locator('#list').isVisible()).toBe(false);
  expect(await page.locator('#panel').isVisible()).toBe(true);
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
});
