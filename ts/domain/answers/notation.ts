import type { Relation } from './tree.ts';

/** Signs and macros of relations. */
export const RELATIONS: ReadonlyMap<string, Relation> = new Map<string, Relation>([
  ['=', '='],
  ['<', '<'],
  ['>', '>'],
  ['leq', '<='],
  ['geq', '>='],
  ['neq', '!='],
  ['in', 'in'],
  ['approx', 'approx'],
  ['sim', 'approx'],
  ['equiv', 'equiv'],
]);

export const SET_OPERATIONS: ReadonlyMap<string, string> = new Map<string, string>([
  ['cup', 'union'],
  ['cap', 'intersection'],
  ['setminus', 'without'],
]);

export const LETTERS: ReadonlySet<string> = new Set(
  (
    'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho varsigma sigma tau upsilon ' +
    'phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar imath jmath'
  ).split(' '),
);

/** Macros that stand for a symbol of the tree. */
export const CONSTANTS: ReadonlyMap<string, string> = new Map<string, string>([
  ['pi', 'pi'],
  ['infty', 'oo'],
  ['imath', 'i'],
]);

export const NUMBER_SETS: ReadonlySet<string> = new Set([
  'emptyset',
  'reals',
  'integers',
  'naturals',
  'rationals',
  'complexes',
]);

/** Accents that do not change what is meant, and names of what a label stands for. */
export const ACCENTS: ReadonlySet<string> = new Set(
  'vec hat widehat tilde overrightarrow overleftrightarrow angle measuredangle triangle odot bigtriangleup mathbb'.split(
    ' ',
  ),
);

export const MATRICES: ReadonlySet<string> = new Set('pmatrix bmatrix Bmatrix matrix smallmatrix array'.split(' '));

/** Environments that only lay out what is in them. */
export const LAYOUTS: ReadonlySet<string> = new Set(
  'align aligned gather gathered equation split cases math displaymath center'.split(' '),
);

export const INVERTIBLE: ReadonlySet<string> = new Set([
  'sin',
  'cos',
  'tan',
  'cot',
  'sec',
  'csc',
  'sinh',
  'cosh',
  'tanh',
]);
