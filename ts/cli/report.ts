import { basename, join, resolve } from 'node:path';
import { type PageAssets, pageAssets } from '../page/assets.ts';
import { RunReader } from '../page/runPage.ts';
import { type SamplesWanted, writeReport } from '../page/writeReport.ts';
import { plural, size } from '../report/text.ts';
import { RunFolder } from '../store/runFolder.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';
import { VERSION } from './version.ts';

/** Flags about money, as given. */
export interface PriceFlags {
  price?: string;
  currency: string;
}

/** Flags of `rzero report` as given. */
export interface ReportFlags extends PriceFlags {
  out?: string;
  samples: string;
}

/**
 * `rzero report`: all of a run in one HTML file.
 *
 * @param assets what the page is made of but its data
 * @throws UsageError; RunFolderError where there is no run; as {@link RunReader.read} and {@link writeReport}
 */
export async function reportCommand(
  name: string,
  flags: ReportFlags,
  terminal: Terminal,
  assets: () => Promise<PageAssets> = pageAssets,
): Promise<void> {
  const wanted = samplesOf(flags.samples);
  const run = openRun(name, flags, terminal);
  const { workingFolder, signal } = terminal;
  const out = flags.out === undefined ? join(name, 'report.html') : flags.out;
  const page = run.read();
  for (const file of page.missing) terminal.err(`${file} is gone: what it held is not in the report\n`);
  const { bytes, samples } = await writeReport(resolve(workingFolder, out), page, await assets(), wanted, signal);
  const { count } = page.questions;
  terminal.out(
    `${out}: ${size(bytes)}, ${plural(count, 'questions')}${samples.included ? '' : ', without their samples'}\n`,
  );
  if (samples.reason !== null && wanted !== 'none') terminal.err(`The samples are left out: ${samples.reason}.\n`);
}

/** A run to be shown. @throws UsageError; RunFolderError */
export function openRun(name: string, flags: PriceFlags, terminal: Terminal): RunReader {
  const folder = RunFolder.open(name, resolve(terminal.workingFolder, name));
  const price = { perHour: priceOf(flags.price), currency: flags.currency };
  return new RunReader(folder, { name: basename(folder.path), program: VERSION, price });
}

function samplesOf(samples: string): SamplesWanted {
  if (samples === 'all' || samples === 'none') return samples;
  if (!/^\d{1,6}$/.test(samples)) {
    throw new UsageError(`--samples is "${samples}", allowed are all, none and a whole number of MiB`);
  }
  return { bytes: Number(samples) * 2 ** 20 };
}

function priceOf(price: string | undefined): number | null {
  if (price === undefined) return null;
  const value = Number(price);
  if (!/^\d+(\.\d+)?$/.test(price) || !Number.isFinite(value)) {
    throw new UsageError(`--price is "${price}", allowed is what a device-hour costs, as 2.5`);
  }
  return value;
}
