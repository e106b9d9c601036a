import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SPEC = readFileSync(join(ROOT, 'proto/protocol.yml'), 'utf8');
const TS = 'ts/protocol/generated.ts';
const PY = 'py_worker/rzero_worker/protocol.py';

/** The generator's modules are plain JavaScript without types. */
interface Spec {
  hash: string;
  structs: { name: string }[];
}
const load = async <T>(name: string): Promise<T> => (await import(join(ROOT, 'proto/generator', `${name}.mjs`))) as T;
const { readSpec } = await load<{ readSpec(text: string): Spec }>('spec');
const { toTypeScript } = await load<{ toTypeScript(spec: Spec): string }>('typescript');
const { toPython } = await load<{ toPython(spec: Spec): string }>('python');
const { packFixture } = await load<{ packFixture(spec: Spec, type: string, value: unknown): Buffer }>('fixtures');

const BASE = `
limits:
  heapBytes: 2^20 # most
enums:
  ErrorCode: [bad, worse] # one
structs:
  Point:
    doc: A place.
    fields: { x: float, label: string? }
envelopes: []
verbs:
  move_to:
    params: { to: Point, steps: "[int]" }
    result: Point
    errors: [bad]
`;

describe('refused, with the place and what is allowed', () => {
  test.each<[string, string, string, string]>([
    [
      'an unknown type',
      'x: float',
      'x: double',
      'structs.Point.fields.x: unknown type "double" (defined above it: bool,',
    ],
    ['an unknown item', '"[int]"', '"[integer]"', 'verbs.move_to.params.steps: unknown type "integer"'],
    ['an unknown map value', '"[int]"', '"map<integer>"', 'verbs.move_to.params.steps: unknown type "integer"'],
    ['a type before its definition', 'x: float', 'x: MoveToParams', 'unknown type "MoveToParams"'],
    [
      'the type of a verb',
      'errors: [bad]',
      'errors: [bad]\n  next: { params: { a: MoveToParams }, result: {} }',
      'verbs.next.params.a: unknown type "MoveToParams"',
    ],
    ['an optional item', '"[int]"', '"[int?]"', '"int?": only a whole field can be optional'],
    [
      'an optional item with a range',
      '"[int]"',
      '"[int? [0, 1]]"',
      '"int? [0, 1]": only a whole field can be optional',
    ],
    [
      'a range of a bool',
      'x: float',
      'x: "bool [0, 1]"',
      '"bool [0, 1]": an interval stands behind int, float, string',
    ],
    ['a range of a struct', 'to: Point', 'to: "Point [0, 1]"', 'an interval stands behind int, float, string'],
    ['a range of opaque bytes', 'x: float', 'x: "bytes [0, 1]"', 'an interval stands behind int, float, string'],
    ['one bound', 'x: float', 'x: "float [1]"', '"float [1]": the interval "[1]" has 1 bounds, not 2'],
    ['three bounds', 'x: float', 'x: "float [1, 2, 3]"', 'the interval "[1, 2, 3]" has 3 bounds, not 2'],
    ['a bound that is no number', 'x: float', 'x: "float [0, ten]"', 'has the bound "ten" (allowed: 3, -0.5, 1e-8,'],
    ['a bound that is missing', 'x: float', 'x: "float [0, ]"', 'has the bound "" (allowed: 3,'],
    ['bounds in wrong order', 'x: float', 'x: "float [2, 1]"', 'the interval "[2, 1]" is empty'],
    ['nothing between two bounds', 'x: float', 'x: "float [1, 1)"', 'the interval "[1, 1)" is empty'],
    ['no whole number between two bounds', 'x: float', 'x: "int (1, 2)"', 'the interval "(1, 2)" is empty'],
    ['infinity included', 'x: float', 'x: "float [0, inf]"', 'the interval "[0, inf]" includes inf; write inf)'],
    ['minus infinity included', 'x: float', 'x: "float [-inf, 0]"', 'includes -inf; write (-inf'],
    ['a fraction of an int', 'x: float', 'x: "int [0.5, 1]"', 'has the bound 0.5; here it is a whole number'],
    ['a fraction of a size', 'string?', '"string [0.5, 1]"', 'has the bound 0.5; here it is a whole number'],
    ['an int beyond the largest', 'x: float', 'x: "int [0, 2^53]"', 'has the bound 9007199254740992; here it is'],
    ['a size below 0', 'string?', '"string [-1, 1]"', 'a size is never below 0'],
    ['a range that leaves nothing out', 'x: float', 'x: "float (-inf, inf)"', 'leaves nothing out'],
    ['a size that leaves nothing out', 'string?', '"string [0, inf)"', 'the interval "[0, inf)" leaves nothing out'],
    ['items that leave nothing out', 'x: float', 'x: "i32s of (-inf, inf)"', '(-inf, inf) leaves nothing out'],
    ['`of` without a packed array', '"[int]"', '"[int] of [0, 1]"', '`of` stands behind a packed array only'],
    ['two ranges', 'x: float', 'x: "float [0, 1] [0, 2]"', '"float [0, 1] [0, 2]": has an interval too many'],
    [
      'a bracket that is open',
      'x: float',
      'x: "float [0, 1"',
      '"float [0, 1" cannot be read; an interval stands behind',
    ],
    ['no space before a range', 'x: float', 'x: "float[0, 1]"', '"float[0, 1]" cannot be read'],
    ['a limit that is no number', '2^20', 'lots', 'limits.heapBytes: saw "lots", allowed is a whole number above 0'],
    ['a limit of 0', '2^20', '0', 'limits.heapBytes: saw "0", allowed is a whole number above 0'],
    ['a limit in snake_case', 'heapBytes', 'heap_bytes', 'limits.heap_bytes: the name of a limit is camelCase'],
    ['twice optional', 'string?', 'string??', 'structs.Point.fields.label: is optional twice'],
    ['a type that is no string', 'x: float', 'x: 3', 'structs.Point.fields.x: the type must be a string'],
    ['a duplicate field', 'x: float', 'x: float, x: int', 'proto/protocol.yml: line 9: Map keys must be unique'],
    ['a duplicate struct', 'envelopes:', '  Point: { fields: {} }\nenvelopes:', 'Map keys must be unique'],
    ['a struct named as an enum', 'Point:', 'ErrorCode:', 'structs.ErrorCode: the name ErrorCode is used twice'],
    [
      'a struct named as a verb part',
      'envelopes:',
      '  MoveToParams: { fields: {} }\nenvelopes:',
      'the name MoveToParams is used twice',
    ],
    ['a struct named as a generated type', 'Point:', 'Envelope:', 'structs.Envelope: the name Envelope is reserved'],
    ['a duplicate enum value', '[bad, worse]', '[bad, bad]', 'enums.ErrorCode: the value bad is used twice'],
    ['an enum without values', '[bad, worse]', '[]', 'enums.ErrorCode: has no values'],
    ['an enum that is no list', '[bad, worse]', 'bad', 'enums.ErrorCode: expected a list of names'],
    ['an unknown error code', 'errors: [bad]', 'errors: [awful]', 'unknown error code "awful" (known: bad, worse)'],
    ['a duplicate error code', 'errors: [bad]', 'errors: [bad, bad]', 'verbs.move_to.errors: bad is named twice'],
    ['no error codes', 'ErrorCode:', 'Codes:', 'enums: has no ErrorCode'],
    ['an unknown envelope', 'envelopes: []', 'envelopes: [Letter]', 'envelopes: "Letter" is not a struct'],
    ['a duplicate envelope', 'envelopes: []', 'envelopes: [Point, Point]', 'envelopes: the name Point is used twice'],
    ['an envelope as a result', 'envelopes: []', 'envelopes: [Point]', 'verbs.move_to.result: "Point" is not a struct'],
    ['a primitive as a result', 'result: Point', 'result: int', 'verbs.move_to.result: "int" is not a struct'],
    ['no result', 'result: Point', 'progress: true', 'verbs.move_to: has no result'],
    [
      'an unknown key of a verb',
      'errors:',
      'error:',
      'unknown key "error" (allowed: doc, control, progress, repeatable, params',
    ],
    ['an unknown key of a struct', 'doc:', 'docs:', 'structs.Point: unknown key "docs" (allowed: doc, fields)'],
    ['an unknown key at the top', 'envelopes:', 'envelope:', 'top level: unknown key "envelope"'],
    [
      'a flag that is no boolean',
      'errors: [bad]',
      'control: 1',
      'verbs.move_to.control: expected true or false, saw 1',
    ],
    ['a snake_case field', 'x: float', 'x_y: float', 'structs.Point.fields.x_y: a field name is camelCase'],
    ['a field lost in snake_case', 'x: float', 'x2Y3_z: float', 'a field name is camelCase'],
    ['a Python word', 'x: float', 'lambda: float', 'structs.Point.fields.lambda: is a reserved name'],
    ['the tag', 'x: float', 'kind: float', 'structs.Point.fields.kind: is a reserved name'],
    ['a camelCase verb', 'move_to:', 'moveTo:', 'verbs.moveTo: a verb is snake_case'],
    ['a lower-case struct', 'Point:', 'point:', 'structs.point: "point" is not a PascalCase name'],
    [
      'a struct that is text',
      'Point:\n    doc: A place.\n    fields: { x: float, label: string? }',
      'Point: text',
      'expected a mapping',
    ],
    ['broken YAML', 'structs:', 'structs: [', 'proto/protocol.yml: line'],
  ])('%s', (_, from, to, message) => {
    expect(BASE).toContain(from);
    expect(() => readSpec(BASE.replace(from, to))).toThrow(message);
    expect(() => readSpec(BASE.replace(from, to))).toThrow(expect.objectContaining({ code: 'invalid_protocol' }));
  });
  test('and the text that they were made from is fine', () => {
    expect(readSpec(BASE).structs.map(({ name }) => name)).toEqual(['Point', 'MoveToParams']);
  });
});

