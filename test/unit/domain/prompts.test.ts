import { describe, expect, test } from '@jest/globals';
import { extractAnswer } from '../../../ts/domain/answers/extract.ts';
import { parseQuestion } from '../../../ts/domain/parse.ts';
import {
  CHALLENGER_SYSTEM,
  CHALLENGER_USER,
  challengerConversation,
  SOLVER_SYSTEM,
  solverConversation,
} from '../../../ts/domain/prompts.ts';

describe('prompts', () => {
  test('the Challenger gets its instruction and nothing that varies', () => {
    expect(challengerConversation()).toEqual({
      messages: [
        { role: 'system', content: CHALLENGER_SYSTEM },
        { role: 'user', content: CHALLENGER_USER },
      ],
    });
  });

  test('the Solver gets the question as it is', () => {
    expect(solverConversation('What is 1 + 1?')).toEqual({
      messages: [
        { role: 'system', content: SOLVER_SYSTEM },
        { role: 'user', content: 'What is 1 + 1?' },
      ],
    });
  });

  test('a prefix is a last turn by the assistant, an empty one too', () => {
    expect(solverConversation('Q', 'First').messages.at(-1)).toEqual({ role: 'assistant', content: 'First' });
    expect(solverConversation('Q', '').messages).toHaveLength(3);
  });

  test('ask for the form that the parsers read, with one backslash', () => {
    expect(CHALLENGER_SYSTEM).toContain(' \\boxed{}.');
    expect(CHALLENGER_SYSTEM).not.toContain('\\\\');
    expect(SOLVER_SYSTEM).toBe('Reason step by step, and put the final answer in \\boxed{}.');
  });

  test('an echo of an instruction is no answer', () => {
    expect(extractAnswer(SOLVER_SYSTEM)).toBeNull();
    // The instruction's own tags are a pair; what stands between them is at least no answer.
    expect(parseQuestion(CHALLENGER_SYSTEM)).toEqual({ question: 'and', answer: null });
  });
});
