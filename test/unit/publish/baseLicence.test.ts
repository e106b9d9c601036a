import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { licenceOfCard, licenceOfText, termsOf } from '../../../ts/publish/baseLicence.ts';
import { frontMatterOf, withFrontMatter } from '../../../ts/publish/frontMatter.ts';

describe('a card', () => {
  test('what is written into its metadata is read again, whatever it is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,9}$/), fc.string()), fc.string(), (metadata, text) => {
        expect(frontMatterOf(withFrontMatter(metadata, text))).toEqual(metadata);
      }),
    );
  });

  test.each([
    ['none', '# A model'],
    ['one that never ends', '---\nlicense: mit\n'],
    ['no YAML', '---\n{ a: [\n---\n'],
    ['a list', '---\n- license\n---\n'],
  ])('with %s names nothing', (_, card) => {
    expect(licenceOfCard(card)).toEqual({});
  });

  test('names a licence by its tag, or by a name and a link', () => {
    expect(licenceOfCard('---\nlicense: mit\nbase_model: x\n---\n# A model')).toEqual({ license: 'mit' });
    expect(licenceOfCard('---\r\nlicense: [apache-2.0, mit]\r\n---\r\n')).toEqual({ license: 'apache-2.0' });
    const other = { license: 'other', name: 'qwen-research', link: 'LICENSE' };
    expect(licenceOfCard('---\nlicense: other\nlicense_name: qwen-research\nlicense_link: LICENSE\n---\n')).toEqual(
      other,
    );
    expect(termsOf(other).warnings.join()).toMatch(/Commercial use is not allowed/);
  });
});

test.each([
  [
    '                                 Apache License\n                           Version 2.0, January 2004',
    'apache-2.0',
  ],
  ['MIT License\n\nCopyright (c) me\n\nPermission is hereby granted, free of charge, to', 'mit'],
  ['LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\nLlama 3.2 Version Release Date: September 25, 2024', 'llama3.2'],
  ['META LLAMA 3 COMMUNITY LICENSE AGREEMENT', 'llama3'],
  ['Creative Commons Attribution-NonCommercial 4.0 International', 'cc-by-nc-4.0'],
  ['All rights reserved.', undefined],
])('a licence by its text: %j', (text, license) => {
  expect(licenceOfText(text).license).toBe(license);
});
