import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Numbers in [0, 1). */
type Random = () => number;

/** Something that happens to the files of a run while nobody is at it; false where there is nothing it could happen to. */
type Damage = (folder: string, random: Random) => boolean;

/** What may happen to a run's files, by name. None of it may change what the run comes to. */
export const DAMAGES: Readonly<Record<string, Damage>> = {
  'journal-tail-cut': (folder, random) => {
    const file = filesUnder(join(folder, 'journal')).findLast((path) => statSync(path).size > 0);
    if (file === undefined) return false;
    const text = readFileSync(file);
    // Within the last line: that much may be lost by a disk that says it has written what it has not.
    const line = text.length - (text.subarray(0, -1).lastIndexOf(10) + 1);
    truncateSync(file, text.length - 1 - Math.floor(random() * (line - 1)));
    return true;
  },
  'object-flipped': (folder, random) => flipOneOf(filesUnder(join(folder, 'objects')), random),
  'object-gone': (folder, random) => {
    const file = oneOf(filesUnder(join(folder, 'objects')), random);
    if (file !== undefined) rmSync(file);
    return file !== undefined;
  },
  'checkpoint-flipped': (folder, random) =>
    flipOneOf(
      filesUnder(folder).filter((path) => path.includes('/checkpoints/')),
      random,
    ),
  'model-flipped': (folder, random) =>
    flipOneOf(
      filesUnder(folder).filter((path) => path.includes('/models/')),
      random,
    ),
  'records-cut': (folder, random) => {
    const records = filesUnder(folder).filter((path) => /iteration-\d+\/.*\.jsonl$/.test(path));
    const file = oneOf(records, random);
    if (file !== undefined) truncateSync(file, Math.floor(random() * statSync(file).size));
    return file !== undefined;
  },
  'metrics-cut': (folder, random) => {
    const file = join(folder, 'metrics.jsonl');
    if (!existsSync(file)) return false;
    truncateSync(file, Math.floor(random() * statSync(file).size));
    return true;
  },
  'config-gone': (folder) => {
    rmSync(join(folder, 'config.yml'), { force: true });
    return true;
  },
  leftovers: (folder) => {
    const half = join(folder, 'iteration-1', 'models', 'solver');
    if (existsSync(half) || !existsSync(join(folder, 'journal'))) return false;
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, 'model.safetensors'), 'half');
    writeFileSync(join(folder, 'summary.json.tmp'), '{');
    return true;
  },
};

function flipOneOf(paths: readonly string[], random: Random): boolean {
  const path = oneOf(
    paths.filter((one) => statSync(one).size > 0),
    random,
  );
  if (path === undefined) return false;
  const bytes = readFileSync(path);
  const at = Math.floor(random() * bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
  writeFileSync(path, bytes);
  return true;
}

function oneOf<T>(all: readonly T[], random: Random): T | undefined {
  return all[Math.floor(random() * all.length)];
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
