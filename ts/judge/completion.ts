/** What a model said in answer to a chat. */
export interface Completion {
  text: string;
  /** It was cut at the most tokens allowed. */
  cutOff: boolean;
  /** Tokens that it took, as far as the server tells. */
  tokens: { prompt: number; completion: number };
}

/** @returns undefined where the text is no chat completion */
export function readCompletion(text: string): Completion | undefined {
  const body = parse(text);
  const choice = fieldOf(body, 'choices', '0');
  const message = fieldOf(choice, 'message');
  if (typeof message !== 'object' || message === null) return undefined;
  const content = fieldOf(message, 'content');
  const count = (name: string): number => {
    const value = fieldOf(body, 'usage', name);
    return typeof value === 'number' && value >= 0 ? value : 0;
  };
  return {
    // Nothing was said where it is null: a model that refuses, or one that did not come to an end of thinking.
    text: typeof content === 'string' ? content : '',
    cutOff: fieldOf(choice, 'finish_reason') === 'length',
    tokens: { prompt: count('prompt_tokens'), completion: count('completion_tokens') },
  };
}

/** What a server says of an error: `{"error": {"message"}}`, `{"error": "..."}`, `{"message"}`, or else its text as it is. */
export function readErrorMessage(text: string): string {
  const body = parse(text);
  const candidates = [fieldOf(body, 'error', 'message'), fieldOf(body, 'error'), fieldOf(body, 'message')];
  return candidates.find((each) => typeof each === 'string') ?? text;
}

/** Whether what a server says of an error is that it does not have the model. */
export function isAboutModel(text: string): boolean {
  const code = fieldOf(parse(text), 'error', 'code');
  if (code === 'model_not_found') return true;
  return /\bmodel\b.{0,200}?\b(?:does not exist|not found|not available)\b|\b(?:unknown|invalid|no such) model\b/is.test(
    readErrorMessage(text),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A field of a field of a value of unknown make. */
function fieldOf(value: unknown, ...names: string[]): unknown {
  let here = value;
  for (const name of names) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}
