import { createHash } from 'node:crypto';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { readInterval, readNumber } from './interval.mjs';
import { camel, pascal, snake } from './text.mjs';

/** The types that need no definition. */
export const PRIMITIVES = ['bool', 'string', 'int', 'float', 'bytes', 'u8s', 'i32s', 'u32s', 'f32s'];
const PACKED = ['u8s', 'i32s', 'u32s', 'f32s'];
/** What an interval may stand behind. */
const RANGED = 'int, float, string, [T], map<T>, u8s, i32s, u32s and f32s';
/** Attribute names that Python keeps for itself, and the envelopes' tag. */
const RESERVED_FIELDS = new Set(
  `kind and as assert async await break class continue def del elif else except finally for from global if import in
   is lambda nonlocal not or pass raise return try while with yield`.split(/\s+/),
);
/** Names that the generated files use themselves. */
const RESERVED_TYPES = new Set(
  `Annotated Base CallOptions Codec Envelope Float Int Meta Range StrEnum Struct Verb VerbSpec VerbTypes
   WorkerVerbs`.split(/\s+/),
);

/** What is wrong with protocol.yml and where. */
export class SpecError extends Error {
  code = 'invalid_protocol';
  constructor(where, problem) {
    super(`proto/protocol.yml: ${where}: ${problem}`);
  }
}

const commentOf = (node) => node?.comment?.trim().replace(/\s+/g, ' ');

/** Entries [key, node, trailing comment] of a YAML mapping, with only the allowed keys when some are given. */
function entries(node, where, allowed) {
  if (node === null || node === undefined) return [];
  if (!isMap(node)) throw new SpecError(where, `expected a mapping, saw ${JSON.stringify(node.toJSON?.() ?? node)}`);
  return node.items.map(({ key, value }) => {
    if (allowed && !allowed.includes(key.value)) {
      throw new SpecError(where, `unknown key "${key.value}" (allowed: ${allowed.join(', ')})`);
    }
    return [String(key.value), value, commentOf(value)];
  });
}

function strings(node, where) {
  if (node === undefined) return [];
  if (!isSeq(node)) throw new SpecError(where, 'expected a list of names');
  return node.items.map((item) => {
    if (!isScalar(item) || typeof item.value !== 'string') throw new SpecError(where, `${item} is not a name`);
    return { name: item.value, comment: commentOf(item) };
  });
}

function child(node, key) {
  return (isMap(node) ? node.get(key, true) : undefined) ?? undefined;
}

function docOf(node, where, otherwise) {
  const doc = child(node, 'doc');
  if (doc === undefined) return otherwise;
  if (typeof doc.value !== 'string') throw new SpecError(where, 'doc must be text');
  return doc.value.trim().replace(/\s+/g, ' ');
}

function flag(node, key, where) {
  const value = child(node, key)?.value ?? false;
  if (typeof value !== 'boolean') throw new SpecError(`${where}.${key}`, `expected true or false, saw ${value}`);
  return value;
}

function readLimits(node) {
  return entries(node, 'limits').map(([name, item, comment]) => {
    const where = `limits.${name}`;
    if (!/^[a-z][A-Za-z0-9]*$/.test(name)) throw new SpecError(where, 'the name of a limit is camelCase');
    const value = readNumber(String(item?.value ?? ''));
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new SpecError(where, `saw "${item?.value}", allowed is a whole number above 0, such as 64 or 2^30`);
    }
    return { name, value, comment };
  });
}

/** Bounds behind a type: { range } of a number or a size, { items } of each item of a packed array. */
function readRange(type, source, { ofItems, text }, where) {
  const fail = (problem) => {
    throw new SpecError(where, `"${source}": ${problem}`);
  };
  const packed = PACKED.includes(type.name);
  const number = type.name === 'int' || type.name === 'float';
  if (ofItems) {
    if (!packed) fail('`of` stands behind a packed array only; the interval of list items is inside the brackets');
    const items = readInterval(text, { whole: type.name !== 'f32s', fail });
    if (Object.keys(items).length === 0 && type.name !== 'f32s') fail('(-inf, inf) leaves nothing out');
    return { items };
  }
  if (!(number || packed || type.name === 'string' || type.list || type.map)) {
    fail(`an interval stands behind ${RANGED} only`);
  }
  const { ge, ...rest } = readInterval(text, { whole: type.name !== 'float', fail });
  if (!number && (ge ?? rest.gt ?? -1) < 0) fail('a size is never below 0, so its interval begins there or above');
  const range = { ...(ge !== undefined && (number || ge > 0) && { ge }), ...rest };
  if (Object.keys(range).length === 0) fail(`the interval "${text}" leaves nothing out`);
  return { range };
}

