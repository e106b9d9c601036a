/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/**
 * What looks like a secret, wherever it comes from: a worker on another machine may print one that is not known here. What
 * a pattern finds is replaced as a whole; what only tells it apart stands in lookarounds. None backtracks far: a worker
 * may print a megabyte without a space.
 */
const SHAPES: readonly RegExp[] = [
  // Tokens of the Hugging Face hub.
  /\bhf_[A-Za-z0-9]{16,}/,
  // Authorization: Bearer ..., as a header or as a dictionary has it.
  /(?<=\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?)(?:(?:bearer|basic|token)\s+)?[^\s"',}]+/i,
  /(?<=\bbearer\s)[A-Za-z0-9._~+/=-]{8,}/i,
  // https://user:password@host
  /(?<=:\/\/)[^\s/?#"'@]+(?=@)/,
  // WANDB_API_KEY=..., 'HF_TOKEN': '...'
  /(?<=(?:TOKEN|API_KEY|SECRET|SECRET_KEY|ACCESS_KEY|PASSWORD)(?:\s?=\s?|["']\s?:\s?)["']?)[^\s"',}]{6,}/,
  // secret = "...", of a key file.
  /(?<=\bsecret\s?=\s?")[^\s"]{40}(?=")/,
];

/** 40 characters of Z85, alone: half a key pair (proto/README.md), or something else of that length. */
const Z85 = /(?<![\w.\-:+=^!/*?&<>()[\]{}@%$#])[\w.\-:+=^!/*?&<>()[\]{}@%$#]{40}(?![\w.\-:+=^!/*?&<>()[\]{}@%$#])/;

/** A random key has all of these but once in a thousand times; paths, digests and names lack the signs. */
const OF_A_KEY = [/[a-z]/, /[A-Z]/, /[0-9]/, /[\^!*?&<>(){}@%]/];

/**
 * What takes given secrets out of texts, and whatever looks like one.
 *
 * @param secrets as they would stand in a text; empty ones do not count
 */
export function redactor(secrets: readonly string[]): Redact {
  // The longest first: one may begin with another.
  const known = [...new Set(secrets)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
  const literal = known.length === 0 ? undefined : new RegExp(known.map(escaped).join('|'), 'g');
  const shapes = SHAPES.map((shape) => new RegExp(shape, `g${shape.flags}`));
  const keys = new RegExp(Z85, 'g');
  return (text) => {
    let rest = literal === undefined ? text : text.replace(literal, REDACTED);
    for (const shape of shapes) rest = rest.replace(shape, REDACTED);
    return rest.replace(keys, (word) => (OF_A_KEY.every((sign) => sign.test(word)) ? REDACTED : word));
  };
}

/** A text without the given secrets, and without whatever looks like one. */
export function redact(text: string, secrets: readonly string[] = []): string {
  return redactor(secrets)(text);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
