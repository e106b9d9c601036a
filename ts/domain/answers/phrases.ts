import { findBoxes } from './boxes.ts';
import { readProse, sentenceEnd } from './prose.ts';
import { firstCluster, lastCluster, mathSpans } from './spans.ts';

/** What announces an answer: `The final answer is`, `**Answer:**`, GSM8K's `####`, an `<answer>` tag. */
const MARK =
  /(?<![A-Za-z])(?:final\s{1,3})?answer(?:\*\*)?(?:\s{1,3}is|\s{0,3}[:=])|#{4}(?!#)|<answer>|(?<![A-Za-z])final\s{1,3}answer(?=\*|\s)/gi;

/** What may stand between a mark and its answer. */
const FILLER = /[\s:*_=~#]|\\\\/y;

/** A unit or the like between a box and the `and` before the next: `\boxed{1} papers and \boxed{2} bins`. */
const BOX_JOINT = String.raw`(?:[A-Za-z()]{1,12}\s+){0,4}`;
const PERCENT = /^\s?\$?(?:\\[)\]])?\s{0,3}(?:\\?%|(?:percent|pct)(?![A-Za-z]))/;

/**
 * The content of the last box, with those before it in the same sentence, and a percent sign or word behind it.
 *
 * @returns null when the last box is unfinished
 */
export function boxedAnswer(text: string): string | null | undefined {
  const { spans, unfinished } = findBoxes(text);
  const box = lastCluster(text, spans, BOX_JOINT);
  if (unfinished || box === undefined) return unfinished ? null : undefined;
  return PERCENT.test(text.slice(box.end, box.end + 20)) ? `${box.content}\\%` : box.content;
}

/** What follows the last mark: a formula there, or the rest of the sentence. */
export function markedAnswer(text: string): string | undefined {
  const marks = [...text.matchAll(MARK)];
  for (const mark of marks.reverse().slice(0, 20)) {
    const answer = answerAt(text, mark.index + mark[0].length);
    if (answer !== '') return answer;
  }
  return undefined;
}

/**
 * What `the final answer is` announces behind the last box, where it is more than words: boxes before it were steps on
 * the way.
 */
export function finalAnswer(text: string): string | undefined {
  const box = findBoxes(text).spans.at(-1);
  const final = [...text.matchAll(/final\s{1,3}answer\s{1,3}is/gi)].at(-1);
  if (box === undefined || final === undefined || final.index < box.end) return undefined;
  const answer = answerAt(text, final.index + final[0].length);
  return /[\d\\]/.test(answer) ? answer : undefined;
}

function answerAt(text: string, from: number): string {
  let start = from;
  for (FILLER.lastIndex = start; FILLER.test(text); FILLER.lastIndex = start) start += text[start] === '\\' ? 2 : 1;
  const near = text.slice(start, start + 4000);
  const spans = /^(?:\$|\\[([]|\\begin)/.test(near) ? mathSpans(near) : [];
  if (spans[0]?.start === 0) return firstCluster(near, spans)?.content ?? '';
  const sentence = text.slice(start, sentenceEnd(text, start)).replace(/[\s*_.,;:]+$/, '');
  return sentence === '' ? '' : readProse(sentence).answer;
}

/** Where a letter stands, the surest place first. `answer is a` is no choice, `answer is (a)` is one. */
const CHOICES = [
  /(?:[Aa]nswer|ANSWER|[Cc]hoice|[Oo]ption)(?:\*\*)?(?:\s{1,3}is|\s{0,3}:)?[\s:*$]{0,6}(?:\\(?:text|textbf|mathrm|mathbf)\{)?(?:\(\s?([A-Ja-j])\s?\)|([A-J])(?![A-Za-z0-9']))/g,
  /\(([A-J])\)/g,
  /(?:^|\n)\s{0,8}(?:\*\*)?\(?([A-J])(?:\)|[.:](?=\s|$)|(?:\*\*)?\s{0,8}(?:\n|$))/g,
  /(?<![A-Za-z0-9\\'])([B-HJ])(?![A-Za-z0-9'=])/g,
];

/**
 * The letter of a multiple choice, A to J: in the last box, after `answer is`, in parentheses, alone on a line, or else the
 * last capital that stands alone (A and I are words then).
 */
export function choiceLetter(text: string): string | null | undefined {
  const boxed = boxedAnswer(text);
  if (boxed === null) return null;
  if (boxed !== undefined) {
    const inside = boxed.replace(/\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}/g, '$1');
    return /^\s*\(?\s*([A-Ja-j])\s*(?:\)|[.:]|$)/.exec(inside)?.[1]?.toUpperCase();
  }
  for (const pattern of CHOICES) {
    const match = [...text.matchAll(pattern)].at(-1);
    const letter = match?.[1] ?? match?.[2];
    if (letter !== undefined) return letter.toUpperCase();
  }
  return undefined;
}
