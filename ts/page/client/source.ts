import type { QuestionDetail, QuestionTable, RunDocument } from '../document.ts';
import { embeddedSource } from './embeddedSource.ts';
import { servedSource } from './servedSource.ts';

/** Where the page has its data from: itself, or the `rzero serve` that it came from. */
export interface Source {
  run(): Promise<RunDocument>;
  table(part: number): Promise<QuestionTable>;
  details(part: number): Promise<QuestionDetail[]>;
  /**
   * Be told whenever the data may have changed, and whenever the link to it is lost or there again. A page that holds
   * its data is never told.
   */
  watch(listener: Listener): void;
}

export interface Listener {
  changed(): void;
  linked(up: boolean): void;
}

/** Whether this page is served, and so may change. */
export function isServed(): boolean {
  return document.documentElement.dataset.served !== undefined;
}

export function openSource(): Source {
  return isServed() ? servedSource() : embeddedSource();
}
