import type { Region } from './region.ts';
import type { Scalar } from './scalar.ts';
import type { Bracket } from './tree.ts';

/** What an answer says, as far as it was understood. */
export type Meaning =
  | Quantity
  | { kind: 'infinity'; sign: 1 | -1 }
  /** Ordered members in brackets: a point, a vector (`<`), an interval. `region`: the interval, where it can be one. */
  | { kind: 'sequence'; open: Bracket; close: Bracket; items: readonly Meaning[]; region: Region | null }
  /** Members in any order: a set in braces, or a list. */
  | { kind: 'collection'; braces: boolean; items: readonly Meaning[] }
  | { kind: 'matrix'; rows: readonly (readonly Meaning[])[] }
  /** A set of numbers; `variable` where it is the solution of inequalities in it. */
  | { kind: 'region'; region: Region; variable: string | null }
  | { kind: 'equation'; difference: Scalar }
  /** Each `difference` is above 0, or `orEqual`. */
  | { kind: 'inequality'; parts: readonly InequalityPart[] }
  /** label = value, where the label is a name. `equation`: the same as an equation, where it can be one. */
  | { kind: 'labelled'; label: string; value: Meaning; equation: Scalar | null }
  /** 2 : 3, and times of day; `unit` is am, pm or ''. */
  | { kind: 'ratio'; items: readonly Meaning[]; unit: string }
  /** (B) 17 */
  | { kind: 'choice'; letter: string; value: Meaning }
  | { kind: 'text'; words: string };

/** `difference` > 0, >= 0 or, for `!=`, not 0. */
export interface InequalityPart {
  difference: Scalar;
  relation: '>' | '>=' | '!=';
}

/** A number or an expression for one, with what was written around it. */
export interface Quantity {
  kind: 'quantity';
  scalar: Scalar;
  /** The unit in one spelling; '' for none. `$` is a unit; degrees of an angle are not. */
  unit: string;
  knownUnit: boolean;
  percent: boolean;
  /** The number of degrees of an angle, whose `scalar` is in radians; null for all else. */
  degrees: Scalar | null;
  /** What the digits of a number in another base say in base ten; null for all else. */
  digits: Scalar | null;
  /** Significant digits and decimal places of a written decimal; null for any other expression. */
  decimal: { digits: number; places: number } | null;
}
