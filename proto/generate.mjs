#!/usr/bin/env node
// Reads proto/protocol.yml and writes the TypeScript codecs and the Python structs.
// `--check` writes nothing and exits 1 naming each stale file; `--fixtures` packs proto/fixtures/*/*.json.
// Knows the syntax of the two languages, nothing of what a message means.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCE = 'proto/protocol.yml';
const TS_FILE = 'ts/protocol/generated.ts';
const PY_FILE = 'py_worker/rzero_worker/protocol.py';

/** Built-in types: [TypeScript type, TypeScript codec, Python type]. */
const PRIMITIVES = {
  bool: ['boolean', 'tBool', 'bool'],
  string: ['string', 'tString', 'str'],
  int: ['number', 'tInt', 'Int'],
  float: ['number', 'tFloat', 'Float'],
  bytes: ['Uint8Array', 'tBytes', 'bytes'],
  u8s: ['Uint8Array', 'tU8s', 'bytes'],
  i32s: ['Int32Array', 'tI32s', 'bytes'],
  u32s: ['Uint32Array', 'tU32s', 'bytes'],
  f32s: ['Float32Array', 'tF32s', 'bytes'],
};
const PACKED = { u8s: 'u8', i32s: 'i32', u32s: 'u32', f32s: 'f32' };
const PYTHON_WORDS = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

/** What is wrong with protocol.yml and where. */
export class SpecError extends Error {
  code = 'invalid_protocol';
  constructor(where, problem) {
    super(`${SOURCE}: ${where}: ${problem}`);
  }
}

const pascal = (snake) => snake.replace(/(?:^|_)([a-z0-9])/g, (_, c) => c.toUpperCase());
const camel = (snake) => snake.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** Entries [key, node, comment] of a YAML mapping, with only the allowed keys when some are given. */
function entries(node, where, allowed) {
  if (node === null || node === undefined) return [];
  if (!isMap(node)) throw new SpecError(where, `expected a mapping, saw ${JSON.stringify(node.toJSON?.() ?? node)}`);
  return node.items.map(({ key, value }) => {
    if (allowed && !allowed.includes(key.value)) {
      throw new SpecError(where, `unknown key "${key.value}" (allowed: ${allowed.join(', ')})`);
    }
    return [String(key.value), value, value?.comment?.trim()];
  });
}

function strings(node, where) {
  if (node === undefined) return [];
  if (!isSeq(node)) throw new SpecError(where, 'expected a list of names');
  return node.items.map((item) => {
    if (!isScalar(item) || typeof item.value !== 'string') throw new SpecError(where, `${item} is not a name`);
    return { name: item.value, comment: item.comment?.trim() };
  });
}

function child(node, key) {
  const value = node.get(key, true);
  return value === null ? undefined : value;
}

function docOf(node, where) {
  const doc = child(node, 'doc');
  if (doc === undefined) return undefined;
  if (typeof doc.value !== 'string') throw new SpecError(where, 'doc must be text');
  return doc.value.trim();
}

function flag(node, key, where) {
  const value = child(node, key)?.value ?? false;
  if (typeof value !== 'boolean') throw new SpecError(`${where}.${key}`, `expected true or false, saw ${value}`);
  return value;
}

