import { describe, expect, test } from '@jest/globals';
import { objection } from '../../../ts/publish/gate.ts';

const to = (repository: string, isPrivate = false, kind: 'model' | 'dataset' = 'model') => ({
  repository,
  kind,
  isPrivate,
});

describe('what a licence lets pass', () => {
  test('a free one lets everything', () => {
    expect(objection({ license: 'apache-2.0' }, to('me/solver'))).toBeUndefined();
  });

  test.each([{}, { license: 'unknown' }, { license: 'other' }, { license: 'cc-by-nc-4.0' }, { license: 'acme' }])(
    '%j lets nothing become public just so, and anything be private',
    (licence) => {
      expect(objection(licence, to('me/solver'))).toMatch(/me\/solver would be public[\s\S]*--accept-licence/);
      expect(objection(licence, to('me/solver'))).toMatch(/--private/);
      expect(objection(licence, to('me/solver', true))).toBeUndefined();
    },
  );

  test('what is asked is named, of research licences that they are', () => {
    const message = objection({ license: 'other', name: 'qwen-research' }, to('me/solver'));
    expect(message).toMatch(/Commercial use is not allowed/);
    expect(message).toMatch(/Built with Qwen/);
  });

  test.each([
    ['me/solver', /The name solver does not begin with "Llama"/],
    ['me/my-llama', /The name my-llama does not begin/],
  ])("Llama's name must come first: %s", (repository, message) => {
    expect(objection({ license: 'llama3.2' }, to(repository))).toMatch(message);
  });

  test.each([
    ['llama3.2', 'me/Llama-solver'],
    ['llama3.2', 'me/llama3-solver'],
    ['llama3', 'me/Llama-3-solver'],
  ])('%s: %s is a good name, for a model', (license, repository) => {
    expect(objection({ license }, to(repository))).not.toMatch(/does not begin/);
    expect(objection({ license }, to('me/questions', false, 'dataset'))).not.toMatch(/does not begin/);
  });
});
