import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { PageAssets } from './assets.ts';
import { servedHtml } from './html.ts';
import type { LivePage } from './livePage.ts';
import { packed, titleOf } from './writeReport.ts';

export interface ServerOptions {
  live: LivePage;
  assets: PageAssets;
  /** Names by which requests may call this server besides addresses; in lower case, without a port. */
  names: readonly string[];
  /** Told what keeps a request from being answered. */
  onTrouble: (error: unknown) => void;
  /** Milliseconds between the signs of life of an event stream. */
  heartbeat?: number;
}

/** An answer with a body. */
interface Answer {
  type: string;
  gzip: Buffer;
}

const HEARTBEAT = 15_000;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Encoding': 'gzip',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};

/**
 * A server of one run's page. It reads, and answers GET and HEAD of these alone:
 *
 *     /                      the page without its data
 *     /data/run.json         a RunDocument
 *     /data/table/P.json     a QuestionTable
 *     /data/detail/P.json    QuestionDetail[]
 *     /events                server-sent events: `changed` when the run has moved
 *
 * A request that calls it by another name than its own is refused: a page of somebody else's whose name was made to lead
 * here (DNS rebinding) has that name in the Host header. An address is no name, and cannot be made to lead elsewhere.
 */
export function pageServer({ live, assets, names, onTrouble, heartbeat = HEARTBEAT }: ServerOptions): Server {
  const server = createServer((request, response) => {
    try {
      if (!isOwnName(hostOf(request), names)) return refuse(response, 421, 'this server has another name');
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return refuse(response, 405, 'only GET and HEAD', { Allow: 'GET, HEAD' });
      }
      if (request.url === '/events') return tellChanges(request, response, live, heartbeat);
      const answer = answerTo(request.url ?? '', live, assets);
      if (answer === undefined) return refuse(response, 404, 'there is no such page');
      const { type, gzip } = answer;
      response.writeHead(200, { ...HEADERS, 'Content-Type': type, 'Content-Length': gzip.length });
      response.end(request.method === 'HEAD' ? undefined : gzip);
    } catch (error) {
      // A file that is gone or damaged, by its path: that is for whoever started the server.
      onTrouble(error);
      refuse(response, 500, 'this cannot be read: rzero serve says why in its terminal');
    }
  });
  // A browser keeps its connections; whoever stops the server does not wait for them.
  server.keepAliveTimeout = 5_000;
  server.headersTimeout = 10_000;
  return server;
}

function answerTo(url: string, live: LivePage, assets: PageAssets): Answer | undefined {
  const { page } = live;
  const { document, questions } = page;
  const run = { ...document, questions: questions.head({ included: true, reason: null }) };
  if (url === '/') {
    const html = servedHtml({ ...assets, title: titleOf(run), run });
    return { type: 'text/html; charset=utf-8', gzip: gzipSync(html) };
  }
  const json = (value: object): Answer => ({ type: 'application/json', gzip: packed(value) });
  if (url === '/data/run.json') return json(run);
  const [, kind, digits] = /^\/data\/(table|detail)\/(0|[1-9]\d{0,8})\.json$/.exec(url) ?? [];
  const part = Number(digits);
  if (kind === 'table' && part < questions.tableParts) return json(questions.table(part));
  if (kind === 'detail' && part < questions.detailParts) return json(questions.details(part, true));
  return undefined;
}

function tellChanges(request: IncomingMessage, response: ServerResponse, live: LivePage, heartbeat: number): void {
  response.writeHead(200, { ...HEADERS, 'Content-Encoding': 'identity', 'Content-Type': 'text/event-stream' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.write(': this run is looked at\n\n');
  const forget = live.follow(() => response.write('event: changed\ndata: {}\n\n'));
  const timer = setInterval(() => response.write(': still here\n\n'), heartbeat);
  response.on('close', () => {
    clearInterval(timer);
    forget();
  });
}

/** What a request calls this server, without the port: `[::1]`, `localhost`. */
function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
}

function isOwnName(host: string, names: readonly string[]): boolean {
  return names.includes(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) > 0;
}

function refuse(response: ServerResponse, status: number, why: string, headers: Record<string, string> = {}): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`${why}\n`);
}
