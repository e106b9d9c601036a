import { expect, test } from '@jest/globals';
import { judgeLicence } from '../../../ts/inspect/judgeLicence.ts';

const card = { id: '', name: '', link: '', file: '', baseModels: [] };

test('a permissive licence is good, with what it asks and where that is written', () => {
  const { status, message } = judgeLicence({ ...card, id: 'apache-2.0', baseModels: ['a/b'] });
  expect(status).toBe('ok');
  expect(message).toMatch(/^Apache License 2\.0, made from a\/b\..*\[https:\/\/www\.apache\.org/);
});

test('one that limits use is a warning with the limits', () => {
  const finding = judgeLicence({ ...card, id: 'llama3.2' });
  expect(finding.status).toBe('warning');
  expect(finding.message).toMatch(/Built with Llama.*llama\.com/s);
  expect(finding.hint).toMatch(/acceptable use policy/);
});

test('of one that is other, its name counts; of one that nobody knows, its link', () => {
  expect(judgeLicence({ ...card, id: 'other', name: 'qwen-research' }).hint).toMatch(/Commercial use is not allowed/);
  const odd = judgeLicence({ ...card, id: 'other', name: 'odd', link: 'https://x.y/L' });
  expect(odd).toMatchObject({ status: 'warning', message: 'odd. [https://x.y/L]' });
});

test('where the card says nothing, a file of the text is named', () => {
  expect(judgeLicence({ ...card, file: 'LICENSE' })).toMatchObject({
    status: 'warning',
    message: 'unknown. [LICENSE]',
  });
});
