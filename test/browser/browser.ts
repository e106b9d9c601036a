import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { type PageAssets, pageAssets } from '../../ts/page/assets.ts';
import { type PagePart, pageHtml } from '../../ts/page/html.ts';
import { setupModule } from '../unit/setup/project.ts';
import type { SampleRun } from './sampleRun.ts';

interface FindChromium {
  findChromium(env: NodeJS.ProcessEnv): string | undefined;
  CHROMIUM_FLAGS: string[];
}

/** A page that is open, and all that went wrong in it. */
export interface Opened {
  page: Page;
  /** Errors, and what the console was told of as errors or warnings. */
  complaints: string[];
  /** Addresses that the page asked for after itself. */
  requests: string[];
}

/** Chromium with a folder for the files that it opens. */
export class TestBrowser {
  private readonly browser: Browser;
  readonly assets: PageAssets;
  private readonly folder = mkdtempSync(join(tmpdir(), 'rzero-browser-'));
  private readonly contexts: BrowserContext[] = [];

  private constructor(browser: Browser, assets: PageAssets) {
    this.browser = browser;
    this.assets = assets;
  }

  static async start(): Promise<TestBrowser> {
    const { findChromium, CHROMIUM_FLAGS } = await setupModule<FindChromium>('findChromium.mjs');
    const executablePath = findChromium(process.env);
    if (executablePath === undefined) throw new Error('Chromium was not found: run `npm run setup:browser`.');
    const [browser, assets] = await Promise.all([
      chromium.launch({ executablePath, args: CHROMIUM_FLAGS }),
      pageAssets(),
    ]);
    return new TestBrowser(browser, assets);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    rmSync(this.folder, { recursive: true });
  }

  /** Close all that was opened. */
  async clear(): Promise<void> {
    for (const context of this.contexts.splice(0)) await context.close();
  }

  /** Write a run as `rzero report` would, and say where. */
  write(sample: SampleRun, name = 'report.html'): string {
    const path = join(this.folder, name);
    const { run } = sample;
    function* parts(): Generator<PagePart> {
      const { count, tableSize, detailSize } = run.questions;
      for (let part = 0; part * tableSize < count; part++)
        yield { id: `table-${part}`, gzip: gzipSync(JSON.stringify(sample.table(part)), { level: 1 }) };
      for (let part = 0; part * detailSize < count; part++)
        yield { id: `detail-${part}`, gzip: gzipSync(JSON.stringify(sample.details(part)), { level: 1 }) };
    }
    writeFileSync(path, [...pageHtml({ ...this.assets, title: run.run.name, run, parts: parts() })].join(''));
    return pathToFileURL(path).href;
  }

  /** Where a test may put a file of its own. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Open an address, by default without a network, and wait until all questions are read. */
  async open(address: string, options: BrowserContextOptions = { offline: true }): Promise<Opened> {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    });
    this.contexts.push(context);
    const page = await context.newPage();
    const opened: Opened = { page, complaints: [], requests: [] };
    page.on('pageerror', (error) => opened.complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) opened.complaints.push(message.text());
    });
    page.on('request', (request) => opened.requests.push(request.url()));
    page.on('dialog', (dialog) => {
      opened.complaints.push(`a dialog says ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(address);
    await settled(page);
    return opened;
  }
}

/** Until the list says how many there are and reads no more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => /questions\.$/.test(document.querySelector('#found')?.textContent ?? ''));
}
