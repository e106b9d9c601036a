import { addExtension, Packr } from 'msgpackr';
import { ENVELOPES, type Envelope, VERBS, type Verb, type VerbTypes } from '../protocol/generated.ts';
import { type Codec, describe, ProtocolError, WideNumber } from '../protocol/primitives.ts';
import { scan } from './scan.ts';

// `allocate` hands out raw room in the output; returning nothing keeps the extension header away. That is how msgpackr
// writes its own types. The declared type is never on the wire (scan.ts refuses all extensions).
addExtension({
  Class: WideNumber,
  type: 1,
  pack(number: WideNumber, allocate: (size: number) => { targetView: DataView; position: number }) {
    const { targetView, position } = allocate(9);
    if (number.type === 'float') {
      targetView.setUint8(position, 0xcb);
      targetView.setFloat64(position + 1, number.value);
    } else if (number.value >= 0) {
      targetView.setUint8(position, 0xcf);
      targetView.setBigUint64(position + 1, BigInt(number.value));
    } else {
      targetView.setUint8(position, 0xd3);
      targetView.setBigInt64(position + 1, BigInt(number.value));
    }
  },
} as unknown as Parameters<typeof addExtension>[0]);

const packr = new Packr({
  useRecords: false, // else maps become an extension that only msgpackr reads
  variableMapSize: true, // fixmap for small maps, as every other library writes them; no limit of 65,535 keys
  int64AsType: 'auto' as 'number', // (missing in the types) a number where it is exact, else a bigint, which the codecs refuse
  encodeUndefinedAsNil: true, // else an extension
});

/** Pack one value as its codec says. @throws ProtocolError if the value is not one */
export function pack<T>(codec: Codec<T>, value: T): Buffer {
  return packr.pack(codec.encode(value, ''));
}

/**
 * Unpack exactly one value.
 * @param name what the bytes are, for errors that come before the codec knows
 * @throws ProtocolError on bytes that are not well-formed msgpack or do not hold such a value
 */
export function unpack<T>(codec: Codec<T>, bytes: Uint8Array, name = 'message'): T {
  return codec.decode(read(bytes, name), '');
}

function read(bytes: Uint8Array, name: string): unknown {
  scan(bytes, name);
  try {
    return packr.unpack(bytes);
  } catch (error) {
    throw new ProtocolError(name, `cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Pack a frame. `params` and `result` inside it are bytes, packed before by {@link packParams} or {@link packResult}. */
export function packEnvelope(envelope: Envelope): Buffer {
  return pack(envelopeCodec(envelope.kind), envelope);
}

/** Unpack a frame into whichever envelope its `kind` names. `params` and `result` are views of the frame. */
export function unpackEnvelope(frame: Uint8Array): Envelope {
  const wire = read(frame, 'envelope');
  const isMap = typeof wire === 'object' && wire !== null && !Array.isArray(wire) && !ArrayBuffer.isView(wire);
  if (!isMap) throw new ProtocolError('envelope', `saw ${describe(wire)}, expected a map`);
  return envelopeCodec((wire as { kind?: unknown }).kind).decode(wire, '');
}

/**
 * What a frame claims if it is a Hello, of whatever version of the protocol; else undefined.
 * @throws ProtocolError on bytes that are not well-formed msgpack
 */
export function peekHello(frame: Uint8Array): { protocolHash: string; token: string } | undefined {
  // The tag comes first: any other message is recognised by a few bytes.
  if (!HELLO_TAG.every((byte, index) => frame[index + 1] === byte)) return undefined;
  const { protocolHash, token } = read(frame, 'envelope') as { protocolHash?: unknown; token?: unknown };
  return { protocolHash: String(protocolHash), token: typeof token === 'string' ? token : '' };
}

/** `kind: Hello` as it stands behind the header of the map, in the order that proto/README.md prescribes. */
const HELLO_TAG = packr.pack({ kind: 'Hello' }).subarray(1);

function envelopeCodec(kind: unknown): Codec<Envelope> {
  if (typeof kind === 'string' && Object.hasOwn(ENVELOPES, kind)) {
    return ENVELOPES[kind as Envelope['kind']] as unknown as Codec<Envelope>;
  }
  throw new ProtocolError(
    'envelope.kind',
    `saw ${describe(kind)}, expected one of ${Object.keys(ENVELOPES).join(', ')}`,
  );
}

/** Pack the params of a verb for `Request.params`. */
export function packParams<V extends Verb>(verb: V, params: VerbTypes[V]['params']): Buffer {
  return pack(VERBS[verb].params, params);
}

/** Unpack `Request.params`. */
export function unpackParams<V extends Verb>(verb: V, bytes: Uint8Array): VerbTypes[V]['params'] {
  return unpack(VERBS[verb].params, bytes, `${verb} params`);
}

/** Pack the result of a verb for `Response.result`. */
export function packResult<V extends Verb>(verb: V, result: VerbTypes[V]['result']): Buffer {
  return pack(VERBS[verb].result, result);
}

/** Unpack `Response.result`. */
export function unpackResult<V extends Verb>(verb: V, bytes: Uint8Array): VerbTypes[V]['result'] {
  return unpack(VERBS[verb].result, bytes, `${verb} result`);
}