/** Read and check the text of protocol.yml: { enums, structs, envelopes, verbs, hash }. */
export function readSpec(text) {
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem) throw new SpecError(`line ${problem.linePos?.[0].line ?? '?'}`, problem.message.split('\n')[0]);
  entries(document.contents, 'top level', ['enums', 'structs', 'envelopes', 'verbs']);
  const root = document.contents;
  const enums = [];
  const structs = [];
  const defined = new Map(Object.keys(PRIMITIVES).map((name) => [name, 'primitive']));

  const define = (name, kind, where) => {
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) throw new SpecError(where, `"${name}" is not a PascalCase name`);
    if (defined.has(name)) throw new SpecError(where, `the name ${name} is used twice`);
    defined.set(name, kind);
  };
  const readType = (source, where) => {
    const optional = /^(.*)\?$/.exec(source);
    if (optional) return { optional: true, ...readType(optional[1], where) };
    const list = /^\[(.*)\]$/.exec(source);
    if (list) return { list: readItem(list[1], where) };
    const map = /^map<(.*)>$/.exec(source);
    if (map) return { map: readItem(map[1], where) };
    if (!defined.has(source)) {
      const known = [...defined.keys()].join(', ');
      throw new SpecError(where, `unknown type "${source}" (defined above it: ${known})`);
    }
    return { name: source, kind: defined.get(source) };
  };
  const readItem = (source, where) => {
    if (source.endsWith('?')) throw new SpecError(where, `"${source}": only a whole field can be optional`);
    return readType(source, where);
  };
  const readFields = (node, where) =>
    entries(node, where).map(([name, value, comment]) => {
      const at = `${where}.${name}`;
      if (!/^[a-z][A-Za-z0-9]*$/.test(name)) throw new SpecError(at, 'a field name is camelCase');
      if (camel(snake(name)) !== name) throw new SpecError(at, `does not survive snake_case (${snake(name)})`);
      if (name === 'kind' || PYTHON_WORDS.has(snake(name))) throw new SpecError(at, 'is a reserved name');
      if (!isScalar(value) || typeof value.value !== 'string') throw new SpecError(at, 'the type must be a string');
      if (/\?\?$/.test(value.value)) throw new SpecError(at, 'is optional twice');
      return { name, source: value.value, type: readType(value.value, at), comment };
    });

  for (const [name, node] of entries(child(root, 'enums'), 'enums')) {
    const where = `enums.${name}`;
    define(name, 'enum', where);
    const values = strings(node, where);
    if (values.length === 0) throw new SpecError(where, 'has no values');
    const seen = new Set();
    for (const value of values) {
      if (!/^[a-z][a-z0-9_]*$/.test(value.name)) throw new SpecError(where, `"${value.name}" is not snake_case`);
      if (seen.has(value.name)) throw new SpecError(where, `the value ${value.name} is used twice`);
      seen.add(value.name);
    }
    enums.push({ name, values });
  }
  for (const [name, node] of entries(child(root, 'structs'), 'structs')) {
    const where = `structs.${name}`;
    entries(node, where, ['doc', 'fields']);
    structs.push({ name, doc: docOf(node, where), fields: readFields(child(node, 'fields'), where) });
    define(name, 'struct', where);
  }
  const envelopes = strings(child(root, 'envelopes'), 'envelopes').map(({ name }) => name);
  for (const [i, name] of envelopes.entries()) {
    const struct = structs.find((candidate) => candidate.name === name);
    if (!struct) throw new SpecError('envelopes', `"${name}" is not a struct`);
    if (envelopes.indexOf(name) !== i) throw new SpecError('envelopes', `the name ${name} is used twice`);
    struct.envelope = true;
  }
  const codes = enums.find(({ name }) => name === 'ErrorCode')?.values.map(({ name }) => name) ?? [];
  const verbs = entries(child(root, 'verbs'), 'verbs').map(([name, node]) => {
    const where = `verbs.${name}`;
    if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) throw new SpecError(where, 'a verb is snake_case');
    entries(node, where, ['doc', 'control', 'progress', 'params', 'result', 'errors']);
    const part = (key, of) => {
      const body = child(node, key);
      const struct = `${pascal(name)}${pascal(key)}`;
      if (body === undefined) throw new SpecError(where, `has no ${key}`);
      if (isScalar(body)) {
        if (defined.get(body.value) !== 'struct') throw new SpecError(`${where}.${key}`, `"${body.value}" is no struct`);
        define(struct, 'alias', where);
        return { struct, alias: body.value };
      }
      structs.push({ name: struct, doc: `${of} of \`${name}\`.`, fields: readFields(body, `${where}.${key}`) });
      define(struct, 'struct', where);
      return { struct };
    };
    const params = part('params', 'Parameters');
    const result = part('result', 'Result');
    const errors = strings(child(node, 'errors'), `${where}.errors`).map((error) => error.name);
    for (const [i, error] of errors.entries()) {
      if (!codes.includes(error)) {
        throw new SpecError(`${where}.errors`, `unknown error code "${error}" (known: ${codes.join(', ')})`);
      }
      if (errors.indexOf(error) !== i) throw new SpecError(`${where}.errors`, `${error} is named twice`);
    }
    const control = flag(node, 'control', where);
    return { name, doc: docOf(node, where), control, progress: flag(node, 'progress', where), params, result, errors };
  });
  const spec = { enums, structs, envelopes, verbs };
  return { ...spec, hash: hashOf(spec) };
}

