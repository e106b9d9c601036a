#!/usr/bin/env node
// Reads proto/protocol.yml and writes the TypeScript codecs and the Python structs.
// `--fixtures` also packs proto/fixtures/<Type>/<case>.json; `--check` writes nothing and exits 1 naming what is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FixtureError, writeFixtures } from './generator/fixtures.mjs';
import { toPython } from './generator/python.mjs';
import { readSpec, SpecError } from './generator/spec.mjs';
import { toTypeScript } from './generator/typescript.mjs';

const OPTIONS = ['--check', '--fixtures', '--root='];

function current(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** @returns the exit code */
function main(options) {
  const unknown = options.find(
    (option) => !OPTIONS.some((o) => (o.endsWith('=') ? option.startsWith(o) : option === o)),
  );
  if (unknown !== undefined) {
    console.error(`unknown option ${unknown} (allowed: --check, --fixtures, --root=FOLDER)`);
    return 2;
  }
  const given = options.find((option) => option.startsWith('--root='))?.slice('--root='.length);
  const root = given ?? join(dirname(fileURLToPath(import.meta.url)), '..');
  const check = options.includes('--check');

  const spec = readSpec(readFileSync(join(root, 'proto/protocol.yml'), 'utf8'));
  const files = {
    'ts/protocol/generated.ts': toTypeScript(spec),
    'py_worker/rzero_worker/protocol.py': toPython(spec),
  };
  const stale = Object.keys(files).filter((path) => current(join(root, path)) !== files[path]);
  if (!check) for (const path of stale) writeFileSync(join(root, path), files[path]);
  if (check || options.includes('--fixtures')) {
    stale.push(...writeFixtures(spec, join(root, 'proto/fixtures'), { check }).map((path) => relative(root, path)));
  }
  for (const path of stale) {
    if (check) console.error(`stale: ${path} (run \`npm run generate -- --fixtures\`)`);
    else console.log(`wrote ${path}`);
  }
  return check && stale.length > 0 ? 1 : 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SpecError) && !(error instanceof FixtureError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