describe('the hash', () => {
  const hash = (from: string, to: string): string => {
    expect(BASE).toContain(from);
    return readSpec(BASE.replace(from, to)).hash;
  };
  test.each([
    ['doc: A place.', 'doc: Elsewhere.'],
    ['# one', '# two'],
    ['fields: { x: float, label: string? }', 'fields:\n      x: float # note\n      label: string?'],
    ['steps: "[int]"', "'steps': '[int]'"],
    ['heapBytes: 2^20 # most', 'heapBytes: 1048576'],
  ])('does not see docs, comments and layout: %s', (from, to) => {
    expect(hash(from, to)).toBe(readSpec(BASE).hash);
  });
  test.each([
    ['x: float', 'y: float'],
    ['x: float', 'x: int'],
    ['string?', 'string'],
    ['bad, worse', 'worse, bad'],
    ['x: float, label: string?', 'label: string?, x: float'],
    ['result: Point', 'result: { x: float, label: string? }'],
    ['errors: [bad]', 'errors: [worse]'],
    ['errors: [bad]', 'progress: true'],
    ['errors: [bad]', 'control: true'],
    ['move_to', 'move'],
    ['"[int]"', '"map<int>"'],
    ['"[int]"', '"[int] [0, 9]"'],
    ['"[int]"', '"[int [0, 9]]"'],
    ['2^20', '2^21'],
    ['heapBytes', 'stackBytes'],
  ])('sees everything that a peer can: %s -> %s', (from, to) => {
    expect(hash(from, to)).not.toBe(readSpec(BASE).hash);
  });
});