/** sha256 over everything a peer can observe: names, types and their order; not docs or comments. */
function hashOf({ enums, structs, envelopes, verbs }) {
  const canonical = {
    enums: enums.map(({ name, values }) => [name, values.map((value) => value.name)]),
    structs: structs.map(({ name, fields }) => [name, fields.map((field) => [field.name, field.source])]),
    envelopes,
    verbs: verbs.map((verb) => [
      verb.name,
      verb.params.alias ?? verb.params.struct,
      verb.result.alias ?? verb.result.struct,
      verb.control,
      verb.progress,
      verb.errors,
    ]),
  };
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}

/** Break text into lines of at most `width` characters. */
function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}

// ---- TypeScript -----------------------------------------------------------------------------------------------------

const tsDoc = (text, indent = '') => {
  if (!text) return [];
  const safe = text.replaceAll('*/', '*\\/');
  if (safe.length + indent.length + 7 <= 120) return [`${indent}/** ${safe} */`];
  return [`${indent}/**`, ...wrap(safe, 117 - indent.length).map((line) => `${indent} * ${line}`), `${indent} */`];
};
const tsType = (type) => {
  if (type.list) return `readonly ${tsType(type.list).includes(' ') ? `(${tsType(type.list)})` : tsType(type.list)}[]`;
  if (type.map) return `Readonly<Record<string, ${tsType(type.map)}>>`;
  return PRIMITIVES[type.name]?.[0] ?? type.name;
};
const tsCodec = (type) => {
  if (type.optional) return `tOptional(${tsCodec({ ...type, optional: false })})`;
  if (type.list) return `tList(${tsCodec(type.list)})`;
  if (type.map) return `tMap(${tsCodec(type.map)})`;
  return PRIMITIVES[type.name]?.[1] ?? `t${type.name}`;
};
const tsLists = (head, items, tail) => {
  const line = `${head}${items.join(', ')}${tail}`;
  return line.length <= 120 ? [line] : [head, ...items.map((item) => `  ${item},`), tail];
};

function tsStruct({ name, doc, fields, envelope }) {
  const kind = envelope ? [`  kind: '${name}';`] : [];
  const typed = fields.flatMap((field) => [
    ...tsDoc(field.comment, '  '),
    `  ${field.name}${field.type.optional ? '?' : ''}: ${tsType(field.type)};`,
  ]);
  const body = [...kind, ...typed];
  const codecs = fields.map((field) => `  ${field.name}: ${tsCodec(field.type)},`);
  const make = envelope ? 'tEnvelope' : 'tStruct';
  return [
    '',
    ...tsDoc(doc),
    ...(body.length > 0 ? [`export interface ${name} {`, ...body, '}'] : [`export type ${name} = Record<string, never>;`]),
    ...(codecs.length > 0
      ? [`export const t${name} = ${make}<${name}>('${name}', {`, ...codecs, '});']
      : [`export const t${name} = ${make}<${name}>('${name}', {});`]),
  ];
}

