import fc from 'fast-check';

/** Texts of few different words, so that they have much in common; some are empty, some twice in a batch. */
export const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 12 })
  .map((words) => words.join(' '));

/** Questions of one kind that differ in two numbers: near-duplicates with many equal distances. */
const question = fc
  .tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }))
  .map(([a, b]) => `What is the sum of ${a} and twice the number ${b} ?`);

/** Batches in which some texts are alike, up to 40 of them. */
export const batch = fc.array(fc.oneof(text, question), { maxLength: 40 });
