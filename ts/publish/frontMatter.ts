import { parse, stringify } from 'yaml';

/** A card of the hub: its metadata, as YAML between two lines of dashes, and its text. */
export function withFrontMatter(metadata: object, text: string): string {
  return `---\n${stringify(metadata, { lineWidth: 0 })}---\n\n${text.trim()}\n`;
}

/** The metadata of a card; empty where it has none, or none that can be read. */
export function frontMatterOf(card: string): Record<string, unknown> {
  const [, yaml] = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(card) ?? [];
  if (yaml === undefined) return {};
  try {
    const found: unknown = parse(yaml, { logLevel: 'silent' });
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? { ...found } : {};
  } catch {
    return {};
  }
}
