import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AddressError, LOOPBACK, parseListenAddress } from '../../../ts/worker/address.ts';

describe('addresses of this machine alone', () => {
  test.each([LOOPBACK, 'tcp://127.0.0.1:5555', 'tcp://127.9.8.7:1', 'tcp://[::1]:5555', 'tcp://[0:0:0:0:0:0:0:1]:*'])(
    '%s',
    (text) => {
      expect(parseListenAddress(text)).toEqual({
        endpoint: text,
        path: undefined,
        ipv6: text.includes('['),
        leavesMachine: false,
      });
    },
  );

  test('localhost is the loopback address, whatever a resolver says', () => {
    expect(parseListenAddress('tcp://localhost:80')).toMatchObject({
      endpoint: 'tcp://127.0.0.1:80',
      leavesMachine: false,
    });
  });

  test('an ipc path', () => {
    expect(parseListenAddress('ipc:///run/rzero.sock')).toEqual({
      endpoint: 'ipc:///run/rzero.sock',
      path: '/run/rzero.sock',
      ipv6: false,
      leavesMachine: false,
    });
  });
});

describe('addresses that others can reach', () => {
  test.each([
    'tcp://0.0.0.0:5555',
    'tcp://0.0.0.0:*',
    'tcp://10.0.0.7:65535',
    'tcp://[::]:5555',
    'tcp://[fe80::1%eth0]:5555',
    'tcp://node-7.cluster:5555',
    'tcp://ib0:5555',
    'tcp://lo:5555',
    'tcp://localhost.example.org:5555',
  ])('%s', (text) => {
    expect(parseListenAddress(text)).toMatchObject({ endpoint: text, leavesMachine: true });
  });
});

test.each([
  ['', 'nothing'],
  ['127.0.0.1:5555', 'no transport'],
  ['tcp://127.0.0.1', 'no port'],
  ['tcp://127.0.0.1:', 'an empty port'],
  ['tcp://127.0.0.1:0', 'port 0'],
  ['tcp://127.0.0.1:65536', 'a port that ZeroMQ takes for port 0'],
  ['tcp://127.0.0.1:99999', 'a port that ZeroMQ takes for 34463'],
  ['tcp://127.0.0.1:+5', 'a port that is no number'],
  ['tcp://127.0.0.1:5555 ', 'a space'],
  ['tcp://127.0.0.1:5555/x', 'a path'],
  ['tcp://:5555', 'no host'],
  ['tcp://*:5555', 'a star for a host'],
  ['tcp://127.1:5555', 'a short spelling'],
  ['tcp://2130706433:5555', 'a number for a host'],
  ['tcp://0x7f.0.0.1:5555', 'a hexadecimal host'],
  ['tcp://::1:5555', 'IPv6 without brackets'],
  ['tcp://[127.0.0.1]:5555', 'IPv4 in brackets'],
  ['tcp://[]:5555', 'empty brackets'],
  ['tcp://eth0;10.0.0.1:5555', 'a source address'],
  ['TCP://127.0.0.1:5555', 'capitals'],
  ['ipc://relative', 'a relative path'],
  ['ipc://', 'no path'],
  ['ipc:///', 'the root'],
  ['ipc:///run/', 'a folder'],
  ['ipc://@abstract', 'an abstract socket, which is no file'],
  ['ipc://*', 'any path'],
  [`ipc:///${'x'.repeat(103)}`, 'a path that is too long'],
  ['inproc://here', 'another transport'],
  ['pgm://eth0;239.1.1.1:5555', 'yet another'],
])('refused: %j (%s)', (text) => {
  expect(() => parseListenAddress(text)).toThrow(AddressError);
  expect(() => parseListenAddress(text)).toThrow(
    `address ${JSON.stringify(text)}: allowed is tcp://HOST:PORT or ipc:///PATH`,
  );
});

test('a path of 103 bytes is the longest, counted in bytes', () => {
  expect(parseListenAddress(`ipc:///${'x'.repeat(102)}`).path).toHaveLength(103);
  expect(() => parseListenAddress(`ipc:///${'ü'.repeat(52)}`)).toThrow(AddressError);
});

test('property: an IPv4 address stays on the machine exactly when it starts with 127', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.nat(0xffffff).map(loopbackOf)),
      fc.integer({ min: 1, max: 65_535 }),
      (ip, port) => {
        expect(parseListenAddress(`tcp://${ip}:${port}`).leavesMachine).toBe(!ip.startsWith('127.'));
      },
    ),
  );
});

test('property: whatever the text, it is read or refused with our error', () => {
  const tail = fc.string({ unit: fc.constantFrom(...'0159.:*[]%/@;ab ') });
  const text = fc.tuple(fc.constantFrom('tcp://', 'ipc://', 'ipc:///', ''), fc.oneof(tail, fc.string()));
  fc.assert(
    fc.property(text, ([head, rest]) => {
      try {
        expect(parseListenAddress(head + rest).endpoint).toMatch(/^(tcp:\/\/.+:(\d+|\*)|ipc:\/\/\/.*)$/s);
      } catch (error) {
        expect(error).toBeInstanceOf(AddressError);
      }
    }),
  );
});

function loopbackOf(rest: number): string {
  return `127.${rest >> 16}.${(rest >> 8) & 255}.${rest & 255}`;
}
