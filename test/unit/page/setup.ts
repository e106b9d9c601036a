import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { QuestionDetail, QuestionTable, RunDocument } from '../../../ts/page/document.ts';
import { RunReader } from '../../../ts/page/runPage.ts';
import type { RunFolder } from '../../../ts/store/runFolder.ts';

/** Stands in for what browsers are given. */
export const ASSETS = { script: 'document.title += "!";', style: 'body { margin: 0 }' };

/** A run of two iterations that is quickly made up and read. */
export const SMALL = { questions: 24, iterations: 2, samples: 4, problems: 4 };

/** A reader of a run as `rzero report` makes it. */
export function readerOf(folder: RunFolder, perHour: number | null = null): RunReader {
  return new RunReader(folder, { name: 'a run', program: '1.2.3', price: { perHour, currency: '€' } });
}

/** What a report's file holds, read as a browser reads it: elements end where HTML says. */
export interface ReadBack {
  html: string;
  run: RunDocument;
  tables: QuestionTable[];
  details: QuestionDetail[];
  /** Names of all elements that are begun outside of scripts and the style, in order. */
  elements: string[];
}

export function readBack(path: string): ReadBack {
  const html = readFileSync(path, 'utf8');
  const scripts = [...html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)].map(([, attributes = '', text = '']) => ({
    id: /id="([^"]*)"/.exec(attributes)?.[1] ?? '',
    text,
  }));
  const unpack = (text: string) => JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString());
  const parts = (kind: string) => scripts.filter(({ id }) => id.startsWith(`${kind}-`)).map(({ text }) => unpack(text));
  const rest = html.replace(/<(script|style)[^>]*>[\s\S]*?<\/\1>/g, '');
  return {
    html,
    run: JSON.parse(scripts.find(({ id }) => id === 'run')?.text ?? ''),
    tables: parts('table'),
    details: parts('detail').flat(),
    elements: [...rest.matchAll(/<([a-z]\w*)/gi)].map(([, name]) => name as string),
  };
}
