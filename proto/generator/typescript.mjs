import { literal } from './interval.mjs';
import { camel, snake, wrap } from './text.mjs';

/** Type and codec of each primitive. */
const PRIMITIVES = {
  bool: ['boolean', 'tBool'],
  string: ['string', 'tString'],
  int: ['number', 'tInt'],
  float: ['number', 'tFloat'],
  bytes: ['Uint8Array', 'tBytes'],
  u8s: ['Uint8Array', 'tU8s'],
  i32s: ['Int32Array', 'tI32s'],
  u32s: ['Uint32Array', 'tU32s'],
  f32s: ['Float32Array', 'tF32s'],
};

/** Module -> what the generated text may import from it. */
const IMPORTS = {
  primitives: 'tBool tBytes tEnum tEnvelope tF32s tFloat tI32s tInt tList tMap tOptional tString tStruct tU32s tU8s',
  ranges: 'tRanged tRangedItems',
};

const docLines = (text, indent = '') => {
  const safe = text.replaceAll('*/', '*\\/');
  if (safe.length + indent.length + 7 <= 120) return [`${indent}/** ${safe} */`];
  return [`${indent}/**`, ...wrap(safe, 117 - indent.length).map((line) => `${indent} * ${line}`), `${indent} */`];
};
const tsType = (type) => {
  if (type.list) return `readonly ${type.list.list ? `(${tsType(type.list)})` : tsType(type.list)}[]`;
  if (type.map) return `Readonly<Record<string, ${tsType(type.map)}>>`;
  return PRIMITIVES[type.name]?.[0] ?? type.name;
};
const tsRange = (range) => {
  const bounds = Object.entries(range).map(([name, bound]) => `${name}: ${literal(bound, ' ** ')}`);
  return bounds.length > 0 ? `{ ${bounds.join(', ')} }` : '{}';
};
const tsCodec = (type) => {
  const { optional, range, items, ...rest } = type;
  if (optional) return `tOptional(${tsCodec({ ...rest, range, items })})`;
  if (range) return `tRanged(${tsCodec({ ...rest, items })}, ${tsRange(range)})`;
  if (items) return `tRangedItems(${tsCodec(rest)}, ${tsRange(items)})`;
  if (type.list) return `tList(${tsCodec(type.list)})`;
  if (type.map) return `tMap(${tsCodec(type.map)})`;
  return PRIMITIVES[type.name]?.[1] ?? `t${type.name}`;
};
/** `head` items `tail` on one line if it fits (with `pad` inside the brackets), else an item a line. */
const spread = (head, items, tail, pad = '') => {
  const line = `${head}${pad}${items.join(', ')}${pad}${tail}`;
  return line.length <= 120 ? [line] : [head, ...items.map((item) => `  ${item},`), tail];
};

function enumLines({ name, values }) {
  const notes = values.filter(({ comment }) => comment).map((value) => ` * - \`${value.name}\`: ${value.comment}`);
  const quoted = values.map((value) => `'${value.name}'`);
  const union = `export type ${name} = ${quoted.join(' | ')};`;
  const constant = `${snake(name).slice(1).toUpperCase()}_VALUES`;
  return [
    '',
    ...(notes.length > 0 ? ['/**', ...notes, ' */'] : [`/** One of {@link ${constant}}. */`]),
    ...(union.length <= 120 ? [union] : [`export type ${name} =`, `${quoted.map((v) => `  | ${v}`).join('\n')};`]),
    `/** Every ${name}, in the order of the source. */`,
    ...spread(`export const ${constant} = [`, quoted, '] as const;'),
    `export const t${name} = tEnum<${name}>('${name}', ${constant});`,
  ];
}

function structLines({ name, doc, fields, envelope }) {
  const body = fields.flatMap((field) => [
    ...(field.comment ? docLines(field.comment, '  ') : []),
    `  ${field.name}${field.type.optional ? '?' : ''}: ${tsType(field.type)};`,
  ]);
  if (envelope) body.unshift(`  kind: '${name}';`);
  const codecs = fields.map((field) => `  ${field.name}: ${tsCodec(field.type)},`);
  const make = `export const t${name} = ${envelope ? 'tEnvelope' : 'tStruct'}<${name}>('${name}', {`;
  const empty = [`export type ${name} = Record<string, never>;`];
  return [
    '',
    ...docLines(doc),
    ...(body.length > 0 ? [`export interface ${name} {`, ...body, '}'] : empty),
    ...(codecs.length > 0 ? [make, ...codecs, '});'] : [`${make}});`]),
  ];
}

