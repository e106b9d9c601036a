/** Characters that one value may take in a report. */
const LONGEST = 160;
/** Items of a list that are shown. */
const ITEMS = 6;

/** A value as a person reads it in one line: fractions to 8 digits, long lists and texts cut, packed arrays by their type. */
export function show(value: unknown): string {
  if (typeof value === 'string') return cut(JSON.stringify(value), 60);
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(8)));
  if (value instanceof Error) return showError(value);
  if (ArrayBuffer.isView(value)) return showPacked(value as unknown as ArrayLike<number> & ArrayBufferView);
  if (Array.isArray(value)) return cut(`[${some(value)}]`, LONGEST);
  if (isTurn(value)) return `${value.role} ${show(value.content)}`;
  if (isConversation(value)) return value.messages.map(show).join(' / ');
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return cut(`{${fields.map(([name, field]) => `${name}: ${show(field)}`).join(', ')}}`, 2 * LONGEST);
  }
  return String(value);
}

/** Conversations are most of what is sent: they are shown as `user "17+25" / assistant "4"`. */
function isConversation(value: unknown): value is { messages: unknown[] } {
  return typeof value === 'object' && value !== null && 'messages' in value && Array.isArray(value.messages);
}

function isTurn(value: unknown): value is { role: string; content: string } {
  return typeof value === 'object' && value !== null && 'role' in value && 'content' in value;
}

/** An error by its code, which is what the protocol promises, and its message. */
export function showError(error: Error): string {
  const code = 'code' in error ? String(error.code) : error.name;
  return `${code}: ${cut(error.message, 2 * LONGEST)}`;
}

function showPacked(array: ArrayLike<number> & ArrayBufferView): string {
  const name = array.constructor.name.replace(/Array$/, '');
  return `${name}[${array.length}] (${some(Array.from({ length: Math.min(array.length, ITEMS + 1) }, (_, i) => array[i]))})`;
}

function some(items: readonly unknown[]): string {
  const shown = items.slice(0, ITEMS).map(show);
  return (items.length > ITEMS ? [...shown, '...'] : shown).join(', ');
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 3)}...` : text;
}
