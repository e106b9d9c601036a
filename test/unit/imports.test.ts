import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseSync } from '@swc/core';

/** What a folder of ts/ may import from another: anything, or types alone. */
type Reach = 'all' | 'types';

/** Folder -> what it may import, besides itself. Two folders put the parts together; nothing else reaches those. */
const FOLDERS: Readonly<Record<string, Readonly<Record<string, Reach>> | 'all'>> = {
  protocol: {},
  domain: { protocol: 'types' },
  ports: { protocol: 'types' },
  loop: { domain: 'all', ports: 'all', protocol: 'types' },
  secrets: {},
  worker: { ports: 'all', protocol: 'all', secrets: 'all' },
  contract: { ports: 'all', protocol: 'all', worker: 'all' },
  store: { ports: 'all', protocol: 'all', eval: 'all', benchmarks: 'types' },
  log: { ports: 'types', secrets: 'types' },
  config: { domain: 'all', log: 'all' },
  placement: { domain: 'all' },
  launch: { config: 'types' },
  trackers: { ports: 'all', store: 'all', worker: 'all' },
  eval: { domain: 'all', ports: 'all', benchmarks: 'types', judge: 'all', protocol: 'types' },
  benchmarks: { domain: 'all', eval: 'all', protocol: 'types' },
  judge: { domain: 'all', secrets: 'all' },
  paper: { domain: 'all', eval: 'types' },
  page: { domain: 'all', ports: 'all', eval: 'all', store: 'all', report: 'all', status: 'all', config: 'all' },
  doctor: { protocol: 'types', report: 'all', worker: 'all', inspect: 'types' },
  inspect: { domain: 'all', protocol: 'types' },
  report: {
    domain: 'all',
    ports: 'all',
    placement: 'all',
    inspect: 'all',
    protocol: 'types',
    eval: 'types',
    judge: 'types',
    contract: 'types',
    doctor: 'types',
    paper: 'all',
  },
  status: { domain: 'all', ports: 'all', config: 'all', store: 'all', report: 'all' },
  publish: { domain: 'all', eval: 'types', report: 'all', inspect: 'all' },
  simulate: { domain: 'all', ports: 'all', protocol: 'all', loop: 'all', worker: 'all', placement: 'all' },
  completion: {},
  bench: 'all',
  cli: 'all',
  setup: {},
};

/** npm package -> the files (or folders, with a final slash) that may import it. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  msgpackr: ['worker/codec.ts', 'bench/wire/lists.ts'],
  zeromq: ['worker/transport.ts', 'worker/zap.ts', 'worker/keys.ts'],
  execa: ['worker/processGroup.ts', 'worker/foundGpus.ts', 'worker/inspectHere.ts', 'launch/submit.ts'],
  'hyparquet-writer': ['store/parquetFile.ts'],
  hyparquet: ['benchmarks/'],
  'hyparquet-compressors': ['benchmarks/'],
  'csv-parse': ['benchmarks/'],
  uplot: ['page/client/'],
  esbuild: ['page/client/bundle.mjs'],
  pino: ['log/runLog.ts'],
  commander: ['cli/'],
  zod: ['config/'],
  yaml: ['config/', 'publish/', 'launch/', 'benchmarks/'],
  picocolors: ['cli/', 'report/', 'status/'],
};

/** Folder -> the modules of Node it may import; a folder that is not here may import any. */
const BUILTINS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  loop: [],
  ports: [],
  placement: [],
  secrets: [],
  completion: [],
  inspect: [],
  publish: [],
  launch: ['node:path'],
  eval: ['node:crypto'],
};

/** The report's page in the browser, where there is nothing of Node. */
const CLIENT = 'page/client/';

/** Files that may import a name they compute: the set-up starts what it has built, a run loads its user's reward. */
const COMPUTED = ['setup/program.mjs', 'config/rewardModule.ts'];

/**
 * Names that make a result depend on more than its inputs; none may occur in ts/domain. `Math` alone, without
 * `.name` behind it, would let Math.random out under another name.
 */
const IMPURE = new Set([
  'Math',
  'Date',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'crypto',
  'fetch',
]);

interface Import {
  /** As written. */
  from: string;
  typesOnly: boolean;
  /** By `import()`: not before it is reached. */
  later?: true;
}

interface Source {
  imports: Import[];
  /** Impure names and forms that occur in it. */
  impure: string[];
}

type Node = { type?: string; [key: string]: unknown };

