import type { Meaning } from './meaning.ts';
import { isSolutions } from './members.ts';
import type { End, Region } from './region.ts';
import { fingerprint } from './value.ts';

/**
 * A meaning as text, the same for meanings that are equal however they were written: members of sets and lists in one
 * order, numbers to about 36 digits, equations without a common factor. Meanings that are equal only by a policy
 * (5 cm and 5) differ. null: a value in it is not known, so that the text would say nothing.
 */
export function canonical(meaning: Meaning): string | null {
  switch (meaning.kind) {
    case 'quantity': {
      const { scalar, unit, percent, degrees, digits } = meaning;
      const value = scalar.key();
      return value === null
        ? null
        : `${value}${percent ? '%' : ''}${degrees ? 'deg' : ''}${digits?.key() ?? ''} ${unit}`;
    }
    case 'infinity':
      return meaning.sign === 1 ? 'oo' : '-oo';
    case 'sequence':
      return joined(meaning.open, meaning.items.map(canonical), meaning.close);
    case 'collection': {
      const items = meaning.items.map(canonical).sort();
      return joined(
        '{',
        meaning.braces || isSolutions(meaning) ? [...new Set(items)] : items,
        meaning.braces ? '}' : '',
      );
    }
    case 'matrix':
      return joined(
        'm',
        meaning.rows.map((row) => joined('r', row.map(canonical), 'r')),
        'm',
      );
    case 'region':
      return `${meaning.variable ?? ''}:${regionKey(meaning.region)}`;
    case 'equation':
      return prefixed('=', meaning.difference.proportionKey());
    case 'inequality':
      return joined(
        '<',
        meaning.parts.map(({ difference, relation }) => prefixed(relation, difference.proportionKey())).sort(),
        '>',
      );
    case 'labelled':
      return prefixed(`${meaning.label}=`, canonical(meaning.value));
    case 'ratio':
      return joined(':', meaning.items.map(canonical), meaning.unit);
    case 'choice':
      return prefixed(`(${meaning.letter})`, canonical(meaning.value));
    case 'text':
      return `"${meaning.words}"`;
  }
}

function prefixed(prefix: string, key: string | null): string | null {
  return key === null ? null : prefix + key;
}

function joined(open: string, parts: readonly (string | null)[], close: string): string | null {
  return parts.includes(null) ? null : `${open}${parts.join(';')}${close}`;
}

function regionKey(region: Region): string {
  const end = (value: End): string => (typeof value === 'number' ? `${value}oo` : fingerprint(value));
  return region
    .map((span) => `${span.lowClosed ? '[' : '('}${end(span.low)},${end(span.high)}${span.highClosed ? ']' : ')'}`)
    .join('U');
}
