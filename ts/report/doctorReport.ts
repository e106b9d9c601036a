import { createColors } from 'picocolors';
import type { Finding, Status } from '../doctor/check.ts';
import { padEnd, plural, wrap } from './text.ts';

/** How findings are shown. */
export interface DoctorReportOptions {
  colour: boolean;
  /** Columns that text is broken to. */
  width: number;
}

const TITLE_WIDTH = 24;
const INDENT = ' '.repeat(TITLE_WIDTH + 4);

/** A check: a line with what was found, and below it what to do. */
export function findingLines({ status, title, found, hint }: Finding, options: DoctorReportOptions): string[] {
  const { bold, cyan, dim } = createColors(options.colour);
  const room = Math.max(40, options.width - INDENT.length);
  const [first = '', ...more] = wrapped(found, room);
  const name = padEnd(title, TITLE_WIDTH);
  const quiet = status === 'skipped' ? dim : (text: string) => text;
  return [
    `${mark(status, options)} ${status === 'failed' ? bold(name) : quiet(name)}  ${quiet(first)}`,
    ...more.map((line) => `${INDENT}${quiet(line)}`),
    ...wrapped(hint ?? '', room - 2).map((line, index) => `${INDENT}${cyan(index === 0 ? '> ' : '  ')}${line}`),
  ];
}

/** A worker: a line that says what it is, and a check for each thing that is not as it should be. */
export function workerLines(
  name: string,
  about: string,
  findings: readonly Finding[],
  options: DoctorReportOptions,
): string[] {
  const worst = (['failed', 'warning'] as const).find((status) =>
    findings.some((finding) => finding.status === status),
  );
  const looked = `${about}; ${plural(findings.filter(({ status }) => status !== 'skipped').length, 'checks')}`;
  const head: Finding = { subject: name, id: 'worker', title: name, status: worst ?? 'ok', found: looked };
  const wrong = findings.filter(({ status }) => status === 'failed' || status === 'warning');
  return [head, ...wrong].flatMap((finding) => findingLines(finding, options));
}

/** The name of what the next checks are about. */
export function subjectLine(subject: string, { colour }: DoctorReportOptions): string {
  return createColors(colour).bold(`${subject[0]?.toUpperCase()}${subject.slice(1)}`);
}

/** `17 ok, 1 warning, 0 failed, 3 skipped in 2.3 s`. */
export function doctorTotals(findings: readonly Finding[], seconds: number, { colour }: DoctorReportOptions): string {
  const { bold, green, red, yellow } = createColors(colour);
  const count = (status: Status) => findings.filter((finding) => finding.status === status).length;
  const [warnings, failures, skipped] = [count('warning'), count('failed'), count('skipped')];
  return [
    green(`${count('ok')} ok`),
    ...(warnings === 0 ? [] : [yellow(`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`)]),
    failures === 0 ? '0 failed' : red(bold(`${failures} failed`)),
    `${skipped} skipped in ${seconds.toFixed(1)} s`,
  ].join(', ');
}

function mark(status: Status, { colour }: DoctorReportOptions): string {
  const { green, red, yellow, dim } = createColors(colour);
  return { ok: green('✓'), warning: yellow('!'), failed: red('✗'), skipped: dim('-') }[status];
}

/** Lines as they are, where they are short enough. */
function wrapped(text: string, width: number): string[] {
  return text
    .split('\n')
    .flatMap((line) => (line.length <= width ? [line] : wrap(line.trim(), width)))
    .filter(Boolean);
}