/** Read a module: its import and re-export lines, `import()`, types written as `import('x').T`, and impure names. */
function readSource(text: string): Source {
  const imports: Import[] = [];
  const impure = new Set<string>();
  const record = (source: unknown, typesOnly: boolean): void => {
    imports.push({ from: String((source as Node).value), typesOnly });
  };
  const allTypes = (specifiers: unknown): boolean => {
    const list = specifiers as Node[];
    return list.length > 0 && list.every((specifier) => specifier.isTypeOnly === true);
  };
  const visit = (node: Node): void => {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
        if (node.source) record(node.source, node.typeOnly === true || allTypes(node.specifiers));
        return;
      case 'ExportAllDeclaration':
        record(node.source, false);
        return;
      case 'TsImportType':
        record(node.argument, true);
        break;
      case 'CallExpression': {
        if ((node.callee as Node).type === 'Import') {
          const [argument] = node.arguments as { expression: Node }[];
          const written = argument?.expression.type === 'StringLiteral';
          imports.push({
            from: written ? String(argument.expression.value) : '(computed)',
            typesOnly: false,
            later: true,
          });
        }
        break;
      }
      case 'AwaitExpression':
        impure.add('await');
        break;
      case 'ForOfStatement':
        if (node.await) impure.add('await');
        break;
      case 'MemberExpression': {
        const [object, property] = [node.object as Node, node.property as Node];
        if (object.value === 'Math' && (property.value === 'random' || property.type === 'Computed')) {
          impure.add('Math.random');
        }
        // `point.process` is a field and not the global.
        if (object.value !== 'Math') visit(object);
        if (property.type === 'Computed') visit(property);
        return;
      }
      case 'KeyValueProperty':
        visit(node.value as Node);
        if ((node.key as Node).type === 'Computed') visit(node.key as Node);
        return;
      case 'TsPropertySignature':
        if (node.typeAnnotation) visit(node.typeAnnotation as Node);
        return;
      case 'Identifier':
        if (IMPURE.has(String(node.value))) impure.add(String(node.value));
        break;
    }
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) for (const each of child) if (isNode(each)) visit(each);
      if (isNode(child)) visit(child);
    }
  };
  visit(parseSync(text, { syntax: 'typescript', target: 'es2022' }) as unknown as Node);
  return { imports, impure: [...impure] };
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The package of a specifier: '@a/b/c' -> '@a/b', 'zod/v4' -> 'zod'. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** All that breaks the tables above, one line each, for sources by their path below ts/. */
function violations(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const folder = path.split('/')[0] ?? '';
    const row = path.includes('/') ? FOLDERS[folder] : undefined;
    if (row === undefined) {
      found.push(`${path}: lies in no folder of the table`);
      continue;
    }
    const { imports, impure } = readSource(text);
    const edges: string[] = [];
    graph.set(path, edges);
    if (folder === 'domain') found.push(...impure.map((name) => `${path}: uses ${name}`));
    for (const { from, typesOnly } of imports) {
      const wrong = (why: string): number => found.push(`${path}: imports ${from}: ${why}`);
      if (from.startsWith('.')) {
        const target = posix.join(posix.dirname(path), from);
        edges.push(target);
        if (path.startsWith(CLIENT) && !target.startsWith(CLIENT) && !(typesOnly && target === 'page/document.ts'))
          wrong('what runs in a browser imports its siblings, and types of page/document.ts');
        const other = target.split('/')[0] ?? '';
        if (folder === 'setup' && !/^\.\/[\w-]+\.mjs$/.test(from)) wrong('the set-up imports its siblings alone');
        if (!sources.has(target)) {
          if (!(folder === 'setup' && target.startsWith('setup/'))) wrong('there is no such file');
        } else if (other !== folder) {
          const reach = row === 'all' ? 'all' : row[other];
          if (reach === undefined) wrong(`${folder} must not import ${other}`);
          else if (reach === 'types' && !typesOnly) wrong(`${folder} may import types alone from ${other}`);
        }
      } else if (from === '(computed)') {
        if (!COMPUTED.includes(path)) wrong('the name of a module is written out');
      } else if (isBuiltin(from)) {
        if (path.startsWith(CLIENT) && !path.endsWith('.mjs')) wrong('there is no Node in a browser');
        else if (!from.startsWith('node:')) wrong("modules of Node are imported with 'node:'");
        else if (!(BUILTINS[folder]?.includes(from) ?? true)) wrong(`${folder} must not import this module of Node`);
      } else {
        const places = PACKAGES[packageOf(from)] ?? [];
        const allowed = places.some((place) => path === place || (place.endsWith('/') && path.startsWith(place)));
        if (!allowed) wrong(places.length > 0 ? `only in ${places.join(', ')}` : 'this package is not in the table');
      }
    }
  }
  for (const path of graph.keys()) {
    if (!path.startsWith('loop/')) continue;
    const way = wayTo(graph, path, (target) => target.startsWith('eval/'));
    if (way) found.push(`${path}: reaches the answers: ${way.join(' -> ')}`);
  }
  return found;
}