/** Read and check the text of protocol.yml: { limits, enums, structs, envelopes, verbs, hash }. */
export function readSpec(text) {
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem)
    throw new SpecError(`line ${problem.linePos?.[0].line ?? '?'}`, problem.message.replace(/ at line \d.*/s, ''));
  entries(document.contents, 'top level', ['limits', 'enums', 'structs', 'envelopes', 'verbs']);
  const root = document.contents;
  const limits = readLimits(child(root, 'limits'));
  const enums = [];
  const structs = [];
  const defined = new Map(PRIMITIVES.map((name) => [name, 'primitive']));

  const define = (name, kind, where) => {
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) throw new SpecError(where, `"${name}" is not a PascalCase name`);
    if (RESERVED_TYPES.has(name)) throw new SpecError(where, `the name ${name} is reserved`);
    if (defined.has(name)) throw new SpecError(where, `the name ${name} is used twice`);
    defined.set(name, kind);
  };
  const readType = (source, where) => {
    const ranged = /^(\S.*?)(?:\s+(of))?\s+([[(][^[\]()]*[\])])$/.exec(source);
    if (ranged) {
      const type = readType(ranged[1], where);
      const added = readRange(type, source, { ofItems: ranged[2] !== undefined, text: ranged[3] }, where);
      const twice = Object.keys(added).some((key) => key in type);
      if (twice || type.range) throw new SpecError(where, `"${source}": has an interval too many`);
      return { ...type, ...added };
    }
    const optional = /^(.*)\?$/.exec(source);
    if (optional) {
      const type = readType(optional[1], where);
      if (type.optional) throw new SpecError(where, 'is optional twice');
      return { optional: true, ...type };
    }
    const list = /^\[(.*)\]$/.exec(source);
    if (list) return { list: readItem(list[1], where) };
    const map = /^map<(.*)>$/.exec(source);
    if (map) return { map: readItem(map[1], where) };
    if (/[\s[\]()]/.test(source)) {
      const form = '"int [0, 10)", "[T]? [1, 64]" or "u8s of [0, 1]"';
      throw new SpecError(where, `"${source}" cannot be read; an interval stands behind the type, as in ${form}`);
    }
    if (!defined.has(source) || defined.get(source) === 'verb') {
      const known = [...defined.keys()].filter((name) => defined.get(name) !== 'verb').join(', ');
      throw new SpecError(where, `unknown type "${source}" (defined above it: ${known})`);
    }
    return { name: source, kind: defined.get(source) };
  };
  const readItem = (source, where) => {
    if (/\?(?:$|\s)/.test(source)) throw new SpecError(where, `"${source}": only a whole field can be optional`);
    return readType(source, where);
  };
  const readFields = (node, where) =>
    entries(node, where).map(([name, value, comment]) => {
      const at = `${where}.${name}`;
      if (!/^[a-z][A-Za-z0-9]*$/.test(name)) throw new SpecError(at, 'a field name is camelCase');
      if (camel(snake(name)) !== name) throw new SpecError(at, `does not survive snake_case (${snake(name)})`);
      if (RESERVED_FIELDS.has(snake(name))) throw new SpecError(at, 'is a reserved name');
      if (!isScalar(value) || typeof value.value !== 'string') throw new SpecError(at, 'the type must be a string');
      return { name, type: readType(value.value, at), comment };
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
    const doc = docOf(node, where, `The struct ${name}.`);
    structs.push({ name, doc, fields: readFields(child(node, 'fields'), `${where}.fields`) });
    define(name, 'struct', where);
  }
  const envelopes = strings(child(root, 'envelopes'), 'envelopes').map(({ name }) => name);
  for (const [i, name] of envelopes.entries()) {
    const struct = structs.find((candidate) => candidate.name === name);
    if (!struct) throw new SpecError('envelopes', `"${name}" is not a struct`);
    if (envelopes.indexOf(name) !== i) throw new SpecError('envelopes', `the name ${name} is used twice`);
    struct.envelope = true;
  }
  const codes = enums.find(({ name }) => name === 'ErrorCode')?.values.map(({ name }) => name);
  if (!codes) throw new SpecError('enums', 'has no ErrorCode');
  const verbs = entries(child(root, 'verbs'), 'verbs').map(([name, node]) => {
    const where = `verbs.${name}`;
    if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) throw new SpecError(where, 'a verb is snake_case');
    entries(node, where, ['doc', 'control', 'progress', 'repeatable', 'params', 'result', 'errors']);
    const part = (key, of) => {
      const body = child(node, key);
      const struct = `${pascal(name)}${pascal(key)}`;
      if (body === undefined) throw new SpecError(where, `has no ${key}`);
      if (isScalar(body)) {
        const known = defined.get(body.value) === 'struct' && !envelopes.includes(body.value);
        if (!known) throw new SpecError(`${where}.${key}`, `"${body.value}" is not a struct`);
        define(struct, 'verb', where);
        return { struct, alias: body.value };
      }
      structs.push({ name: struct, doc: `${of} of \`${name}\`.`, fields: readFields(body, `${where}.${key}`) });
      define(struct, 'verb', where);
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
    const progress = flag(node, 'progress', where);
    const repeatable = flag(node, 'repeatable', where);
    const doc = docOf(node, where, `The verb \`${name}\`.`);
    return { name, doc, control, progress, repeatable, params, result, errors };
  });
  const spec = { limits, enums, structs, envelopes, verbs };
  return { ...spec, hash: hashOf(spec) };
}

/** sha256 over everything a peer can observe: names, types with their ranges, limits, order; not docs or comments. */
function hashOf({ limits, enums, structs, envelopes, verbs }) {
  const canonical = {
    limits: limits.map(({ name, value }) => [name, value]),
    enums: enums.map(({ name, values }) => [name, values.map((value) => value.name)]),
    structs: structs.map(({ name, fields }) => [name, fields.map((field) => [field.name, field.type])]),
    envelopes,
    verbs: verbs.map((verb) => [
      verb.name,
      verb.params.alias ?? verb.params.struct,
      verb.result.alias ?? verb.result.struct,
      verb.control,
      verb.progress,
      verb.repeatable,
      verb.errors,
    ]),
  };
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}
