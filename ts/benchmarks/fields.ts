import type { Item } from './benchmark.ts';
import { LETTERS, letterAt } from './letters.ts';

/** A record of a benchmark's data: a line of JSON, a row of a table. */
export type DataRecord = Readonly<Record<string, unknown>>;

/**
 * Where a value of a record is, and what is done to it. A text is a name alone: `answer`, or `meta.answer` for one in
 * another. The steps are taken in the order in which they stand here.
 */
export type Field = string | FieldSteps;

export interface FieldSteps {
  readonly from: string;
  /** The text, cut at each of these: `A | B | C` with ` | ` is three. */
  readonly split?: string;
  /** The first of a list. */
  readonly first?: boolean;
  /** What stands behind the last of these in the text, without blanks around it: GSM8K's `####`. */
  readonly after?: string;
  /** The letter of a number: 0 is A. */
  readonly letterOfIndex?: boolean;
}

/** The steps of a field by name. */
export const FIELD_STEPS = ['split', 'first', 'after', 'letterOfIndex'] as const;

/** Which fields of a record make an item. */
export interface Fields {
  readonly question: Field;
  readonly answer: Field;
  /** A field that is a list, or a field for each choice. */
  readonly choices?: Field | readonly Field[];
  /** Absent: the number of the record, from 1. */
  readonly id?: Field;
  readonly category?: Field;
}

/** What is wrong with a record: which field, what was seen and what is allowed. */
export class BadRecord extends Error {
  override readonly name = 'BadRecord';
}

/**
 * The item that a record is.
 *
 * @param number of the record, from 1: its id where no field is
 * @throws BadRecord
 */
export function itemOf(record: DataRecord, fields: Fields, number: number): Item {
  const question = textOf(record, 'question', fields.question);
  const choices = fields.choices === undefined ? undefined : choicesOf(record, fields.choices);
  const answer = textOf(record, 'answer', fields.answer).trim();
  if (choices !== undefined && !LETTERS.slice(0, choices.length).includes(answer)) {
    const allowed = `a letter from A to ${letterAt(choices.length - 1)}, one for each of ${choices.length} choices`;
    throw new BadRecord(`${nameOf('answer', fields.answer)} is ${show(answer)}: it must be ${allowed}`);
  }
  return {
    id: fields.id === undefined ? String(number) : textOf(record, 'id', fields.id),
    question,
    answer,
    ...(choices === undefined ? {} : { choices }),
    ...(fields.category === undefined ? {} : { category: textOf(record, 'category', fields.category) }),
  };
}

/** A value as text that is not blank; numbers are written out. */
function textOf(record: DataRecord, role: string, field: Field): string {
  const value = readField(record, role, field);
  const text = scalarText(value);
  if (text !== undefined && text.trim() !== '') return text;
  throw new BadRecord(`${nameOf(role, field)} is ${show(value)}: it must be a text or a number`);
}

function choicesOf(record: DataRecord, field: Field | readonly Field[]): string[] {
  const isList = (given: Field | readonly Field[]): given is readonly Field[] => Array.isArray(given);
  if (isList(field)) {
    const values = field.map((each) => ({ each, value: readField(record, 'choices', each) }));
    return values.map(({ each, value }) => scalarText(value) ?? refuse(nameOf('choices', each), value, 'a text'));
  }
  const value = readField(record, 'choices', field);
  const texts = Array.isArray(value) ? value.map(scalarText) : [];
  const good = texts.filter((text) => text !== undefined);
  if (good.length >= 2 && good.length <= LETTERS.length && good.length === texts.length) return good;
  return refuse(nameOf('choices', field), value, `a list of 2 to ${LETTERS.length} texts`);
}

function readField(record: DataRecord, role: string, field: Field): unknown {
  const steps: FieldSteps = typeof field === 'string' ? { from: field } : field;
  const name = nameOf(role, field);
  let value: unknown = steps.from.split('.').reduce<unknown>((inner, key) => keyOf(inner, key), record);
  if (value === undefined) {
    throw new BadRecord(`${name} is missing: the record has ${Object.keys(record).join(', ') || 'no field'}`);
  }
  if (steps.split !== undefined) {
    value = typeof value === 'string' ? value.split(steps.split) : refuse(name, value, 'a text that can be split');
  }
  if (steps.first) {
    value = Array.isArray(value) && value.length > 0 ? value[0] : refuse(name, value, 'a list of at least one');
  }
  if (steps.after !== undefined) {
    const at = typeof value === 'string' ? value.lastIndexOf(steps.after) : -1;
    value = at < 0 ? refuse(name, value, `a text with ${show(steps.after)} in it`) : textAfter(value, at, steps.after);
  }
  if (steps.letterOfIndex) {
    const index = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value;
    value = LETTERS[Number.isInteger(index) ? (index as number) : -1];
    if (value === undefined) refuse(name, index, `a whole number from 0 to ${LETTERS.length - 1}`);
  }
  return value;
}

function textAfter(text: unknown, at: number, mark: string): string {
  return String(text)
    .slice(at + mark.length)
    .trim();
}

function keyOf(value: unknown, key: string): unknown {
  const inner = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
  return inner ? (value as DataRecord)[key] : undefined;
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'bigint' || Number.isFinite(value) ? String(value) : undefined;
}

function nameOf(role: string, field: Field): string {
  const from = typeof field === 'string' ? field : field.from;
  return from === role ? `field ${from}` : `field ${from} (the ${role})`;
}

function refuse(name: string, value: unknown, allowed: string): never {
  throw new BadRecord(`${name} is ${show(value)}: it must be ${allowed}`);
}

/** Characters of a value that an error shows. */
const SHOWN = 80;

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? 'missing';
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}
