import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { jsonSchema } from '../../../ts/config/jsonSchema.ts';
import { loadConfig } from '../../../ts/config/load.ts';
import { PRESETS } from '../../../ts/config/presets.ts';

const allows = new Ajv2020({ strict: true, strictTypes: false, allErrors: true }).compile(jsonSchema());

describe('the schema for editors', () => {
  test.each(Object.keys(PRESETS))('allows all that %s comes to', (preset) => {
    expect(allows(loadConfig({ preset }))).toBe(true);
    expect(allows.errors).toBeNull();
  });

  test.each([
    {},
    { preset: 'mock', solver: { steps: 3 } },
    { rewards: { challenger: 'repo-head', solver: 'repo-head' } },
    { rewards: { challenger: './my-reward.mjs' } },
    { rewards: { challenger: { uncertainty: { peak: 0.5 } } } },
  ])('allows part of one: %j', (file) => expect(allows(file)).toBe(true));

  test.each([
    { solver: { step: 3 } },
    { solver: { steps: '3' } },
    { preset: 'papers' },
    { rewards: { challenger: 'my-reward' } },
    { rewards: { solver: './my-reward.mjs' } },
    { worker: { backend: 'jax' } },
  ])('refuses %j, as a run would', (file) => expect(allows(file)).toBe(false));

  test('says of each option what it is', () => {
    const silent: string[] = [];
    const look = (node: Record<string, unknown>, name: string): void => {
      for (const [key, inner] of Object.entries((node.properties ?? {}) as Record<string, Record<string, unknown>>)) {
        const option = name === '' ? key : `${name}.${key}`;
        const group = inner.properties !== undefined || inner.anyOf !== undefined;
        if (!group && inner.description === undefined) silent.push(option);
        look(inner, option);
      }
      for (const one of (node.anyOf ?? []) as Record<string, unknown>[]) look(one, name);
    };
    look(jsonSchema(), '');
    expect(silent).toEqual([]);
  });
});
