import { expect, test } from '@jest/globals';
import { PROTOCOL_HASH, VERBS, type Verb } from '../../../ts/protocol/generated.ts';
import { unpackEnvelope } from '../../../ts/worker/codec.ts';
import { exampleSession, packShown } from '../../fixtures/exampleSession.ts';

const frames = exampleSession();

test('the example session shows a whole life: hello, work, a failure, a repeat, cancel and the end', () => {
  const verbs = new Set(frames.map(({ fields }) => fields.verb).filter((verb) => verb !== undefined));
  for (const verb of [
    'load_model',
    'sample',
    'forward_backward',
    'optim_step',
    'publish_weights',
    'ping',
    'cancel',
    'shutdown',
  ]) {
    expect([...verbs]).toContain(verb);
  }
  for (const verb of verbs) expect(Object.keys(VERBS)).toContain(verb);
  expect(new Set(frames.map(({ kind }) => kind))).toEqual(
    new Set(['Hello', 'Welcome', 'Heartbeat', 'Request', 'Progress', 'Response', 'Failure']),
  );
});

test('its bytes are those of its fields, and the codec reads them', () => {
  const verbs = new Map<number, Verb>();
  for (const frame of frames) {
    const { kind, fields, hex } = frame;
    // The hash stands there shortened: it changes with every change of protocol.yml.
    if ('protocolHash' in fields) expect(fields.protocolHash).toBe('HASH');
    expect({ kind, hex: packShown(frame, verbs).toString('hex') }).toEqual({ kind, hex });
    expect(unpackEnvelope(Buffer.from(hex, 'hex')).kind).toBe(kind);
  }
  expect(PROTOCOL_HASH).not.toBe('HASH');
});

test('requests go one way, their answers the other, once each', () => {
  const open = new Set<unknown>();
  for (const { direction, kind, fields } of frames) {
    expect(direction).toBe(kind === 'Request' || kind === 'Welcome' ? '->' : '<-');
    if (kind === 'Request') open.add(fields.id);
    if (kind === 'Response' || kind === 'Failure') expect(open.delete(fields.id)).toBe(true);
  }
  expect([...open]).toEqual([]);
});
