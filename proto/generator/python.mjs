import { literal } from './interval.mjs';
import { snake, wrap } from './text.mjs';

/** Type of each primitive. */
const PRIMITIVES = {
  bool: 'bool',
  string: 'str',
  int: 'Int',
  float: 'Float',
  bytes: 'bytes',
  u8s: 'bytes',
  i32s: 'bytes',
  u32s: 'bytes',
  f32s: 'bytes',
};
const PACKED = { u8s: 'u8', i32s: 'i32', u32s: 'u32', f32s: 'f32' };
/** Item codes of Python's buffers. */
const TYPECODES = { u8s: 'B', i32s: 'i', u32s: 'I', f32s: 'f' };
const WIDTH = 110;

const pyType = (type) => {
  const item = type.list ?? type.map;
  const base = item ? pyType(item) : (PRIMITIVES[type.name] ?? type.name);
  const whole = type.list ? `list[${base}]` : type.map ? `dict[str, ${base}]` : base;
  return type.optional ? `${whole} | None` : whole;
};

const docText = (text) => text.replaceAll('\\', '\\\\').replaceAll('"', "'");

/** A docstring: on one line if it fits, else the first sentence alone and the rest below. */
const docLines = (text) => {
  const safe = docText(text);
  if (safe.length + 10 <= WIDTH) return [`    """${safe}"""`];
  const [summary, rest] = /^(.*?\.) (.*)$/.exec(safe)?.slice(1) ?? [safe, ''];
  const indent = (lines) => lines.map((line) => `    ${line}`);
  const body = rest ? ['', ...indent(wrap(rest, WIDTH - 4))] : [];
  return [...indent(wrap(`"""${summary}`, WIDTH - 4)), ...body, '    """'];
};

/** A line of a class with its comment behind it, or above it where that is too long. */
const noted = (line, note) => {
  if (!note) return [line];
  if (line.length + note.length + 4 <= WIDTH) return [`${line}  # ${note}`];
  return [...wrap(note, WIDTH - 6).map((text) => `    # ${text}`), line];
};

const enumLines = ({ name, values }) => [
  '',
  '',
  `class ${name}(StrEnum):`,
  `    """Values of ${name} on the wire."""`,
  '',
  ...values.flatMap((value) => noted(`    ${value.name.toUpperCase()} = "${value.name}"`, value.comment)),
];

function structLines({ name, doc, fields, envelope }) {
  const attributes = fields.flatMap(({ name: field, type, comment }) => {
    const packed = PACKED[type.name] ? `packed ${PACKED[type.name]}` : undefined;
    const note = [packed, comment].filter(Boolean).join('; ');
    return noted(`    ${snake(field)}: ${pyType(type)}${type.optional ? ' = None' : ''}`, note);
  });
  const tag = envelope ? `, tag_field="kind", tag="${name}"` : '';
  const body = attributes.length > 0 ? ['', ...attributes] : [];
  return ['', '', `class ${name}(Base, kw_only=True${tag}):`, ...docLines(doc), ...body];
}

const bounds = (range) => Object.entries(range ?? {}).map(([name, bound]) => `${name}=${literal(bound, '**')}`);

/** What is to be checked beside the type: `Range(...)`, or undefined. */
function pyRange(type) {
  const inner = type.list ?? type.map;
  const items = inner ? pyRange(inner) : type.items && `Range(${bounds(type.items).join(', ')})`;
  const code = TYPECODES[type.name] && `packed="${TYPECODES[type.name]}"`;
  const parts = [...bounds(type.range), code, items && `items=${items}`].filter(Boolean);
  return parts.length > 0 ? `Range(${parts.join(', ')})` : undefined;
}

function rangeLines({ name, fields }) {
  const ranges = fields.flatMap((field) => {
    const range = pyRange(field.type);
    return range ? [`        "${snake(field.name)}": ${range},`] : [];
  });
  return ranges.length > 0 ? [`    ${name}: {`, ...ranges, '    },'] : [];
}

const limitLines = ({ name, value, comment }) => [
  '',
  `${snake(name).toUpperCase()} = ${literal(value, '**')}`,
  ...(comment ? [`"""${docText(comment)}"""`] : []),
];

function verbLines({ name, params, result, control, progress, errors }) {
  const codes = errors.map((error) => `ErrorCode.${error.toUpperCase()}`);
  const line = `        errors=(${codes.join(', ')}${codes.length === 1 ? ',' : ''}),`;
  return [
    `    "${name}": Verb(`,
    `        name="${name}",`,
    `        params=${params.struct},`,
    `        result=${result.struct},`,
    `        control=${control ? 'True' : 'False'},`,
    `        progress=${progress ? 'True' : 'False'},`,
    ...(line.length <= WIDTH ? [line] : ['        errors=(', ...codes.map((c) => `            ${c},`), '        ),']),
    '    ),',
  ];
}

/** The text of py_worker/rzero_worker/protocol.py, formatted as the formatter would. */
export function toPython({ limits, enums, structs, envelopes, verbs, hash }) {
  const aliases = verbs.flatMap((verb) => [verb.params, verb.result]).filter((part) => part.alias);
  return [
    `"""Messages of the worker protocol.

Generated from proto/protocol.yml by proto/generate.mjs. Do not edit: change the source, \`npm run generate\`.
Attributes are snake_case here and camelCase on the wire; packed arrays are little-endian bytes (wire.py).
"""

import sys
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

PROTOCOL_HASH = "${hash}"
"""sha256 over the names, types, ranges and limits below; a peer with another hash is refused."""`,
    ...limits.flatMap(limitLines),
    `
Int = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
"""An integer that a double holds exactly, since the other side may keep it in one."""

Float = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
"""A finite float; NaN and infinities travel in packed arrays only."""`,
    ...enums.flatMap(enumLines),
    `

class Base(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What all messages share: camelCase on the wire, no unknown fields, absent optionals left out."""`,
    ...structs.flatMap(structLines),
    '\n',
    ...aliases.map(({ struct, alias }) => `${struct} = ${alias}\n`),
    `Envelope = ${envelopes.join(' | ')}
"""Any frame between orchestrator and worker; \`kind\` says which."""


class Verb(Struct, frozen=True):
    """How a verb travels. \`control\`: answered during a long call. \`errors\`: beside those of any verb."""

    name: str
    params: type[Base]
    result: type[Base]
    control: bool
    progress: bool
    errors: tuple[ErrorCode, ...]


VERBS: dict[str, Verb] = {`,
    ...verbs.flatMap(verbLines),
    `}


class Range(Struct, frozen=True, kw_only=True):
    """Bounds of a number, or of a size: bytes of a string, items of a list, map or packed array."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    packed: str | None = None  # item code of a packed array's buffer
    items: "Range | None" = None  # of each item; one without bounds: a finite number


RANGES: dict[type[Base], dict[str, Range]] = {`,
    ...structs.flatMap(rangeLines),
    '}',
    '"""What is to be checked beside the types, by class and attribute."""\n',
  ].join('\n');
}
