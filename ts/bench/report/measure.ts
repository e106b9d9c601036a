import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pageAssets } from '../../page/assets.ts';
import { RunReader } from '../../page/runPage.ts';
import { writeReport } from '../../page/writeReport.ts';
import { RunFolder } from '../../store/runFolder.ts';

/** What the report of a run takes. */
export interface Measured {
  /** Of the files of its candidates. */
  candidateBytes: number;
  /** Seconds: until the document and the tables are there, until a first question is opened, and of any further part. */
  read: number;
  firstDetails: number;
  furtherDetails: number;
  /** Seconds in which the file is written, and its bytes. */
  write: number;
  fileBytes: number;
  /** Whether the samples are in it. */
  withSamples: boolean;
  /** Most memory of the process in MiB. */
  mebibytes: number;
}

/** Read a run and write its report, in a process of its own: `node measure.js RUN` prints a {@link Measured} as JSON. */
async function measure(path: string): Promise<Measured> {
  const folder = RunFolder.open(path);
  const reader = new RunReader(folder, {
    name: basename(path),
    program: 'bench',
    price: { perHour: null, currency: '$' },
  });
  const timed = async <T>(action: () => T): Promise<[Awaited<T>, number]> => {
    const begun = performance.now();
    const value = await action();
    return [value, Math.round(performance.now() - begun) / 1000];
  };
  const [page, read] = await timed(() => reader.read());
  const [, firstDetails] = await timed(() => page.questions.details(0, true));
  const [, furtherDetails] = await timed(() => page.questions.details(1 % page.questions.detailParts, true));
  const assets = await pageAssets();
  const [file, write] = await timed(() =>
    writeReport(join(path, 'report.html'), page, assets, { bytes: 64 * 2 ** 20 }),
  );
  const iterations = page.document.iterations.filter(({ questions }) => questions !== null);
  const candidateBytes = iterations
    .map(({ iteration }) => statSync(folder.file(`iteration-${iteration}/questions.jsonl`)).size)
    .reduce((sum, size) => sum + size, 0);
  return {
    candidateBytes,
    read,
    firstDetails,
    furtherDetails,
    write,
    fileBytes: file.bytes,
    withSamples: file.samples.included,
    mebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${JSON.stringify(await measure(process.argv[2] ?? ''))}\n`);
}