const methodLines = ({ name, doc, params, result }) => [
  ...docLines(doc, '  '),
  `  ${camel(name)}(params: ${params.struct}, options?: CallOptions): Promise<${result.struct}>;`,
];

const tableLines = ({ name, params, result, control, progress, repeatable, errors }) => [
  `  ${name}: {`,
  `    method: '${camel(name)}',`,
  `    params: t${params.struct},`,
  `    result: t${result.struct},`,
  `    control: ${control},`,
  `    progress: ${progress},`,
  `    repeatable: ${repeatable},`,
  `    errors: [${errors.map((error) => `'${error}'`).join(', ')}],`,
  '  },',
];

const limitLines = ({ name, value, comment }) => [
  ...(comment ? docLines(comment, '  ') : []),
  `  ${name}: ${literal(value, ' ** ')},`,
];

/** The text of ts/protocol/generated.ts, formatted as the formatter would. */
export function toTypeScript({ limits, enums, structs, envelopes, verbs, hash }) {
  const aliases = verbs.flatMap((verb) => [verb.params, verb.result]).filter((part) => part.alias);
  const code = [
    '',
    '/** Limits that both sides keep to, beside the ranges of the fields. */',
    'export const LIMITS = {',
    ...limits.flatMap(limitLines),
    '} as const;',
    ...enums.flatMap(enumLines),
    ...structs.flatMap(structLines),
    ...aliases.flatMap(({ struct, alias }) => [
      '',
      `export type ${struct} = ${alias};`,
      `export const t${struct} = t${alias};`,
    ]),
    `
/** Any frame between orchestrator and worker; \`kind\` says which. */
export type Envelope = ${envelopes.join(' | ')};
/** The codec of each envelope, by its \`kind\`. */
export const ENVELOPES: { readonly [K in Envelope['kind']]: Codec<Extract<Envelope, { kind: K }>> } = {`,
    ...envelopes.map((name) => `  ${name}: t${name},`),
    `};

/** The types behind each verb. */
export interface VerbTypes {`,
    ...verbs.map((verb) => `  ${verb.name}: { params: ${verb.params.struct}; result: ${verb.result.struct} };`),
    `}
/** A name that \`Request.verb\` may have. */
export type Verb = keyof VerbTypes;

/** What a worker can be asked, one method a verb. */
export interface WorkerVerbs {`,
    ...verbs.flatMap(methodLines),
    `}

/**
 * How a verb travels. \`control\`: answered during a long call. \`progress\`: tells how far it is. \`repeatable\`:
 * asking twice is as asking once. \`errors\`: beside those of any verb.
 */
export interface VerbSpec<P, R> {
  readonly method: keyof WorkerVerbs;
  readonly params: Codec<P>;
  readonly result: Codec<R>;
  readonly control: boolean;
  readonly progress: boolean;
  readonly repeatable: boolean;
  readonly errors: readonly ErrorCode[];
}
/** Every verb, in the order of the source. */
export const VERBS: { readonly [V in Verb]: VerbSpec<VerbTypes[V]['params'], VerbTypes[V]['result']> } = {`,
    ...verbs.flatMap(tableLines),
    `};

/** sha256 over the names, types, ranges and limits above; a peer with another hash is refused. */
export const PROTOCOL_HASH = '${hash}';
`,
  ].join('\n');
  const imports = Object.entries(IMPORTS).flatMap(([module, names]) => {
    const used = names.split(' ').filter((name) => new RegExp(`\\b${name}\\b`).test(code));
    return used.length > 0 ? spread('import {', used, `} from './${module}.ts';`, ' ') : [];
  });
  return [
    '// Generated from proto/protocol.yml by proto/generate.mjs. Do not edit: change the source, then `npm run generate`.',
    "import type { CallOptions, Codec } from './primitives.ts';",
    ...imports,
    '',
    "export type { CallOptions, Codec } from './primitives.ts';",
    code,
  ].join('\n');
}
