import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LivePage } from '../../../ts/page/livePage.ts';
import { pageServer } from '../../../ts/page/server.ts';
import { RunJournal } from '../../../ts/store/journal.ts';
import type { RunFolder } from '../../../ts/store/runFolder.ts';
import { writeSyntheticRun } from '../../fixtures/syntheticRun.ts';
import { ASSETS, readerOf, SMALL } from './setup.ts';

let home: string;
let folder: RunFolder;
let live: LivePage;
let server: ReturnType<typeof pageServer>;
let port: number;
const troubles: unknown[] = [];
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'rzero-page-'));
  folder = await writeSyntheticRun(join(home, 'run'), { ...SMALL, state: 'running' });
  live = new LivePage(
    readerOf(folder),
    () => {},
    () => 1e9,
  );
  server = pageServer({
    live,
    assets: ASSETS,
    names: ['localhost'],
    onTrouble: (error) => troubles.push(error),
    heartbeat: 5,
  });
  (server as Server).listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(home, { recursive: true });
});

async function ask(path: string, { method = 'GET', headers = {} as Record<string, string> } = {}) {
  const [response] = (await once(request({ host: '127.0.0.1', port, path, method, headers }).end(), 'response')) as [
    IncomingMessage,
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const isPacked = response.headers['content-encoding'] === 'gzip' && bytes.length > 0;
  return {
    status: response.statusCode,
    headers: response.headers,
    text: (isPacked ? gunzipSync(bytes) : bytes).toString(),
  };
}

describe('what is answered', () => {
  test('the page without data, which may ask this server alone', async () => {
    const { status, headers, text } = await ask('/');
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    expect(text).toContain('<html lang="en" data-served>');
    expect(text).toContain("connect-src 'self'");
    expect(text).not.toContain('id="run"');
  });

  test('the data, as a report has them', async () => {
    const { document, questions } = live.page;
    const json = async (path: string) => JSON.parse((await ask(path)).text);
    const head = questions.head({ included: true, reason: null });
    expect(await json('/data/run.json')).toEqual({ ...document, questions: head });
    expect(await json('/data/table/0.json')).toEqual(questions.table(0));
    expect(await json('/data/detail/0.json')).toEqual(questions.details(0, true));
  });

  test('HEAD has no body', async () => {
    const { status, text, headers } = await ask('/data/run.json', { method: 'HEAD' });
    expect([status, text]).toEqual([200, '']);
    expect(Number(headers['content-length'])).toBeGreaterThan(100);
    expect((await ask('/events', { method: 'HEAD' })).text).toBe('');
  });
});

describe('what is refused', () => {
  test.each([
    '/data/../../../etc/passwd',
    '/..%2f..%2frun.json',
    '/run.json',
    '/data/table/1.json',
    '/data/detail/-1.json',
    '/data/detail/00.json',
    '/data/detail/0.json?x',
    '/data/detail/99999999999999999999.json',
    '/data/table/0.json/',
    '//',
    '*',
  ])('%s', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s', async (method) => {
    const { status, headers } = await ask('/', { method });
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
  });

  test.each([
    ['evil.example', 421],
    ['evil.example:80', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['127.0.0.1', 200],
    ['[::1]:8300', 200],
  ])('Host: %s is %d', async (host, status) => {
    expect((await ask('/data/run.json', { headers: { Host: host } })).status).toBe(status);
  });

  test('what is gone from disk: the server says so and goes on', async () => {
    const { questions } = live.page;
    rmSync(folder.file('iteration-2'), { recursive: true });
    const { status, text } = await ask(`/data/detail/${questions.detailParts - 1}.json`);
    expect(status).toBe(500);
    expect(text).not.toContain(home);
    expect(troubles).toMatchObject([{ code: 'ENOENT' }]);
    expect((await ask('/data/table/0.json')).status).toBe(200);
  });
});

test('whoever follows the run hears that it has moved, and in between that it is looked at', async () => {
  const stream = request({ host: '127.0.0.1', port, path: '/events' }).end();
  const [response] = (await once(stream, 'response')) as [IncomingMessage];
  expect(response.headers['content-type']).toBe('text/event-stream');
  let heard = '';
  const hears = async (part: string) => {
    while (!heard.includes(part)) heard += String((await once(response, 'data'))[0]);
  };
  await hears(': still here\n\n');
  const journal = await RunJournal.open(folder.path, { version: '1.0.0' });
  journal.append({ type: 'warning', iteration: 2, phase: 'questions', message: 'look' });
  journal.close();
  // The clock of this test stands still, and reading took no time.
  live.look();
  await hears('event: changed\ndata: {}\n\n');
  stream.destroy();
  const { text } = await ask('/data/run.json');
  expect(JSON.parse(text).warnings).toMatchObject([{ message: 'look' }]);
});
