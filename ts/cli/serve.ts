import { once } from 'node:events';
import { type AddressInfo, isIP, type Server } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PageAssets, pageAssets } from '../page/assets.ts';
import { LivePage } from '../page/livePage.ts';
import { pageServer } from '../page/server.ts';
import { explainError } from './explainError.ts';
import { openRun, type PriceFlags } from './report.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero serve` as given. */
export interface ServeFlags extends PriceFlags {
  host: string;
  port: string;
}

/** Milliseconds between two looks at the run. */
const LOOK = 1_000;

/**
 * `rzero serve`: a run's report in a browser, until the terminal is told to stop.
 *
 * @param assets what the page is made of but its data
 * @param look milliseconds between two looks at the run
 * @throws UsageError; RunFolderError where there is no run; as {@link RunReader.read}; an error of the socket
 */
export async function serveCommand(
  name: string,
  flags: ServeFlags,
  terminal: Terminal,
  assets: () => Promise<PageAssets> = pageAssets,
  look = LOOK,
): Promise<void> {
  const { host } = flags;
  const port = portOf(flags.port);
  const { signal } = terminal;
  const reader = openRun(name, flags, terminal);
  const tell = (error: unknown): void => terminal.err(`${explainError(error).message}\n`);
  const live = new LivePage(reader, tell);
  for (const file of live.page.missing) terminal.err(`${file} is gone: what it held is not shown\n`);
  const server = pageServer({ live, assets: await assets(), names: namesOf(host), onTrouble: tell });
  await listen(server, host, port, signal);
  const { port: taken } = server.address() as AddressInfo;
  if (!isLoopback(host)) {
    terminal.err(
      `warning: whoever reaches ${host} sees this run, without a password; --host 127.0.0.1 keeps it here\n`,
    );
  }
  terminal.out(`${name} at http://${inUrl(host)}:${taken}/ (Ctrl-C ends it)\n`);
  try {
    for (;;) {
      await sleep(look, undefined, { signal });
      live.look();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function listen(server: Server, host: string, port: number, signal: AbortSignal): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, 'listening', { signal });
  } catch (error) {
    const why: Record<string, string> = {
      EADDRINUSE: `--port is ${port}, which is taken; --port 0 takes one that is free`,
      EACCES: `--port is ${port}, which this user may not take; those from 1024 are free to all`,
      EADDRNOTAVAIL: `--host is "${host}", which is no address of this machine`,
      ENOTFOUND: `--host is "${host}", which is no address of this machine`,
    };
    const said = why[(error as NodeJS.ErrnoException).code ?? ''];
    throw said === undefined ? error : new UsageError(said);
  }
}

function portOf(port: string): number {
  const value = Number(port);
  if (!/^\d{1,5}$/.test(port) || value > 65_535) {
    throw new UsageError(`--port is "${port}", allowed are whole numbers from 0 to 65535`);
  }
  return value;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Names that a browser may call a server by that listens at `host`, besides addresses. */
function namesOf(host: string): string[] {
  return isLoopback(host) ? ['localhost'] : ['localhost', host.toLowerCase(), hostname().toLowerCase()];
}

/** An address as URLs have it. */
function inUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
