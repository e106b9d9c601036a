import type { Meaning } from './meaning.ts';
import { MONTHS } from './words.ts';

/** `March 5, 2020`, `5 March 2020`, `Mar. 5th`, `2020-03-05`: as words that name the day; null for all else. */
export function dateOf(text: string): Meaning | null {
  if (text.length > 60) return null;
  const plain = text
    .replace(/\\(?:text|mbox|textrm|mathrm) ?\{([^{}]*)\}/, '$1')
    .replaceAll(/\\[ ,]|[~$]/g, ' ')
    .trim();
  const iso = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(plain);
  if (iso !== null) return date(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const words = plain
    .toLowerCase()
    .split(/[ ,]+/)
    .map((word) => word.replace(/\.$/, ''))
    .filter((word) => word !== '' && word !== 'of' && word !== 'the');
  if (words.length < 2 || words.length > 4) return null;
  const months = words.map(monthOf).filter((month) => month > 0);
  const numbers = words
    .filter((word) => monthOf(word) === 0)
    .map((word) => /^([0-9]{1,4})(?:st|nd|rd|th)?$/.exec(word)?.[1]);
  const [month] = months;
  if (months.length !== 1 || month === undefined || numbers.includes(undefined)) return null;
  const day = numbers.find((number) => Number(number) <= 31 && (number ?? '').length <= 2);
  const year = numbers.find((number) => (number ?? '').length === 4);
  if (numbers.length !== Number(day !== undefined) + Number(year !== undefined)) return null;
  return date(Number(year ?? 0), month, Number(day ?? 0));
}

function monthOf(word: string): number {
  if (word.length < 3) return 0;
  return MONTHS.findIndex((month) => month === word || month.slice(0, 3) === word) + 1;
}

function date(year: number, month: number, day: number): Meaning {
  return { kind: 'text', words: `date ${year}-${month}-${day}` };
}
