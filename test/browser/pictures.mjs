/**
 * The pictures of README.md, of the report of a run:
 *
 *     npm run rzero -- run --out RUN && npm run rzero -- report RUN --out REPORT.html
 *     node test/browser/pictures.mjs REPORT.html [FOLDER]
 *
 * It takes Chromium: see `npm run setup:browser`.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { CHROMIUM_FLAGS, findChromium } from '../../ts/setup/findChromium.mjs';

const [report, folder = fileURLToPath(new URL('pictures', import.meta.url))] = process.argv.slice(2);
if (report === undefined) {
  process.stderr.write('usage: node test/browser/pictures.mjs REPORT.html [FOLDER]\n');
  process.exit(2);
}
const address = pathToFileURL(resolve(report)).href;
const DESKTOP = { width: 1280, height: 900 };
/** As far as the first chart, warnings above it. */
const TALL = { width: 1280, height: 1560 };
const PHONE = { width: 390, height: 844 };
const shots = [
  { name: 'overview-light', viewport: TALL, colorScheme: 'light', hash: '' },
  { name: 'overview-dark', viewport: DESKTOP, colorScheme: 'dark', hash: '' },
  {
    name: 'question',
    viewport: DESKTOP,
    colorScheme: 'light',
    hash: '#iteration=2&phase=questions&fate=kept&sort=-length',
  },
  { name: 'phone', viewport: PHONE, colorScheme: 'light', hash: '' },
];

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: findChromium(process.env), args: CHROMIUM_FLAGS });
for (const { name, viewport, colorScheme, hash } of shots) {
  const page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
  await page.goto(address + hash);
  await page.waitForFunction(() => /questions\.$/.test(document.querySelector('#found')?.textContent ?? ''));
  if (hash !== '') {
    await page.locator('[role=option]').first().click();
    await page.locator('.votes').waitFor();
    await page.evaluate(() => document.querySelector('#title-of-questions')?.scrollIntoView());
  } else if (viewport === PHONE) {
    await page.evaluate(() => document.querySelector('#title-of-overview')?.scrollIntoView());
  }
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.close();
}
await browser.close();
