import type { RoundTrips } from './roundTrips.ts';
import type { messageSizes } from './sizes.ts';
import type { Throughput } from './throughput.ts';

/** Everything that one run of the bench measures. */
export interface WireResults {
  bytesPerToken: ReturnType<typeof messageSizes>;
  milliseconds: RoundTrips;
  throughput: Throughput[];
}

const SIZE_NAMES: Readonly<Record<keyof WireResults['bytesPerToken'], string>> = {
  train: 'batch to train on: tokens, mask, log-probs, advantages',
  trainWithReference: 'the same with reference log-probs',
  sample: 'answer to a sample request, texts included',
};

const CALL_NAMES: Readonly<Record<keyof RoundTrips, string>> = {
  ping: 'ping',
  small: 'forward, 16 tokens',
  forward: 'forward, {tokens} tokens',
  train: 'forward_backward, {tokens} tokens',
};

/** The results as Markdown tables. @param tokens of a large call */
export function formatResults({ bytesPerToken, milliseconds, throughput }: WireResults, tokens: number): string {
  const sizes = Object.entries(bytesPerToken).map(([name, { packed, lists, json }]) => [
    SIZE_NAMES[name as keyof typeof bytesPerToken],
    ...[packed, lists, json].map((bytes) => bytes.toFixed(2)),
  ]);
  const trips = Object.entries(milliseconds).map(([call, { packed, lists, files }]) => [
    CALL_NAMES[call as keyof RoundTrips].replace('{tokens}', grouped(tokens)),
    packed === undefined ? '' : shown(packed.median),
    ...[lists, files].map((other) => comparison(other?.median, packed?.median)),
  ]);
  const rates = throughput.map(({ workers, requestsPerSecond, tokensPerSecond }) => [
    `${workers}`,
    grouped(requestsPerSecond),
    grouped(tokensPerSecond),
  ]);
  return [
    table(['bytes a token', 'packed', 'msgpack lists', 'JSON'], sizes),
    table(['round trip, ms (median)', 'packed', 'msgpack lists', 'HTTP and JSON files'], trips),
    table(['workers', 'requests/s', 'tokens/s'], rates),
  ].join('\n\n');
}

function comparison(other: number | undefined, ours: number | undefined): string {
  if (other === undefined || ours === undefined) return '';
  return `${shown(other)} (${(other / ours).toFixed(1)} x)`;
}

/** Three digits, or all before the point. */
function shown(value: number): string {
  return value >= 100 ? grouped(value) : value.toPrecision(3);
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
