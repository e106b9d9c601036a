import { type LicenceTerms, licenceTerms } from '../inspect/licences.ts';
import { frontMatterOf } from './frontMatter.ts';

/** A base model's licence as its card has it; all absent where nothing is known of it. */
export interface BaseLicence {
  /** `license`: a tag of the hub's, or "other". */
  license?: string;
  /** `license_name` and `license_link`, where the tag is "other". */
  name?: string;
  link?: string;
}

/** The licence that a card names. */
export function licenceOfCard(card: string): BaseLicence {
  return licenceOfMetadata(frontMatterOf(card));
}

/** The licence that a card's metadata names, as the hub's API gives them too. */
export function licenceOfMetadata(metadata: Readonly<Record<string, unknown>>): BaseLicence {
  const text = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined);
  const first = Array.isArray(metadata.license) ? metadata.license[0] : metadata.license;
  const [license, name, link] = [text(first), text(metadata.license_name), text(metadata.license_link)];
  return {
    ...(license === undefined ? {} : { license }),
    ...(name === undefined ? {} : { name }),
    ...(link === undefined ? {} : { link }),
  };
}

/** What the text of a licence says of itself, by the hub's tags; the first that fits counts. */
const TITLES: readonly (readonly [RegExp, BaseLicence])[] = [
  [/LLAMA 2 COMMUNITY LICENSE/i, { license: 'llama2' }],
  [/LLAMA 3\.1 COMMUNITY LICENSE/i, { license: 'llama3.1' }],
  [/LLAMA 3\.2 COMMUNITY LICENSE/i, { license: 'llama3.2' }],
  [/LLAMA 3\.3 COMMUNITY LICENSE/i, { license: 'llama3.3' }],
  [/LLAMA 4 COMMUNITY LICENSE/i, { license: 'llama4' }],
  [/LLAMA 3 COMMUNITY LICENSE/i, { license: 'llama3' }],
  [/Gemma Terms of Use/i, { license: 'gemma' }],
  [/Qwen RESEARCH LICENSE/i, { license: 'other', name: 'qwen-research' }],
  [/Qwen LICENSE AGREEMENT/i, { license: 'other', name: 'qwen' }],
  [/Apache License\s+Version 2\.0/i, { license: 'apache-2.0' }],
  [/Permission is hereby granted, free of charge/i, { license: 'mit' }],
  [/Attribution-NonCommercial-NoDerivatives 4\.0/i, { license: 'cc-by-nc-nd-4.0' }],
  [/Attribution-NonCommercial-ShareAlike 4\.0/i, { license: 'cc-by-nc-sa-4.0' }],
  [/Attribution-NonCommercial 4\.0/i, { license: 'cc-by-nc-4.0' }],
];

/** Characters of a licence's text in which it says what it is. */
const HEAD = 2_000;

/** The licence whose text this is; nothing where it is none that is known here. */
export function licenceOfText(text: string): BaseLicence {
  return TITLES.find(([title]) => title.test(text.slice(0, HEAD)))?.[1] ?? {};
}

/** What a base's licence asks, see {@link licenceTerms}. */
export function termsOf({ license, name, link }: BaseLicence): LicenceTerms {
  const terms = licenceTerms(license === 'other' ? name : license);
  return terms.link === undefined && link !== undefined ? { ...terms, link } : terms;
}
