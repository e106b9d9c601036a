import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What the page is besides its data: the program that a browser runs, and the style. */
export interface PageAssets {
  script: string;
  style: string;
}

/** The bundle that a build left beside this file, or, where the sources themselves run, one that is made now. */
export async function pageAssets(): Promise<PageAssets> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  return existsSync(join(here, 'client.js'))
    ? await readAssets(here)
    : await bundle(join(here, 'client', 'bundle.mjs'));
}

async function bundle(program: string): Promise<PageAssets> {
  const folder = await mkdtemp(join(tmpdir(), 'rzero-page-'));
  try {
    await promisify(execFile)(process.execPath, [program, folder]);
    return await readAssets(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readAssets(folder: string): Promise<PageAssets> {
  const [script, style] = await Promise.all(
    ['client.js', 'client.css'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  return { script: script as string, style: style as string };
}
