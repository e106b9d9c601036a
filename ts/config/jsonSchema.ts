import { z } from 'zod';
import { METHODS } from '../domain/published.ts';
import { PRESETS } from './presets.ts';
import { configSchema } from './schema.ts';

type Node = { [key: string]: unknown };

/**
 * The schema of a configuration file, for editors: JSON Schema 2020-12. A file lies over a preset, so nothing in it is
 * required; rules of rewards have their short forms. What zod's refinements say of two options together is not in it.
 */
export function jsonSchema(): Node {
  const whole = optional(z.toJSONSchema(configSchema)) as Node;
  const properties = whole.properties as Record<string, Node>;
  const rewards = properties.rewards?.properties as Record<string, Node>;
  const methods = Object.keys(METHODS);
  const module = { type: 'string', pattern: '\\.[cm]?[jt]s$', description: 'a module of your own: ./my-reward.mjs' };
  const short = { enum: methods, description: 'the rule of a published method' };
  const presets = Object.entries(PRESETS).map(([name, { summary }]) => ({ const: name, description: summary }));
  return {
    ...whole,
    title: 'rzero configuration',
    description: 'Options over a preset; `rzero run --config FILE` takes it.',
    properties: {
      ...properties,
      preset: { ...properties.preset, oneOf: presets },
      rewards: {
        ...properties.rewards,
        properties: {
          challenger: { anyOf: [short, module, rewards.challenger] },
          solver: { anyOf: [short, rewards.solver] },
        },
      },
    },
  };
}

/** The same without a word on what must be there. */
function optional(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(optional);
  if (typeof node !== 'object' || node === null) return node;
  const { required, ...rest } = node as Node;
  // An option may be called `required`; the keyword is a list.
  const kept = required === undefined || Array.isArray(required) ? rest : { ...rest, required };
  return Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, optional(value)]));
}
