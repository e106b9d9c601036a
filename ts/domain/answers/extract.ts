import { InvalidArgument } from '../errors.ts';
import { boxedAnswer, choiceLetter, finalAnswer, markedAnswer } from './phrases.ts';
import { lastNumber, readProse } from './prose.ts';

/** One way to find an answer. */
export type ExtractionStep = 'final' | 'box' | 'mark' | 'choice' | 'number' | 'read';

/** The rules by name: ways that are tried in this order. */
export const EXTRACTION_RULES = {
  /** The product's own: the last box, and nothing else counts. */
  boxed: ['box'],
  /** The last box, else what follows `the answer is`, `Answer:` or `####`. */
  'boxed-or-text': ['box', 'mark'],
  /** A letter from A to J. */
  choice: ['choice'],
  /** The last number, wherever it stands. */
  'last-number': ['number'],
  /** For texts of unknown make: a box, a marked answer, else the text itself where it is bare, else its last formula or number. */
  any: ['final', 'box', 'mark', 'read'],
} as const satisfies Readonly<Record<string, readonly ExtractionStep[]>>;

/** A rule by name, or steps of your own. */
export type ExtractionRule = keyof typeof EXTRACTION_RULES | readonly ExtractionStep[];

/** What of a text is no answer. */
export interface Echo {
  /** The prompt: cut where the text begins with it. */
  prompt?: string;
  /** A mark such as `<|im_start|>assistant`: all up to its last occurrence is cut. */
  after?: string;
}

/** Characters at the end of a text that are looked at. */
export const MAX_EXTRACTED = 200_000;

/** An answer with the step that found it. */
export interface Extraction {
  answer: string;
  step: ExtractionStep;
  /** The text marks no answer: this is the right-most formula or number among its sentences. */
  guess: boolean;
}

/**
 * The answer that a text gives, by a rule. Linear in the text's length, of which the last 200,000 characters count.
 *
 * - `box`: the last closed `\boxed{...}`, `\fbox{...}` or `\boxed 5`; several joined by commas, `and` or `or` are one
 *   answer: `\boxed{1} and \boxed{2}` is `1, 2`. A last box that is blank or never closes is no answer, and
 *   no other step is tried: an earlier answer was not meant to be the last.
 * - `final`: what follows `the final answer is` behind the last box.
 * - `mark`: what follows the last `answer is`, `Answer:`, `####` or `<answer>`.
 * - `choice`, `number`, `read`: see {@link choiceLetter}, {@link lastNumber}, {@link readProse}.
 *
 * @returns null when there is no answer; never a blank
 * @throws InvalidArgument for a rule or step that does not exist
 */
export function extractAnswer(text: string, rule: ExtractionRule = 'boxed', echo: Echo = {}): string | null {
  return findAnswer(text, rule, echo)?.answer ?? null;
}

/** Like {@link extractAnswer}, with the step. */
export function findAnswer(text: string, rule: ExtractionRule = 'boxed', echo: Echo = {}): Extraction | null {
  const output = withoutEcho(text, echo).slice(-MAX_EXTRACTED);
  for (const step of stepsOf(rule)) {
    const found = STEPS[step](output);
    if (found === null) return null;
    if (found !== undefined && found.answer !== '') return found;
  }
  return null;
}

/** Each step: undefined where the next is to be tried, null where there is no answer at all. */
const STEPS: Readonly<Record<ExtractionStep, (text: string) => Extraction | null | undefined>> = {
  final: (text) => found('final', finalAnswer(text)),
  box: (text) => found('box', boxedAnswer(text)),
  mark: (text) => found('mark', markedAnswer(text)),
  choice: (text) => found('choice', choiceLetter(text)),
  number: (text) => found('number', lastNumber(text)?.content),
  read: (text) => {
    const { answer, guess } = readProse(text);
    return { step: 'read', answer, guess };
  },
};

function found(step: ExtractionStep, answer: string | null | undefined): Extraction | null | undefined {
  return answer === null || answer === undefined ? answer : { step, answer: answer.trim(), guess: false };
}

function stepsOf(rule: ExtractionRule): readonly ExtractionStep[] {
  const steps = typeof rule === 'string' ? (Object.hasOwn(EXTRACTION_RULES, rule) ? EXTRACTION_RULES[rule] : []) : rule;
  const unknown = steps.find((step) => !Object.hasOwn(STEPS, step));
  if (steps.length > 0 && unknown === undefined) return steps;
  throw new InvalidArgument(
    `extraction rule ${JSON.stringify(rule)}: it must be one of ${Object.keys(EXTRACTION_RULES).join(', ')}, or a list of ${Object.keys(STEPS).join(', ')}`,
  );
}

function withoutEcho(text: string, { prompt = '', after = '' }: Echo): string {
  const marker = after === '' ? -1 : text.lastIndexOf(after);
  const output = marker < 0 ? text : text.slice(marker + after.length);
  const [begun, echo] = [output.trimStart(), prompt.trim()];
  return echo !== '' && begun.startsWith(echo) ? begun.slice(echo.length) : output;
}
