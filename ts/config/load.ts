import { parse, stringify } from 'yaml';
import type { z } from 'zod';
import { nearest } from '../domain/nearest.ts';
import { changesBetween } from './changes.ts';
import { ConfigError } from './errors.ts';
import { configHash } from './hash.ts';
import { PRESETS } from './presets.ts';
import { expandRewards } from './rules.ts';
import { type Config, configSchema } from './schema.ts';

type Tree = { [key: string]: unknown };

/** Where a configuration comes from, weakest first. */
export interface ConfigSources {
  /** A preset's name; a file's own `preset:` is used when this is absent, `embedded` when both are. */
  preset?: string;
  /** A YAML file's text and the name to call it by in errors. */
  file?: { name: string; text: string };
  /** `a.b=c` assignments, in order. */
  sets?: readonly string[];
}

/**
 * Resolve a configuration: preset, then file, then `--set` assignments, each overriding the one before.
 *
 * @throws ConfigError naming the option, the value seen and what is allowed
 */
export function loadConfig({ preset, file, sets = [] }: ConfigSources): Config {
  const fromFile = file === undefined ? {} : readFile(file.name, file.text);
  const name = preset ?? (typeof fromFile.preset === 'string' ? fromFile.preset : 'embedded');
  let tree = layOver(presetValues(name), { ...fromFile, preset: name });
  for (const assignment of sets) tree = layOver(tree, readAssignment(assignment));
  const result = configSchema.safeParse(tree);
  if (!result.success) throw new ConfigError(result.error.issues.map((issue) => explain(issue, tree)).join('\n'));
  return result.data;
}

/** The resolved configuration as YAML, its hash above it, to be saved with a run and loaded again with `--config`. */
export function formatConfig(config: Config): string {
  return `# ${configHash(config)}: the hash of all below that decides a result\n${stringify(config)}`;
}

/** The options in which a configuration differs from its preset: `["solver.steps", 20]`. */
export function beyondPreset(config: Config): [option: string, value: unknown][] {
  const changes = changesBetween(loadConfig({ preset: config.preset }), config);
  return changes.map(({ option, after }) => [option, after]);
}

function presetValues(name: string): Tree {
  const preset = PRESETS[name];
  if (preset === undefined) {
    const hint = nearest(name, Object.keys(PRESETS));
    throw new ConfigError(
      `preset "${name}" does not exist${hint === undefined ? '' : ` (did you mean "${hint}"?)`}; there are: ${Object.keys(PRESETS).join(', ')}`,
    );
  }
  const base = preset.extends === undefined ? {} : presetValues(preset.extends);
  return merge(base, { ...preset.values, preset: name });
}

function readFile(name: string, text: string): Tree {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new ConfigError(`${name} is not YAML: ${(error as Error).message}`);
  }
  if (value === null) return {};
  if (!isTree(value)) throw new ConfigError(`${name} must hold a mapping of options, not ${describe(value)}`);
  return value;
}

function readAssignment(assignment: string): Tree {
  const equals = assignment.indexOf('=');
  if (equals < 1) throw new ConfigError(`--set wants NAME=VALUE such as solver.steps=20, not "${assignment}"`);
  let value: unknown;
  try {
    value = parse(assignment.slice(equals + 1));
  } catch {
    value = assignment.slice(equals + 1);
  }
  return assignment
    .slice(0, equals)
    .split('.')
    .reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree;
}

/** Lay options over others: mappings are merged, everything else is replaced, short forms of rewards stand for the whole. */
function layOver(base: Tree, over: Tree): Tree {
  if (!isTree(over.rewards)) return merge(base, over);
  const rewards = expandRewards(over.rewards, isTree(base.rewards) ? base.rewards : {});
  return merge(base, { ...over, rewards });
}

function merge(base: Tree, over: Tree): Tree {
  const merged: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isTree(old) && isTree(value) ? merge(old, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function explain(issue: z.core.$ZodIssue, tree: Tree): string {
  const at = (path: readonly PropertyKey[]) =>
    path.reduce<unknown>((value, key) => (isTree(value) ? value[String(key)] : undefined), tree);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .map((key) => {
        const known = Object.keys(shapeAt(issue.path));
        const hint = nearest(key, known);
        return `unknown option "${[...issue.path, key].join('.')}"; ${hint === undefined ? `known here: ${known.join(', ')}` : `did you mean "${[...issue.path, hint].join('.')}"?`}`;
      })
      .join('\n');
  }
  return `option "${issue.path.join('.')}" is ${describe(at(issue.path))}: ${allowed(issue)}`;
}

/** The fields that the schema knows at a path. */
function shapeAt(path: readonly PropertyKey[]): object {
  let schema: unknown = configSchema;
  for (const key of path) schema = (schema as { shape: Tree }).shape[String(key)];
  return (schema as { shape: object }).shape;
}

function allowed(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `it must be one of ${issue.values.join(', ')}`;
  if (issue.code === 'too_small') return `it must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
  if (issue.code === 'too_big') return `it must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
  if (issue.code === 'invalid_type')
    return `it must be a ${issue.expected === 'int' ? 'whole number' : issue.expected}`;
  return `it ${issue.message}`;
}

function describe(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
