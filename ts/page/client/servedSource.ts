import type { Source } from './source.ts';

/** Milliseconds until a link that the browser has given up is tried anew. */
const RETRY = 3_000;

/** Data that `rzero serve` answers, beside the page. */
export function servedSource(): Source {
  return {
    run: () => ask('data/run.json'),
    table: (part) => ask(`data/table/${part}.json`),
    details: (part) => ask(`data/detail/${part}.json`),
    watch({ changed, linked }) {
      let lost = false;
      const link = (): void => {
        const events = new EventSource('events');
        events.addEventListener('changed', changed);
        events.addEventListener('open', () => {
          // What changed while nobody listened is not told again.
          if (lost) changed();
          lost = false;
          linked(true);
        });
        events.addEventListener('error', () => {
          lost = true;
          linked(false);
          // Most errors the browser retries by itself; after some it closes for good.
          if (events.readyState === EventSource.CLOSED) setTimeout(link, RETRY);
        });
      };
      link();
    },
  };
}

async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(path, { cache: 'no-store' });
  if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}.`);
  return (await answer.json()) as T;
}
