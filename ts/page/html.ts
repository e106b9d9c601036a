import { createHash } from 'node:crypto';
import { InvalidArgument } from '../domain/errors.ts';
import { duration, oneLine } from '../report/text.ts';
import type { PageAssets } from './assets.ts';
import type { IterationReport, RunDocument } from './document.ts';

/** A part of the data that is decompressed when it is looked at: `table-0`, `detail-0`, ... */
export interface PagePart {
  id: string;
  /** JSON, compressed by gzip. */
  gzip: Uint8Array;
}

export interface Page extends PageAssets {
  title: string;
  run: RunDocument;
  parts: Iterable<PagePart>;
}

/**
 * The report as one HTML file that opens without a network, piece by piece: it may be larger than a string can be.
 * Nothing that a model or a person wrote is ever markup: their texts stand in JSON without `<`, or in base64.
 *
 * @throws InvalidArgument where the script or the style would end its own element
 */
export function* pageHtml({ title, script, style, run, parts }: Page): Generator<string> {
  yield* shell({ title, script, style, run, served: false });
  yield `<script type="application/json" id="run">${jsonInHtml(run)}</script>\n`;
  for (const { id, gzip } of parts) {
    yield `<script type="text/plain" id="${id}">${Buffer.from(gzip).toString('base64')}</script>\n`;
  }
  yield `${moduleElement(script)}</body>\n</html>\n`;
}

/** The same page without its data, which a server answers: see server.ts. */
export function servedHtml({ title, script, style, run }: Omit<Page, 'parts'>): string {
  const head = [...shell({ title, script, style, run, served: true })].join('');
  return `${head}${moduleElement(script)}</body>\n</html>\n`;
}

/** JSON that can stand in an element of HTML: no text in it can end the element, or a line of a script. */
export function jsonInHtml(value: object): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A text that can stand in HTML, in one line and with nothing in it that would not be seen. */
export function textInHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return oneLine(text).replace(/[&<>"']/g, (character) => names[character] ?? '');
}

function* shell({ title, script, style, run, served }: Omit<Page, 'parts'> & { served: boolean }): Generator<string> {
  requireInside('script', script);
  requireInside('style', style);
  const policy = [
    "default-src 'none'",
    `script-src ${sourceOf(script)}`,
    `style-src ${sourceOf(style)}`,
    'img-src data:',
    ...(served ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  yield `<!doctype html>
<html lang="en"${served ? ' data-served' : ''}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${textInHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<noscript>
`;
  yield withoutScript(run);
  yield '</noscript>\n';
}

function moduleElement(script: string): string {
  return `<script type="module">${script}</script>\n`;
}

/** What a browser without scripts shows: how the run stands, and its scores. */
function withoutScript({ run, iterations, cost }: RunDocument): string {
  const rows = iterations.map(({ iteration, evaluation, questions }: IterationReport) => {
    const cells = [
      iteration === 0 ? 'base' : String(iteration),
      ...(['greedy', 'mean', 'majority'] as const).map((mode) => evaluation?.[mode]?.value.toFixed(1) ?? '-'),
      questions === null ? '-' : `${questions.kept} of ${questions.candidates}`,
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>\n`;
  });
  const samples = run.exam.samples;
  const heads = ['iteration', 'greedy, %', `mean@${samples}, %`, `majority@${samples}, %`, 'questions kept'];
  const facts = [run.state, run.preset, run.arm, run.model, `seed ${run.seed}`, `${duration(cost.seconds)} of phases`];
  return `<h1>${textInHtml(run.name)}</h1>
<p>${textInHtml(facts.join(', '))}</p>
<table>
<tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>
${rows.join('')}</table>
<p>The curves and questions of this page take a browser with scripts.</p>
`;
}

function requireInside(element: 'script' | 'style', text: string): void {
  if (/<\/(?:script|style)|<!--/i.test(text)) {
    throw new InvalidArgument(`pageHtml: the ${element} holds an end tag or the beginning of a comment of HTML`);
  }
}

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
}