/** The shortest chain of imports (of values or types) from a file to one that is wanted. */
function wayTo(
  graph: ReadonlyMap<string, string[]>,
  start: string,
  isWanted: (path: string) => boolean,
): string[] | undefined {
  const ways = [[start]];
  const seen = new Set([start]);
  for (const way of ways) {
    const last = way.at(-1) ?? start;
    if (isWanted(last)) return way;
    for (const next of graph.get(last) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

const TS = fileURLToPath(new URL('../../ts', import.meta.url));

function repository(): Map<string, string> {
  const files = readdirSync(TS, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  const sources = files.filter((path) => /\.(ts|mjs)$/.test(path));
  return new Map(sources.map((path) => [path, readFileSync(`${TS}/${path}`, 'utf8')]));
}

test('the sources keep to the tables', () => {
  const sources = repository();
  // An empty folder would keep to any table.
  for (const folder of Object.keys(FOLDERS).filter((name) => name !== 'bench')) {
    expect([...sources.keys()].filter((path) => path.startsWith(`${folder}/`))).not.toEqual([]);
  }
  expect(violations(sources)).toEqual([]);
});

test('what the command line loads before it knows the command is light', () => {
  const sources = repository();
  const loaded = new Set(['cli/main.ts']);
  const packages = new Set<string>();
  for (const path of loaded) {
    for (const { from, typesOnly, later } of readSource(sources.get(path) ?? '').imports) {
      if (typesOnly || later) continue;
      if (from.startsWith('.')) loaded.add(posix.join(posix.dirname(path), from));
      else if (!isBuiltin(from)) packages.add(packageOf(from));
    }
  }
  expect([...packages]).toEqual(['commander']);
  expect([...loaded].filter((path) => path.startsWith('cli/commands/')).length).toBeGreaterThan(10);
  // Each folder here is one whose files say names and nothing else.
  expect([...new Set([...loaded].map((path) => path.split('/')[0]))].sort()).toEqual([
    'cli',
    'domain',
    'loop',
    'placement',
    'report',
    'secrets',
  ]);
});

describe('planted violations are found', () => {
  const clean: [string, string][] = [
    ['protocol/generated.ts', 'export interface Hello {}\nexport const PROTOCOL_HASH = 1;'],
    ['domain/vote.ts', "import { type Hello } from '../protocol/generated.ts';\nexport const v = (h: Hello) => h;"],
    [
      'ports/clock.ts',
      "import type { Hello } from '../protocol/generated.ts';\nexport interface Clock { hello: Hello }",
    ],
    ['loop/run.ts', "import { v } from '../domain/vote.ts';\nexport const r = v;"],
    ['eval/exam.ts', "import { createHash } from 'node:crypto';\nexport const answers = createHash;"],
    ['cli/main.ts', "import { Command } from 'commander';\nimport '../loop/run.ts';\nawait import('../eval/exam.ts');"],
    ['setup/run.mjs', "import { spawn } from 'node:child_process';\nimport './other.mjs';"],
    ['setup/other.mjs', ''],
    ['page/document.ts', 'export interface RunDocument {}'],
    ['page/client/client.ts', "import type { RunDocument } from '../document.ts';"],
  ];

  /** The violations of the clean tree with these files added or put in place of others. */
  function plant(...files: [string, string][]): string[] {
    return violations(new Map([...clean, ...files]));
  }

  test('none in the clean tree', () => {
    expect(plant()).toEqual([]);
  });

  test.each([
    ['loop/a.ts', "import { answers } from '../eval/exam.ts';", 'loop must not import eval'],
    ['loop/a.ts', "import type { X } from '../eval/exam.ts';", 'loop must not import eval'],
    ['loop/a.ts', "export { answers } from '../eval/exam.ts';", 'loop must not import eval'],
    ['loop/a.ts', "export * from '../eval/exam.ts';", 'loop must not import eval'],
    ['loop/a.ts', "const f = () => import('../eval/exam.ts');", 'loop must not import eval'],
    ['loop/a.ts', "export type X = import('../eval/exam.ts').X;", 'loop must not import eval'],
    ['loop/a.ts', 'const f = (name) => import(name);', 'the name of a module is written out'],
    ['loop/a.ts', "import { PROTOCOL_HASH } from '../protocol/generated.ts';", 'types alone from protocol'],
    ['loop/a.ts', "import { type Hello, PROTOCOL_HASH } from '../protocol/generated.ts';", 'types alone from protocol'],
    ['ports/a.ts', "import { PROTOCOL_HASH } from '../protocol/generated.ts';", 'types alone from protocol'],
    ['ports/a.ts', "import { v } from '../domain/vote.ts';", 'ports must not import domain'],
    ['protocol/a.ts', "import type { Clock } from '../ports/clock.ts';", 'protocol must not import ports'],
    ['worker/a.ts', "import { v } from '../domain/vote.ts';", 'worker must not import domain'],
    ['store/a.ts', "import { v } from '../domain/vote.ts';", 'store must not import domain'],
    ['config/a.ts', "import type { Clock } from '../ports/clock.ts';", 'config must not import ports'],
    ['eval/a.ts', "import { r } from '../loop/run.ts';", 'eval must not import loop'],
    ['report/a.ts', "import { r } from '../loop/run.ts';", 'report must not import loop'],
    ['report/a.ts', "import '../cli/main.ts';", 'report must not import cli'],
    ['store/a.ts', "import type { X } from '../bench/speed.ts';", 'there is no such file'],
    ['elsewhere/a.ts', '', 'lies in no folder of the table'],
    ['a.ts', '', 'lies in no folder of the table'],
    ['domain/a.ts', "import './absent.ts';", 'there is no such file'],
    ['domain/a.ts', "import { readFileSync } from 'node:fs';", 'domain must not import this module of Node'],
    ['loop/a.ts', "import { join } from 'node:path';", 'loop must not import this module of Node'],
    ['ports/a.ts', "import type { Stats } from 'node:fs';", 'ports must not import this module of Node'],
    ['eval/a.ts', "import { readFileSync } from 'node:fs';", 'eval must not import this module of Node'],
    ['store/a.ts', "import { readFileSync } from 'fs';", "are imported with 'node:'"],
    ['worker/a.ts', "import { pack } from 'msgpackr';", 'only in worker/codec.ts'],
    ['worker/a.ts', "import { Router } from 'zeromq';", 'only in worker/transport.ts'],
    [
      'cli/a.ts',
      "import { execa } from 'execa';",
      'only in worker/processGroup.ts, worker/foundGpus.ts, worker/inspectHere.ts, launch/submit.ts',
    ],
    ['store/a.ts', "import { ByteWriter } from 'hyparquet-writer';", 'only in store/parquetFile.ts'],
    ['config/a.ts', "import { Command } from 'commander';", 'only in cli/'],
    ['cli/a.ts', "import { z } from 'zod/v4';", 'only in config/'],
    ['store/a.ts', "import pc from 'picocolors';", 'only in cli/, report/'],
    ['cli/a.ts', "import _ from 'lodash';", 'this package is not in the table'],
    [
      'setup/a.mjs',
      "import { execa } from 'execa';",
      'only in worker/processGroup.ts, worker/foundGpus.ts, worker/inspectHere.ts, launch/submit.ts',
    ],
    ['setup/a.mjs', "import '../domain/vote.ts';", 'the set-up imports its siblings alone'],
    ['page/client/a.ts', "import { v } from '../../domain/vote.ts';", 'what runs in a browser imports its siblings'],
    ['page/client/a.ts', "import { v } from '../document.ts';", 'what runs in a browser imports its siblings'],
    ['page/client/a.ts', "import { join } from 'node:path';", 'there is no Node in a browser'],
    ['page/a.ts', "import uPlot from 'uplot';", 'only in page/client/'],
  ])('%s: %s', (path, text, expected) => {
    expect(plant([path, text])[0]).toContain(`${path}: `);
    expect(plant([path, text])[0]).toContain(expected);
  });

  test('a way from the loop to the answers through files that may each import what they import', () => {
    const found = plant(
      ['loop/a.ts', "import '../ports/clock.ts';"],
      ['ports/clock.ts', "import './far.ts';"],
      ['ports/far.ts', "import type { X } from '../eval/exam.ts';"],
    );
    expect(found).toContain(
      'loop/a.ts: reaches the answers: loop/a.ts -> ports/clock.ts -> ports/far.ts -> eval/exam.ts',
    );
  });

  test.each([
    ['const x = Math.random();', 'Math.random'],
    ["const x = Math['random']();", 'Math.random'],
    ['const { random } = Math;', 'Math'],
    ['const x = Date.now();', 'Date'],
    ['const x = new Date();', 'Date'],
    ['const x = process.env.HOME;', 'process'],
    ['const f = async (x) => { await x; };', 'await'],
    ['const f = async (x) => { for await (const y of x); };', 'await'],
    ['setTimeout(() => {}, 1);', 'setTimeout'],
    ['const x = { Date };', 'Date'],
  ])('domain: %s', (text, name) => {
    expect(plant(['domain/a.ts', text])).toEqual([`domain/a.ts: uses ${name}`]);
  });

  test('names in texts, comments and fields are not the globals', () => {
    const text = `// no Date, Math.random or await here
const says = 'process and setTimeout';
const point = { Date: 1, process: 2, shuffle: Math.floor };
const sum = point.Date + point.process;
interface Step { process: number }`;
    expect(plant(['domain/a.ts', text])).toEqual([]);
  });
});