describe('the generated text', () => {
  test('carries docs and comments, says that it is generated, and closes no comment early', () => {
    const spec = readSpec(BASE.replace('A place.', 'A "place" */ """ \\ here.').replace('worse] # one', 'worse]'));
    const typescript = toTypeScript(spec);
    expect(typescript).toMatch(/^\/\/ Generated from proto\/protocol.yml by proto\/generate.mjs. Do not edit/);
    expect(typescript).toContain(
      '/** A "place" *\\/ """ \\ here. */\nexport interface Point {\n  x: number;\n  label?: string;\n}',
    );
    expect(typescript).toContain('moveTo(params: MoveToParams, options?: CallOptions): Promise<MoveToResult>;');
    expect(typescript).toContain('export type MoveToResult = Point;');
    const python = toPython(spec);
    expect(python).toContain('Generated from proto/protocol.yml by proto/generate.mjs. Do not edit');
    expect(python).toContain(`    """A 'place' */ ''' \\\\ here."""`);
    expect(python).toContain('    label: str | None = None\n');
  });
  test.each([
    // the type; its codec in TypeScript; its row in Python's table
    ['int [1, 65536]', 'tRanged(tInt, { ge: 1, le: 2 ** 16 })', 'Range(ge=1, le=2**16)'],
    ['float (0, 1]', 'tRanged(tFloat, { gt: 0, le: 1 })', 'Range(gt=0, le=1)'],
    ['float (-inf, 1e-8)', 'tRanged(tFloat, { lt: 1e-8 })', 'Range(lt=1e-8)'],
    ['int [-2^31, 2^31)', 'tRanged(tInt, { ge: -(2 ** 31), lt: 2 ** 31 })', 'Range(ge=-(2**31), lt=2**31)'],
    ['int? [0, inf)', 'tOptional(tRanged(tInt, { ge: 0 }))', 'Range(ge=0)'],
    ['string [1, 256]', 'tRanged(tString, { ge: 1, le: 256 })', 'Range(ge=1, le=256)'],
    ['string [0, 9]', 'tRanged(tString, { le: 9 })', 'Range(le=9)'],
    [
      '[string [1, 8]]? [0, 4]',
      'tOptional(tRanged(tList(tRanged(tString, { ge: 1, le: 8 })), { le: 4 }))',
      'Range(le=4, items=Range(ge=1, le=8))',
    ],
    [
      'map<int [0, 1]> [1, 4]',
      'tRanged(tMap(tRanged(tInt, { ge: 0, le: 1 })), { ge: 1, le: 4 })',
      'Range(ge=1, le=4, items=Range(ge=0, le=1))',
    ],
    [
      'u8s of [0, 1] [0, 9]',
      'tRanged(tRangedItems(tU8s, { ge: 0, le: 1 }), { le: 9 })',
      'Range(le=9, packed="B", items=Range(ge=0, le=1))',
    ],
    ['f32s? of (-inf, inf)', 'tOptional(tRangedItems(tF32s, {}))', 'Range(packed="f", items=Range())'],
  ])('checks the range of %s', (type, codec, row) => {
    const spec = readSpec(BASE.replace('x: float', `x: "${type}"`));
    expect(toTypeScript(spec)).toContain(`\n  x: ${codec},\n`);
    expect(toPython(spec)).toContain(`\n    Point: {\n        "x": ${row},\n    },\n`);
  });
  test('has the limits', () => {
    const spec = readSpec(BASE);
    expect(toTypeScript(spec)).toContain(
      'export const LIMITS = {\n  /** most */\n  heapBytes: 2 ** 20,\n} as const;\n',
    );
    expect(toPython(spec)).toContain('\nHEAP_BYTES = 2**20\n"""most"""\n');
  });
  test('imports only what it uses', () => {
    expect(toTypeScript(readSpec(BASE))).toContain(
      "import { tEnum, tFloat, tInt, tList, tOptional, tString, tStruct } from './primitives.ts';",
    );
  });
});