/** The text of ts/protocol/generated.ts. */
export function toTypeScript({ enums, structs, envelopes, verbs, hash }) {
  const quoted = (names) => names.map((name) => `'${name}'`);
  const lines = [`// Generated from ${SOURCE} by proto/generate.mjs. Do not edit: change the source, then \`npm run generate\`.`];
  const code = [];
  for (const { name, values } of enums) {
    const notes = values.filter(({ comment }) => comment).map((value) => `\`${value.name}\`: ${value.comment}`);
    const values_ = `${snake(name).slice(1).toUpperCase()}_VALUES`;
    code.push('', ...(notes.length > 0 ? ['/**', ...notes.map((note) => ` * - ${note}`), ' */'] : []));
    const union = values.map((value) => `'${value.name}'`);
    const line = `export type ${name} = ${union.join(' | ')};`;
    if (line.length <= 120) code.push(line);
    else code.push(`export type ${name} =`, ...union.map((v, i) => `  | ${v}${i === union.length - 1 ? ';' : ''}`));
    code.push(`/** Every ${name}, in the order of the source. */`);
    const list = tsLists(`export const ${values_} = [`, quoted(values.map((value) => value.name)), '] as const;');
    code.push(...list, `export const t${name} = tEnum<${name}>('${name}', ${values_});`);
  }
  for (const struct of structs) code.push(...tsStruct(struct));
  for (const { alias, struct } of verbs.flatMap((verb) => [verb.params, verb.result]).filter((part) => part.alias)) {
    code.push('', `export type ${struct} = ${alias};`, `export const t${struct} = t${alias};`);
  }
  code.push('', '/** Any frame between orchestrator and worker; `kind` says which. */');
  code.push(`export type Envelope = ${envelopes.join(' | ')};`);
  code.push('/** The codec of each envelope, by its `kind`. */');
  code.push("export const ENVELOPES: { readonly [K in Envelope['kind']]: Codec<Extract<Envelope, { kind: K }>> } = {");
  code.push(...envelopes.map((name) => `  ${name}: t${name},`), '};');
  code.push('', '/** The types behind each verb. */', 'export interface VerbTypes {');
  for (const verb of verbs) {
    code.push(`  ${verb.name}: { params: ${verb.params.struct}; result: ${verb.result.struct} };`);
  }
  code.push('}', 'export type Verb = keyof VerbTypes;');
  code.push('', '/** What a worker can be asked, one method a verb. */', 'export interface WorkerVerbs {');
  for (const verb of verbs) {
    const { params, result } = verb;
    code.push(...tsDoc(verb.doc, '  '));
    code.push(`  ${camel(verb.name)}(params: ${params.struct}, options?: CallOptions): Promise<${result.struct}>;`);
  }
  code.push('}', '', '/** How a verb travels. `control`: answered during a long call. `errors`: beside those of any verb. */');
  code.push('export interface VerbSpec<P, R> {', '  readonly method: keyof WorkerVerbs;', '  readonly params: Codec<P>;');
  code.push('  readonly result: Codec<R>;', '  readonly control: boolean;', '  readonly progress: boolean;');
  code.push('  readonly errors: readonly ErrorCode[];', '}');
  code.push("export const VERBS: { readonly [V in Verb]: VerbSpec<VerbTypes[V]['params'], VerbTypes[V]['result']> } = {");
  for (const { name, params, result, control, progress, errors } of verbs) {
    code.push(`  ${name}: {`, `    method: '${camel(name)}',`, `    params: t${params.struct},`);
    code.push(`    result: t${result.struct},`, `    control: ${control},`, `    progress: ${progress},`);
    code.push(`    errors: [${quoted(errors).join(', ')}],`, '  },');
  }
  code.push('};', '', '/** sha256 over the names and types above; a peer with another hash is refused. */');
  code.push(`export const PROTOCOL_HASH = '${hash}';`);

  const used = ['tBool', 'tBytes', 'tEnum', 'tEnvelope', 'tF32s', 'tFloat', 'tI32s', 'tInt', 'tList', 'tMap', 'tOptional'];
  const all = [...used, 'tString', 'tStruct', 'tU32s', 'tU8s'];
  const text = code.join('\n');
  const imports = all.filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  lines.push("import type { CallOptions, Codec } from './primitives.ts';");
  lines.push(...tsLists('import {', imports, "} from './primitives.ts';"));
  lines.push('', "export type { CallOptions, Codec } from './primitives.ts';");
  return `${lines.join('\n')}\n${text}\n`;
}

// ---- Python ---------------------------------------------------------------------------------------------------------

const pyType = (type) => {
  const base = type.list
    ? `list[${pyType(type.list)}]`
    : type.map
      ? `dict[str, ${pyType(type.map)}]`
      : (PRIMITIVES[type.name]?.[2] ?? type.name);
  return type.optional ? `${base} | None` : base;
};
const pyDoc = (text) => {
  const safe = text.replaceAll('\\', '\\\\').replaceAll('"""', "'''");
  if (safe.length <= 100) return [`    """${safe}"""`];
  const [first, rest] = /^(.*?\.)\s+(.*)$/s.exec(safe)?.slice(1) ?? [safe, ''];
  const body = rest ? ['', ...wrap(rest, 104).map((line) => `    ${line}`)] : [];
  const head = wrap(first, 100).map((line, i) => (i === 0 ? `    """${line}` : `    ${line}`));
  return [...head, ...body, '    """'];
};

function pyStruct({ name, doc, fields, envelope }) {
  const attributes = fields.flatMap(({ name: field, type, comment }) => {
    const packed = PACKED[type.name] ? [`packed ${PACKED[type.name]}`] : [];
    const note = [...packed, ...(comment ? [comment] : [])].join('; ');
    const line = `    ${snake(field)}: ${pyType(type)}${type.optional ? ' = None' : ''}`;
    if (!note) return [line];
    const noted = `${line}  # ${note}`;
    return noted.length <= 110 ? [noted] : [...wrap(note, 104).map((text) => `    # ${text}`), line];
  });
  const tag = envelope ? `, tag_field="kind", tag="${name}"` : '';
  const text = doc ?? (envelope ? `The ${name} envelope.` : `The ${name} struct.`);
  const body = attributes.length > 0 ? ['', ...attributes] : [];
  return ['', '', `class ${name}(Base, kw_only=True${tag}):`, ...pyDoc(text), ...body];
}

