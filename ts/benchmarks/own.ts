import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { nearest } from '../domain/nearest.ts';
import type { Description, FileSource, HubSource, TaskSource } from './description.ts';
import { BenchmarkError } from './errors.ts';
import { FIELD_STEPS, type Field, type FieldSteps, type Fields } from './fields.ts';
import { EXTRACTIONS } from './grading.ts';
import { PROMPT_STYLES, type Prompt } from './prompts.ts';

type Tree = { [key: string]: unknown };

/** What is wrong with a description: option, value seen, what is allowed. */
class Wrong extends Error {}

/**
 * A benchmark of a user's own, from a YAML or JSON file. Paths in it are relative to the file.
 *
 * @param name the file, as errors call it
 * @param folder that it is relative to
 * @throws BenchmarkError `config` naming the file, the option, the value seen and what is allowed
 */
export function readOwnBenchmark(name: string, folder: string): Description {
  const path = resolve(folder, name);
  try {
    return describe(contents(path), basename(path).replace(/\.\w+$/, ''), dirname(path));
  } catch (error) {
    if (error instanceof Wrong) throw new BenchmarkError('config', `${name}: ${error.message}`);
    throw error;
  }
}

function contents(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Wrong('no such file');
    if (code !== undefined && (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw new Wrong(`it is not YAML: ${message}`);
  }
}

const OPTIONS = ['name', 'title', 'source', 'fields', 'prompt', 'extraction', 'metric', 'samples', 'maxTokens'];

function describe(value: unknown, stem: string, folder: string): Description {
  const tree = mapping('', value, OPTIONS);
  const name = tree.name === undefined ? stem : text('name', tree.name);
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name)) refuse('name', name, 'lower-case letters, digits, - and _');
  const source = sourceOf(tree.source, folder);
  const isTask = 'task' in source;
  if (isTask && tree.fields !== undefined) refuse('fields', tree.fields, 'absent where source.task makes the items');
  const fields = isTask ? undefined : fieldsOf(tree.fields);
  const choice = fields?.choices !== undefined;
  const metric = oneOf('metric', tree.metric ?? 'greedy', ['greedy', 'mean'] as const);
  const samples = whole('samples', tree.samples ?? (metric === 'mean' ? 32 : 0), 0);
  if (metric === 'mean' && samples === 0) refuse('samples', samples, 'at least 1 where metric is mean');
  const extraction = oneOf('extraction', tree.extraction ?? (choice ? 'choice' : 'boxed'), EXTRACTIONS);
  if (extraction === 'choice' && !choice)
    refuse('extraction', extraction, 'boxed or exact where fields.choices is missing');
  return {
    name,
    title: tree.title === undefined ? name : text('title', tree.title),
    group: 'own',
    source,
    ...(fields === undefined ? {} : { fields }),
    prompt: promptOf(tree.prompt ?? (choice ? 'choice' : 'solver'), choice),
    extraction,
    metric,
    samples,
    maxTokens: whole('maxTokens', tree.maxTokens ?? 4096, 1),
  };
}

function sourceOf(value: unknown, folder: string): FileSource | HubSource | TaskSource {
  const known = ['file', 'hub', 'revision', 'files', 'task', 'size', 'seed'];
  const tree = mapping('source', value, known);
  const kinds = ['file', 'hub', 'task'].filter((kind) => tree[kind] !== undefined);
  if (kinds.length !== 1) refuse('source', value, 'a mapping with one of file, hub and task');
  if (tree.file !== undefined) {
    mapping('source', value, ['file']);
    return { file: resolve(folder, text('source.file', tree.file)) };
  }
  if (tree.task !== undefined) {
    mapping('source', value, ['task', 'size', 'seed']);
    const task = text('source.task', tree.task);
    return { task, size: whole('source.size', tree.size ?? 100, 1), seed: whole('source.seed', tree.seed ?? 0, 0) };
  }
  mapping('source', value, ['hub', 'revision', 'files']);
  const hub = text('source.hub', tree.hub);
  if (!/^[\w.-]+\/[\w.-]+$/.test(hub)) refuse('source.hub', hub, 'the name of a data set, OWNER/NAME');
  const files = typeof tree.files === 'string' ? [tree.files] : tree.files;
  if (!Array.isArray(files) || files.length === 0)
    refuse('source.files', tree.files, 'a name, a pattern, or a list of these');
  return {
    hub,
    revision: tree.revision === undefined ? 'main' : text('source.revision', tree.revision),
    files: (files as unknown[]).map((file) => text('source.files', file)),
  };
}

