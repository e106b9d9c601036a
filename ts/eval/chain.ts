/** One step of a chain, as it is asked. */
export interface Step {
  readonly operator: 'add' | 'subtract' | 'multiply';
  /** 1..9; 2..9 for multiply. */
  readonly operand: number;
}

/** A chain of two-digit arithmetic: a start (10..99) and 1 to 12 steps, each taken modulo 100. */
export interface Chain {
  readonly start: number;
  readonly steps: readonly Step[];
}

/** Most steps a well-posed chain has. */
export const MAX_STEPS = 12;

const OPENING = 'Keep only the last two digits. Start with ';
const PHRASES = { add: 'Add ', subtract: 'Subtract ', multiply: 'Multiply by ' } as const;
const OPERATORS = { Add: 'add', Subtract: 'subtract', 'Multiply by': 'multiply' } as const;
const WHOLE = new RegExp(`^${OPENING.replace('.', '\\.')}([1-9][0-9])(.+)\\.$`);
const STEP = /\. \(([0-9]+)\) (Add|Subtract|Multiply by) ([0-9])/y;

/** The question as a person reads it. The inverse of `parseChain`. */
export function chainText(chain: Chain): string {
  const steps = chain.steps.map(({ operator, operand }, index) => `. (${index + 1}) ${PHRASES[operator]}${operand}`);
  return `${OPENING}${String(chain.start).padStart(2, '0')}${steps.join('')}.`;
}

/**
 * Read a question back. The grammar is strict, because whatever it lets through counts as a well-posed
 * problem: one spelling, labels (1), (2), ... in order, 1 to 12 steps, operands in range.
 *
 * @returns null when the text is not exactly one well-posed problem
 */
export function parseChain(text: string): Chain | null {
  const [, start, body] = WHOLE.exec(text) ?? [];
  if (start === undefined || body === undefined) return null;
  const steps: Step[] = [];
  let position = 0;
  while (position < body.length) {
    STEP.lastIndex = position;
    const match = STEP.exec(body);
    if (!match) return null;
    const operator = OPERATORS[match[2] as keyof typeof OPERATORS];
    const operand = Number(match[3]);
    if (match[1] !== String(steps.length + 1)) return null;
    if (operand < (operator === 'multiply' ? 2 : 1)) return null;
    steps.push({ operator, operand });
    position = STEP.lastIndex;
  }
  return steps.length <= MAX_STEPS ? { start: Number(start), steps } : null;
}

/** The value after the last step, 0..99: what the question asks for. */
export function chainValue(chain: Chain): number {
  return chain.steps.reduce((value, step) => applyStep(value, step), chain.start);
}

function applyStep(value: number, { operator, operand }: Step): number {
  if (operator === 'add') return (value + operand) % 100;
  if (operator === 'subtract') return (value - operand + 100) % 100;
  return (value * operand) % 100;
}
