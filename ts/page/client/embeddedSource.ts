import type { Source } from './source.ts';

/** Data that stands in the page itself: the run as JSON, tables and details as base64 of gzip of JSON. */
export function embeddedSource(): Source {
  return {
    run: async () => JSON.parse(textOf('run')),
    table: (part) => unpack(textOf(`table-${part}`)),
    details: (part) => unpack(textOf(`detail-${part}`)),
    watch() {},
  };
}

function textOf(id: string): string {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(`this page is not whole: its part '${id}' is missing.`);
  return text;
}

async function unpack<T>(base64: string): Promise<T> {
  const packed = atob(base64.trim());
  const bytes = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at++) bytes[at] = packed.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as T;
}