describe('fixtures that do not fit are refused', () => {
  const spec = readSpec(SPEC);
  const message = { role: 'user', content: 'x' };
  test.each<[string, unknown, string]>([
    ['Message', { role: 'user' }, 'Message.content: saw undefined, expected a string'],
    ['Message', { ...message, x: 1 }, 'Message: saw "x", expected one of role, content'],
    ['Message', { ...message, role: 'boss' }, 'Message.role: saw "boss", expected a Role'],
    ['Progress', { kind: 'Request', id: 1, done: 1, total: 1 }, 'Progress.kind: saw "Request", expected Progress'],
    ['Progress', { kind: 'Progress', id: 1.5, done: 1, total: 1 }, 'Progress.id: saw 1.5, expected an integer'],
    ['ForwardResult', { logprobs: [1] }, 'ForwardResult.logprobs: saw [1], expected {"$f32s": [..]}'],
    ['Nothing', {}, 'Nothing is not a type of the protocol'],
  ])('%s %j', (type, value, problem) => {
    expect(() => packFixture(spec, type, value)).toThrow(problem);
  });
});

describe('the command', () => {
  let folder: string;
  const run = (...options: string[]): { status: number | null; out: string; err: string } => {
    const script = join(ROOT, 'proto/generate.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...options], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return { status, out: stdout, err: stderr };
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rzero-generate-'));
    for (const path of ['ts/protocol', 'py_worker/rzero_worker', 'proto'])
      mkdirSync(join(folder, path), { recursive: true });
    for (const path of ['proto/protocol.yml', 'proto/fixtures', TS, PY]) {
      cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('this repository is up to date', () => {
    expect(run('--check')).toEqual({ status: 0, out: '', err: '' });
  });
  test('--check names each stale file and writes nothing; a run mends them', () => {
    const golden = 'proto/fixtures/PingParams/basic.msgpack';
    writeFileSync(join(folder, TS), '// old\n');
    rmSync(join(folder, PY));
    writeFileSync(join(folder, golden), 'old');
    const stale = run('--check', `--root=${folder}`);
    expect(stale.status).toBe(1);
    expect(
      stale.err
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' ')[1]),
    ).toEqual([TS, PY, golden]);
    expect(readFileSync(join(folder, TS), 'utf8')).toBe('// old\n');

    const mended = run('--fixtures', `--root=${folder}`);
    expect(mended).toEqual({ status: 0, out: `wrote ${TS}\nwrote ${PY}\nwrote ${golden}\n`, err: '' });
    expect(readFileSync(join(folder, TS), 'utf8')).toBe(readFileSync(join(ROOT, TS), 'utf8'));
    expect(run('--check', `--root=${folder}`).status).toBe(0);
    expect(run(`--root=${folder}`).out).toBe('');
  });
  test('a bad source is one line and exit code 1, a bad option exit code 2', () => {
    writeFileSync(join(folder, 'proto/protocol.yml'), SPEC.replace('content: string [0, 2^24]', 'content: text'));
    const bad = run(`--root=${folder}`);
    expect(bad.status).toBe(1);
    expect(bad.err).toMatch(/^proto\/protocol\.yml: structs\.Message\.fields\.content: unknown type "text" .*\n$/);
    expect(run('--chekc')).toEqual({
      status: 2,
      out: '',
      err: 'unknown option --chekc (allowed: --check, --fixtures, --root=FOLDER)\n',
    });
  });
});