function fieldsOf(value: unknown): Fields {
  const tree = mapping('fields', value ?? {}, ['question', 'answer', 'choices', 'id', 'category']);
  const given = (key: string) => fieldOf(`fields.${key}`, tree[key]);
  return {
    question: fieldOf('fields.question', tree.question ?? 'question'),
    answer: fieldOf('fields.answer', tree.answer ?? 'answer'),
    ...(tree.choices === undefined ? {} : { choices: choicesOf(tree.choices) }),
    ...(tree.id === undefined ? {} : { id: given('id') }),
    ...(tree.category === undefined ? {} : { category: given('category') }),
  };
}

function choicesOf(value: unknown): Field | Field[] {
  if (!Array.isArray(value)) return fieldOf('fields.choices', value);
  if (value.length < 2) refuse('fields.choices', value, 'a field that is a list, or a list of at least 2 fields');
  return value.map((each) => fieldOf('fields.choices', each));
}

function fieldOf(option: string, value: unknown): Field {
  if (typeof value === 'string' && value !== '') return value;
  const tree = mapping(option, value, ['from', ...FIELD_STEPS], 'the name of a field, or a mapping with from');
  const steps: { -readonly [key in keyof FieldSteps]: FieldSteps[key] } = { from: text(`${option}.from`, tree.from) };
  for (const key of ['split', 'after'] as const) {
    if (tree[key] !== undefined) steps[key] = text(`${option}.${key}`, tree[key]);
  }
  for (const key of ['first', 'letterOfIndex'] as const) {
    if (tree[key] !== undefined) steps[key] = oneOf(`${option}.${key}`, tree[key], [true, false]);
  }
  return steps;
}

function promptOf(value: unknown, choice: boolean): Prompt {
  if (typeof value === 'string') {
    const style = oneOf('prompt', value, PROMPT_STYLES);
    if (style === 'choice' && !choice) refuse('prompt', style, 'solver, or texts, where fields.choices is missing');
    return style;
  }
  const tree = mapping('prompt', value, ['system', 'user'], `${PROMPT_STYLES.join(', ')}, or a mapping with user`);
  const user = text('prompt.user', tree.user);
  if (!user.includes('{question}')) refuse('prompt.user', user, 'a text with {question} in it');
  return tree.system === undefined ? { user } : { system: text('prompt.system', tree.system), user };
}

/** A mapping with none but known keys. */
function mapping(option: string, value: unknown, known: readonly string[], allowed = 'a mapping'): Tree {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(option, value, `${allowed} (known here: ${known.join(', ')})`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return value as Tree;
  const hint = nearest(unknown, known);
  const at = option === '' ? '' : `${option}.`;
  const help = hint === undefined ? `known here: ${known.join(', ')}` : `did you mean "${at}${hint}"?`;
  throw new Wrong(`unknown option "${at}${unknown}"; ${help}`);
}

function text(option: string, value: unknown): string {
  return typeof value === 'string' && value.trim() !== '' ? value : refuse(option, value, 'a text');
}

function whole(option: string, value: unknown, least: number): number {
  const good = Number.isSafeInteger(value) && (value as number) >= least;
  return good ? (value as number) : refuse(option, value, `a whole number from ${least}`);
}

function oneOf<T>(option: string, value: unknown, allowed: readonly T[]): T {
  return allowed.includes(value as T) ? (value as T) : refuse(option, value, `one of ${allowed.join(', ')}`);
}

function refuse(option: string, value: unknown, allowed: string): never {
  const seen = value === undefined ? 'missing' : JSON.stringify(value);
  throw new Wrong(`${option === '' ? 'it' : `option "${option}"`} is ${seen}: it must be ${allowed}`);
}
