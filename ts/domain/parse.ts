import { extractAnswer } from './answers/extract.ts';

/** What a Challenger's text holds. */
export interface ParsedQuestion {
  /** Trimmed, never blank, free of question tags. */
  question: string;
  /** The box that follows the question; null when there is none. Reported, never trusted: labels come from votes. */
  answer: string | null;
}

/**
 * The first well-formed question of a text: `<question>`, some non-blank text, `</question>`, with no
 * other question tag in between. Of nested tags the innermost pair counts, so a model that mentions the
 * tag while it thinks is still understood. One pass, linear in the text's length.
 *
 * @returns null when there is no such pair (the format check of the paper's Challenger reward fails)
 */
export function parseQuestion(text: string): ParsedQuestion | null {
  let start = -1;
  for (const tag of text.matchAll(/<(\/?)question>/g)) {
    if (tag[1] === '') {
      start = tag.index + tag[0].length;
      continue;
    }
    const question = start < 0 ? '' : text.slice(start, tag.index).trim();
    if (question !== '') return { question, answer: extractAnswer(text.slice(tag.index + tag[0].length)) };
    start = -1;
  }
  return null;
}
