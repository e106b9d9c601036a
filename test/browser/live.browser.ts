import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { servedHtml } from '../../ts/page/html.ts';
import { TestBrowser } from './browser.ts';
import { type SampleRun, sampleRun } from './sampleRun.ts';

/** A run's page as `rzero serve` answers it, of a run that a test moves on by hand. */
class LiveServer {
  sample: SampleRun = sampleRun(300);
  private readonly listeners = new Set<ServerResponse>();
  private server: Server | undefined;
  port = 0;

  async start(assets: TestBrowser['assets']): Promise<void> {
    const server = createServer((request, response) => {
      const [, kind, part] = /^\/data\/(table|detail)\/(\d+)\.json$/.exec(request.url ?? '') ?? [];
      const json = (value: object): void => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(value));
      };
      if (request.url === '/') {
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(servedHtml({ ...assets, title: 'live', run: this.sample.run }));
      } else if (request.url === '/data/run.json') json(this.sample.run);
      else if (kind === 'table') json(this.sample.table(Number(part)));
      else if (kind === 'detail') json(this.sample.details(Number(part)));
      else if (request.url === '/events') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write('retry: 50\n\n');
        this.listeners.add(response);
        response.on('close', () => this.listeners.delete(response));
      } else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }

  tell(): void {
    for (const listener of this.listeners) listener.write('event: changed\ndata: {}\n\n');
  }
}

let browser: TestBrowser;
let server: LiveServer;
beforeAll(async () => {
  browser = await TestBrowser.start();
});
beforeEach(async () => {
  server = new LiveServer();
  await server.start(browser.assets);
});
afterEach(async () => {
  await browser.clear();
  await server.stop();
});
afterAll(() => browser.stop());

/** The run moves on: more questions, another accuracy. */
function moveOn(): void {
  const next = sampleRun(450);
  const figure = next.run.iterations[3]?.evaluation?.mean;
  if (figure) figure.value = 88.8;
  server.sample = next;
  server.tell();
}

test('a change is shown in place: what is open, chosen, written and unfolded stays', async () => {
  const { page, complaints } = await browser.open(`http://127.0.0.1:${server.port}/`, {});
  await page.fill('#search', 'start');
  await page.locator('[role=option]').nth(3).click();
  await page.locator('.votes').waitFor();
  await page.locator('#chart-fates summary').click();
  await page.focus('#search');
  await page.locator('#list').evaluate((list) => list.scrollTo(0, 2_000));
  await page.evaluate(() => {
    window.scrollTo({ top: 900, behavior: 'instant' });
    document.querySelector('.votes')?.setAttribute('data-same', 'yes');
  });
  moveOn();
  await page.waitForFunction(() => document.querySelector('#found')?.textContent === '450 of 450 questions.');
  expect(await page.locator('.lead').textContent()).toContain('88.8\u00a0%');
  expect(
    await page.evaluate(() => ({
      focus: document.activeElement?.id,
      search: document.querySelector<HTMLInputElement>('#search')?.value,
      list: document.querySelector('#list')?.scrollTop,
      page: window.scrollY,
      panel: document.querySelector('#panel h3')?.textContent,
      same: document.querySelector('.votes')?.getAttribute('data-same'),
      unfolded: document.querySelector<HTMLDetailsElement>('#chart-fates details')?.open,
    })),
  ).toEqual({
    focus: 'search',
    search: 'start',
    list: 2_000,
    page: 900,
    panel: 'Question 3',
    same: 'yes',
    unfolded: true,
  });
  expect(complaints).toEqual([]);
});

test('a lost connection is told, and what was missed meanwhile is read when it is back', async () => {
  const { page } = await browser.open(`http://127.0.0.1:${server.port}/`, {});
  const link = page.locator('#link');
  await page.waitForFunction(() => document.querySelector('#link')?.textContent === 'Live');
  await server.stop();
  await page.waitForFunction(() => document.querySelector('#link')?.textContent === 'Connection lost, trying again');
  expect(await link.getAttribute('role')).toBe('status');
  server.sample = sampleRun(450);
  await server.start(browser.assets);
  await page.waitForFunction(
    () => document.querySelector('#found')?.textContent === '450 of 450 questions.',
    undefined,
    { timeout: 30_000 },
  );
  expect(await link.textContent()).toBe('Live');
});
