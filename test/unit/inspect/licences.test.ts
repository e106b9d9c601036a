import { describe, expect, test } from '@jest/globals';
import { licenceTerms } from '../../../ts/inspect/licences.ts';

describe('licenceTerms', () => {
  test('a licence that allows any use has demands and no warning', () => {
    expect(licenceTerms('apache-2.0').title).toBe('Apache License 2.0');
    expect(licenceTerms('apache-2.0').demands).not.toEqual([]);
    for (const tag of ['apache-2.0', 'mit', 'cc-by-4.0', 'bsd-3-clause'])
      expect(licenceTerms(tag).warnings).toEqual([]);
  });

  test('case and blanks do not matter', () => {
    expect(licenceTerms(' Apache-2.0 ')).toEqual(licenceTerms('apache-2.0'));
  });

  test.each(['llama3.1', 'llama3.2', 'llama3.3', 'llama4'])('%s: "Built with Llama", and the name begins so', (tag) => {
    const { demands, warnings, namePrefix } = licenceTerms(tag);
    expect(demands.join(' ')).toMatch(/"Built with Llama"/);
    expect(demands.join(' ')).toMatch(/name with "Llama"/);
    expect(namePrefix).toBe('Llama');
    expect(warnings).not.toEqual([]);
  });

  test('Llama 3 has a name of its own, Llama 2 has none', () => {
    expect(licenceTerms('llama3').namePrefix).toBe('Llama 3');
    expect(licenceTerms('llama2').namePrefix).toBeUndefined();
  });

  test.each(['qwen-research', 'cc-by-nc-4.0', 'cc-by-nc-sa-4.0', 'some-nc-licence', 'acme-research'])(
    '%s is not for commercial use',
    (tag) => {
      expect(licenceTerms(tag).warnings.join(' ')).toMatch(/Commercial use is not allowed/);
    },
  );

  test.each([undefined, '', 'unknown', 'other'])('%s: nothing is known, which is a warning', (tag) => {
    const { title, demands, warnings } = licenceTerms(tag);
    expect({ title, demands }).toEqual({ title: 'unknown', demands: [] });
    expect(warnings.join(' ')).toMatch(/may allow nothing/);
  });

  test('a licence that is not in the table is a warning that names it', () => {
    expect(licenceTerms('acme-1.0').warnings).toEqual([expect.stringContaining('"acme-1.0"')]);
    expect(licenceTerms('constructor').title).toBe('constructor');
  });
});
