import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { PendingFile } from '../store/pendingFile.ts';
import type { PageAssets } from './assets.ts';
import type { RunDocument } from './document.ts';
import { type PagePart, pageHtml } from './html.ts';
import type { RunPage } from './runPage.ts';

/** Which samples' texts a report holds: all, none, or all where its compressed details take at most so many bytes. */
export type SamplesWanted = 'all' | 'none' | { bytes: number };

export interface ReportFile {
  bytes: number;
  /** Whether the samples' texts are in it; why not, where not. */
  samples: RunDocument['questions']['samples'];
}

/** Thrown while a report is written, and caught where it is begun. */
class TooLarge extends Error {}

/**
 * Write the report of a run to a file, whole or not at all.
 *
 * @param signal ends it
 * @throws RecordsDamaged; an error of the file system; the signal's reason
 */
export async function writeReport(
  path: string,
  page: RunPage,
  assets: PageAssets,
  wanted: SamplesWanted,
  signal?: AbortSignal,
): Promise<ReportFile> {
  const attempt = (included: boolean, reason: string | null, limit = Number.POSITIVE_INFINITY) =>
    write(path, page, assets, { included, reason }, limit, signal);
  if (wanted === 'none') return attempt(false, 'they were not asked for: --samples none');
  const limit = wanted === 'all' ? Number.POSITIVE_INFINITY : wanted.bytes;
  try {
    return await attempt(true, null, limit);
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    const mebibytes = Math.round(limit / 2 ** 20);
    const why = `with them the details take more than ${mebibytes} MiB: --samples all, or a larger number of MiB, puts them in`;
    return attempt(false, why);
  }
}

async function write(
  path: string,
  { document, questions }: RunPage,
  assets: PageAssets,
  samples: ReportFile['samples'],
  limit: number,
  signal?: AbortSignal,
): Promise<ReportFile> {
  const run: RunDocument = { ...document, questions: questions.head(samples) };
  function* parts(): Generator<PagePart> {
    for (let part = 0; part < questions.tableParts; part++) {
      yield { id: `table-${part}`, gzip: packed(questions.table(part)) };
    }
    let bytes = 0;
    for (let part = 0; part < questions.detailParts; part++) {
      const gzip = packed(questions.details(part, samples.included));
      bytes += gzip.length;
      if (bytes > limit) throw new TooLarge();
      yield { id: `detail-${part}`, gzip };
    }
  }
  const file = new PendingFile(path);
  try {
    for (const piece of pageHtml({ ...assets, title: titleOf(run), run, parts: parts() })) {
      file.append(Buffer.from(piece));
      // Else no signal would be heard before the end, which may be minutes away.
      await nextTurn();
      signal?.throwIfAborted();
    }
    file.finish();
  } finally {
    file.discard();
  }
  return { bytes: statSync(path).size, samples };
}

/** What a page is called in a browser's tab. */
export function titleOf({ run }: Pick<RunDocument, 'run'>): string {
  return `${run.name} - rzero`;
}

/** JSON, compressed. */
export function packed(value: object): Buffer {
  return gzipSync(JSON.stringify(value));
}
