import { sameAnswer } from '../domain/answers/compare.ts';
import { extractAnswer } from '../domain/answers/extract.ts';
import { InvalidArgument } from '../domain/errors.ts';
import { mean } from '../domain/statistics.ts';
import { majorityVote } from '../domain/vote.ts';
import type { Exam } from '../ports/exam.ts';
import { evaluateQuestion, heldOutQuestions } from './arithmetic.ts';

/**
 * The held-out exam of the embedded domain: chains of two-digit arithmetic that no base text contains.
 *
 * @param problems number of questions, 1 to 1000
 * @param seed of the exam; not the run's, so that runs of different seeds sit the same one
 */
export function createArithmeticExam(problems: number, seed = 0): Exam {
  const questions = heldOutQuestions(problems, seed);
  const truths = questions.map((question) => evaluateQuestion(question) ?? '');
  const truthOf = (index: number) => truths[index] ?? '';
  return {
    name: 'two-digit arithmetic chains',
    questions,
    workedPrefix: 'Step by step: ',
    grade(responses) {
      checkLength(responses, questions);
      return responses.map((texts, index) => texts.map((text) => isRight(extractAnswer(text), truthOf(index))));
    },
    gradeMajority(responses) {
      checkLength(responses, questions);
      return responses.map((texts, index) =>
        isRight(majorityVote(texts.map((text) => extractAnswer(text))).label, truthOf(index)),
      );
    },
    labelAccuracy(labelled) {
      const right = labelled.map(({ question, label }) => {
        const truth = evaluateQuestion(question);
        return truth !== null && isRight(label, truth);
      });
      return mean(right.map(Number));
    },
  };
}

function isRight(answer: string | null, truth: string): boolean {
  return answer !== null && sameAnswer(answer, truth);
}

function checkLength(responses: readonly unknown[], questions: readonly string[]): void {
  if (responses.length !== questions.length) {
    throw new InvalidArgument(`exam: responses to ${responses.length} questions, allowed are ${questions.length}`);
  }
}
