import { createColors } from 'picocolors';
import type { Case } from '../contract/context.ts';
import type { Failure, Outcome } from '../contract/outcome.ts';
import { oneLine, plural, wrap } from './text.ts';

/** How the report is shown. */
export interface ContractReportOptions {
  colour: boolean;
  /** Columns that running text is broken to. */
  width: number;
}

const LABEL_WIDTH = 11;
const INDENT = '    ';
/** Lines of a traceback or of a process's output. */
const DETAIL_LINES = 12;

/** What became of one case: a line, and for a failure what a person needs to look into it. */
export function caseLines(one: Case, outcome: Outcome, { colour, width }: ContractReportOptions): string[] {
  const { green, red, yellow, dim, bold } = createColors(colour);
  switch (outcome.status) {
    case 'passed':
      return [`${green('✓')} ${one.title}  ${dim(time(outcome.seconds))}`];
    case 'failed':
      return [
        `${red('✗')} ${bold(one.title)}  ${dim(time(outcome.seconds))}`,
        ...failureLines(one, outcome.failure, width).map(([label, text]) => `${INDENT}${dim(label)}${text}`),
      ];
    case 'skipped':
      return [`${yellow('-')} ${one.title}  ${dim(`skipped: ${outcome.reason}`)}`];
    case 'not_run':
      return [`${yellow('-')} ${one.title}  ${dim(`not run: ${outcome.reason}`)}`];
  }
}

function failureLines(one: Case, failure: Failure, width: number): [label: string, text: string][] {
  const room = Math.max(40, width - INDENT.length - LABEL_WIDTH);
  const rows: [string, readonly string[]][] = [
    ['promise', wrap(one.rule, room)],
    [
      'sent',
      failure.sent.flatMap((line) =>
        wrap(oneLine(line), room).map((part, index) => (index === 0 ? part : `  ${part}`)),
      ),
    ],
    ['looked at', wrap(oneLine(failure.subject), room)],
    ['expected', wrap(oneLine(failure.expected), room)],
    ['came back', wrap(oneLine(failure.actual), room)],
    ['details', (failure.details ?? '').trimEnd().split('\n').filter(Boolean).slice(-DETAIL_LINES).map(plainLine)],
    ['read', [one.where]],
    ['again', [`--only ${one.id}`]],
  ];
  return rows.flatMap(([label, lines]) =>
    lines.map((line, index): [string, string] => [(index === 0 ? label : '').padEnd(LABEL_WIDTH), line]),
  );
}

/** `27 passed, 1 failed, 2 skipped in 12.3 s`. */
export function totals(outcomes: readonly Outcome[], seconds: number, { colour }: ContractReportOptions): string {
  const { green, red, bold } = createColors(colour);
  const count = (status: Outcome['status']) => outcomes.filter((outcome) => outcome.status === status).length;
  const [failed, skipped, notRun] = [count('failed'), count('skipped'), count('not_run')];
  const parts = [
    green(`${count('passed')} passed`),
    failed === 0 ? '0 failed' : red(bold(`${failed} failed`)),
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
    ...(notRun === 0 ? [] : [`${notRun} not run`]),
  ];
  return `${parts.join(', ')} in ${seconds.toFixed(1)} s`;
}

/** What is going to be tried on whom. */
export function headLines(
  head: { hello: { backend: string; workerId: string; capabilities: readonly string[]; versions: object } } & {
    source: string;
    tolerance: number;
    cases: number;
  },
  { colour, width }: ContractReportOptions,
): string[] {
  const { bold } = createColors(colour);
  const { backend, workerId, capabilities, versions } = head.hello;
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const backendShown = software.length === 0 ? backend : `${backend} (${software.join(', ')})`;
  const offers = capabilities.join(', ') || 'nothing';
  return [
    ...wrap(oneLine(`The worker contract: backend ${backendShown}, worker ${workerId}, offers ${offers}`), width).map(
      bold,
    ),
    ...wrap(`${plural(head.cases, 'cases')}, model ${head.source}, log-probs within ${head.tolerance}`, width),
  ];
}

/** A line of somebody else's output, its indentation kept. */
function plainLine(line: string): string {
  return (/^ */.exec(line)?.[0] ?? '') + oneLine(line);
}

function time(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}
