import { extractAnswer } from './answers/extract.ts';

/** What a Challenger's text holds. */
export interface ParsedQuestion {
  /** Trimmed, never blank. */
  question: string;
  /** The Challenger's own box; null when there is none. Labels come from votes, never from here. */
  answer: string | null;
}

/**
 * What counts as a well-formed question:
 * - `strict`: the first innermost pair of tags that holds some text; a box is read behind it and never needed.
 * - `published-reward`: what the published code scores. The last `<question>(.*?)</question>`, which may hold another
 *   opening tag. A missing box passes (its grader calls it "None"); a blank one does not.
 * - `published-questions`: what the published code labels. The same, with a box that closes anywhere in the text.
 */
export const PARSING_RULES = ['strict', 'published-reward', 'published-questions'] as const;
export type ParsingRule = (typeof PARSING_RULES)[number];

const OPEN = '<question>';
const CLOSE = '</question>';
const NO_ECHOES: ReadonlySet<string> = new Set();

/**
 * The question of a Challenger's text. One pass or a few, each linear in the text's length.
 *
 * @param echoes questions that count as none, trimmed: what {@link echoesOf} found in the prompt
 * @returns null when the text is malformed
 */
export function parseQuestion(
  text: string,
  rule: ParsingRule = 'strict',
  echoes: ReadonlySet<string> = NO_ECHOES,
): ParsedQuestion | null {
  if (rule === 'strict') return parseStrictly(text, echoes);
  const question = lastPublished(text, echoes);
  if (question === undefined || question === '') return null;
  const answer = rule === 'published-reward' ? publishedBox(text) : lastClosedBox(text);
  const passes = rule === 'published-reward' ? answer !== '' : answer !== null;
  return passes ? { question, answer } : null;
}

/**
 * What a prompt's own words would be taken for if a model repeated them, such as the `and` of "between <question>
 * and </question>".
 */
export function echoesOf(prompt: string): ReadonlySet<string> {
  const strict = pairs(prompt).map(({ content }) => content);
  return new Set([...strict, ...publishedPairs(prompt)]);
}

function parseStrictly(text: string, echoes: ReadonlySet<string>): ParsedQuestion | null {
  const found = pairs(text, echoes, 1)[0];
  return found === undefined ? null : { question: found.content, answer: extractAnswer(text.slice(found.end)) };
}

/** Pairs of tags with some text and no other question tag in between. Of nested tags the innermost pair counts. */
function pairs(text: string, without = NO_ECHOES, most = Number.POSITIVE_INFINITY): { content: string; end: number }[] {
  const found: { content: string; end: number }[] = [];
  let start = -1;
  for (const tag of text.matchAll(/<(\/?)question>/g)) {
    const end = tag.index + tag[0].length;
    if (tag[1] === '') {
      start = end;
      continue;
    }
    const content = start < 0 ? '' : text.slice(start, tag.index).trim();
    if (content !== '' && !without.has(content)) found.push({ content, end });
    if (found.length === most) break;
    start = -1;
  }
  return found;
}

/** `re.findall('<question>(.*?)</question>', text, re.DOTALL)`, each trimmed. */
function publishedPairs(text: string): string[] {
  const found: string[] = [];
  for (let open = text.indexOf(OPEN); open >= 0; ) {
    const start = open + OPEN.length;
    const close = text.indexOf(CLOSE, start);
    if (close < 0) break;
    found.push(text.slice(start, close).trim());
    open = text.indexOf(OPEN, close + CLOSE.length);
  }
  return found;
}

function lastPublished(text: string, echoes: ReadonlySet<string>): string | undefined {
  return publishedPairs(text).findLast((content) => !echoes.has(content));
}

const BOX = '\\boxed{';

/**
 * The last box as the published code's grader (mathruler 0.1.0) reads it: every brace counts, `\{` too, and a blank
 * box is told from a missing one.
 *
 * @returns '' for a blank box; null where mathruler says "None", when there is no box or the last one never closes
 */
export function publishedBox(text: string): string | null {
  const box = text.lastIndexOf(BOX);
  if (box < 0) return null;
  const start = box + BOX.length;
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return text.slice(start, i).trim();
  }
  return null;
}

/** Of all boxes that close, the one that begins last, '' when it is blank; null when none closes. One pass. */
function lastClosedBox(text: string): string | null {
  const open: number[] = [];
  let from = -1;
  let to = -1;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') {
      // A brace that is no box's is on the stack as -1.
      open.push(text.startsWith(BOX, i + 1 - BOX.length) ? i + 1 : -1);
    } else if (text[i] === '}') {
      const start = open.pop() ?? -1;
      if (start > from) [from, to] = [start, i];
    }
  }
  return from < 0 ? null : text.slice(from, to).trim();
}