/** The text of py_worker/rzero_worker/protocol.py. */
export function toPython({ enums, structs, envelopes, verbs, hash }) {
  const code = [
    `"""Messages of the worker protocol.`,
    '',
    `Generated from ${SOURCE} by proto/generate.mjs; do not edit, but change the source and \`npm run generate\`.`,
    'Attributes are snake_case here and camelCase on the wire; packed arrays are little-endian bytes (wire.py).',
    '"""',
    '',
    'import sys',
    'from enum import StrEnum',
    'from typing import Annotated',
    '',
    'from msgspec import Meta, Struct',
    '',
    `PROTOCOL_HASH = "${hash}"`,
    '"""sha256 over the names and types below; a peer with another hash is refused."""',
    '',
    'Int = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]',
    '"""An integer that a double holds exactly, since the other side may keep it in one."""',
    '',
    'Float = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]',
    '"""A finite float; NaN and infinities travel in packed arrays only."""',
  ];
  for (const { name, values } of enums) {
    code.push('', '', `class ${name}(StrEnum):`, `    """Values of ${name} on the wire."""`, '');
    for (const value of values) {
      const line = `    ${value.name.toUpperCase()} = "${value.name}"`;
      const noted = value.comment ? `${line}  # ${value.comment}` : line;
      if (noted.length > 110) code.push(...wrap(value.comment, 104).map((text) => `    # ${text}`), line);
      else code.push(noted);
    }
  }
  code.push('', '', 'class Base(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, frozen=True):');
  code.push('    """What all messages share: camelCase on the wire, no unknown fields, absent optionals left out."""');
  for (const struct of structs) code.push(...pyStruct(struct));
  const aliases = verbs.flatMap((verb) => [verb.params, verb.result]).filter((part) => part.alias);
  if (aliases.length > 0) code.push('', '', ...aliases.map(({ struct, alias }) => `${struct} = ${alias}`));
  code.push(...(aliases.length > 0 ? [''] : ['', '']), `Envelope = ${envelopes.join(' | ')}`);
  code.push('"""Any frame between orchestrator and worker; `kind` says which."""');
  code.push('', '', 'class Verb(Struct, frozen=True):');
  code.push('    """How a verb travels. `control`: answered during a long call. `errors`: beside those of any verb."""');
  code.push('', '    name: str', '    params: type[Base]', '    result: type[Base]', '    control: bool');
  code.push('    progress: bool', '    errors: tuple[ErrorCode, ...]', '', '', 'VERBS: dict[str, Verb] = {');
  const bool = (value) => (value ? 'True' : 'False');
  for (const { name, params, result, control, progress, errors } of verbs) {
    const list = errors.map((error) => `ErrorCode.${error.toUpperCase()}`);
    const tuple = `(${list.join(', ')}${list.length === 1 ? ',' : ''})`;
    code.push(`    "${name}": Verb(`, `        name="${name}",`, `        params=${params.struct},`);
    code.push(`        result=${result.struct},`, `        control=${bool(control)},`);
    code.push(`        progress=${bool(progress)},`);
    if (tuple.length + 16 <= 110) code.push(`        errors=${tuple},`);
    else code.push('        errors=(', ...list.map((item) => `            ${item},`), '        ),');
    code.push('    ),');
  }
  code.push('}');
  return `${code.join('\n')}\n`;
}

// ---- command line ---------------------------------------------------------------------------------------------------

/** Generated files by path, relative to the repository root. */
export function generate(text) {
  const spec = readSpec(text);
  return { [TS_FILE]: toTypeScript(spec), [PY_FILE]: toPython(spec) };
}

function current(path) {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return undefined;
  }
}

async function main(options) {
  const text = readFileSync(join(ROOT, SOURCE), 'utf8');
  const files = generate(text);
  const stale = Object.keys(files).filter((path) => current(path) !== files[path]);
  if (options.includes('--check')) {
    for (const path of stale) console.error(`stale: ${path} (run \`npm run generate\`)`);
    return stale.length === 0 ? 0 : 1;
  }
  for (const path of stale) writeFileSync(join(ROOT, path), files[path]);
  for (const path of stale) console.log(`wrote ${path}`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
