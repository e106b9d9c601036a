/**
 * What counts as the same beyond equal values. Graders differ in these, so each is an option with a name.
 *
 * The rules for numbers need none: exact numbers (integers, fractions, roots, decimals) are equal when their values
 * are, to the last digit.
 */
export interface AnswerPolicy {
  /**
   * A decimal of at least so many significant digits, and of two thirds as many places behind the point, is equal to a
   * value that it is correctly rounded or truncated from, if that value is no written decimal itself: 3.14159265 is pi.
   * `null`: a decimal is equal to its own value alone.
   */
  decimalDigits: number | null;
  /** 50% is 50 (`number`), is 1/2 (`fraction`), is `either`; or a percentage is equal to percentages alone (`strict`). */
  percent: 'number' | 'fraction' | 'either' | 'strict';
  /**
   * Units, currencies and degree signs. `ignore`: of no account. `compatible`: 5 cm is 5, but not 5 m; names that are
   * not known as units are of no account. `strict`: 5 cm is not 5.
   */
  units: 'ignore' | 'compatible' | 'strict';
  /** The base of 103_5: `optional`: the same digits without a base are equal; `strict`: they are not. */
  base: 'optional' | 'strict';
  /** x = 5 is 5: `unwrap`. x = 5 is y = 5 besides: `ignore`. Neither: `strict`. */
  labels: 'unwrap' | 'ignore' | 'strict';
  /** A column or row vector, or one in angle brackets, is equal to a tuple. */
  vectorAsTuple: boolean;
  /** {1, 2} is the list 1, 2. */
  setAsList: boolean;
  /** (5, 17) is x = 5, y = 17: the names in alphabetical order. */
  tupleAsAssignments: boolean;
  /** (1, 2) is the list 1, 2, in this order. */
  tupleAsList: boolean;
  /** x > 3 is (3, oo). */
  inequalityAsInterval: boolean;
  /** `(B) 17` is B, and is 17. */
  choiceWithValue: boolean;
  /** 2:14 is 6:42 and 1/7. */
  ratioByValue: boolean;
  /** 2/4 is 1/2. */
  unreducedFractions: boolean;
  /** Mend unbalanced braces, stray `\end{...}` and macros that lost their backslash. */
  repair: boolean;
}

/** For the product: values decide; what is merely written otherwise is equal. */
const DEFAULT: AnswerPolicy = {
  decimalDigits: 8,
  percent: 'either',
  units: 'compatible',
  base: 'optional',
  labels: 'unwrap',
  vectorAsTuple: true,
  setAsList: true,
  tupleAsAssignments: true,
  tupleAsList: false,
  inequalityAsInterval: true,
  choiceWithValue: true,
  ratioByValue: false,
  unreducedFractions: true,
  repair: true,
};

export const POLICIES = {
  default: DEFAULT,
  /** Nothing is equal but what has the same value, kind, unit and label. */
  strict: {
    ...DEFAULT,
    decimalDigits: null,
    percent: 'strict',
    units: 'strict',
    base: 'strict',
    labels: 'strict',
    vectorAsTuple: false,
    setAsList: false,
    tupleAsAssignments: false,
    inequalityAsInterval: false,
    choiceWithValue: false,
    repair: false,
  },
  /** The conventions of Math-Verify 0.9 that can be had: six digits of a decimal suffice, units go, lists are tuples. */
  'math-verify': {
    ...DEFAULT,
    decimalDigits: 6,
    percent: 'either',
    units: 'ignore',
    tupleAsList: true,
    choiceWithValue: false,
  },
  /** The conventions of the PRM800K grader: fractions must be reduced, order counts, percent signs go. */
  prm800k: {
    ...DEFAULT,
    decimalDigits: null,
    percent: 'number',
    units: 'ignore',
    vectorAsTuple: false,
    setAsList: false,
    tupleAsAssignments: false,
    inequalityAsInterval: false,
    choiceWithValue: false,
    unreducedFractions: false,
  },
} as const satisfies Record<string, AnswerPolicy>;

export type PolicyName = keyof typeof POLICIES;
