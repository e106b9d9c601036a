import type { Message, Role } from '../../protocol/generated.ts';

/** The vocabulary: the 256 bytes, an end token and one for each role. */
export const END = 256;
const ROLE_TOKENS: Readonly<Record<Role, number>> = { system: 257, user: 258, assistant: 259 };
export const VOCABULARY = 260;

const encoder = new TextEncoder();
// It would drop a byte order mark that the text begins with.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Turns as tokens, each `<role> bytes`; then the reply is opened, unless a last turn by the assistant has done so. */
export function encodeConversation(messages: readonly Message[]): number[] {
  const tokens: number[] = [];
  messages.forEach(({ role, content }, index) => {
    tokens.push(ROLE_TOKENS[role]);
    // One by one: a long content has more bytes than a call may have arguments.
    for (const byte of encoder.encode(content)) tokens.push(byte);
    if (role === 'assistant' && index < messages.length - 1) tokens.push(END);
  });
  if (messages.at(-1)?.role !== 'assistant') tokens.push(ROLE_TOKENS.assistant);
  return tokens;
}

/** What {@link encodeConversation} encodes, its special tokens in angle brackets. */
export function renderConversation(messages: readonly Message[]): string {
  const turns = messages.map(({ role, content }, index) => {
    const ends = role === 'assistant' && index < messages.length - 1;
    return `<${role}>${content}${ends ? '<end>' : ''}`;
  });
  return turns.join('') + (messages.at(-1)?.role === 'assistant' ? '' : '<assistant>');
}

/** Whether a token is a byte of text. */
export function isByte(token: number): boolean {
  return token < END;
}

/** The bytes among the tokens as text; what is no UTF-8 shows as U+FFFD. */
export function decode(tokens: readonly number[]): string {
  return decoder.decode(Uint8Array.from(tokens.filter(isByte)));
}
