/** Macros of looks alone. */
export const SKIPPED: ReadonlySet<string> = new Set(
  (
    'left right middle big bigl bigr bigm Big Bigl Bigr Bigm bigg biggl biggr Bigg Biggl Biggr displaystyle textstyle ' +
    'scriptstyle limits nolimits rm bf it sf tt quad qquad enspace thinspace medspace thickspace hspace hfill strut ' +
    'mathstrut color textcolor phantom nonumber notag hline space par centering large Large small normalsize allowbreak'
  ).split(' '),
);

/** Macros that show their argument in another face. */
export const FACES: ReadonlySet<string> = new Set(
  (
    'mathbf mathit mathsf mathtt mathcal mathscr mathfrak boldsymbol bm pmb boxed fbox underline ensuremath mathrm ' +
    'operatorname mathop emph bold'
  ).split(' '),
);

/** Sets of numbers, by the letter and the macro for it. */
export const NUMBER_SETS: ReadonlyMap<string, string> = new Map([
  ['R', 'reals'],
  ['Z', 'integers'],
  ['N', 'naturals'],
  ['Q', 'rationals'],
  ['C', 'complexes'],
]);

/** Macros whose argument is words. */
export const TEXTS: ReadonlySet<string> = new Set(
  'text textbf textit textrm textsf texttt textnormal mbox hbox textup'.split(' '),
);

/** Macros by their most common spelling. */
export const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['dfrac', 'frac'],
  ['tfrac', 'frac'],
  ['cfrac', 'frac'],
  ['nicefrac', 'frac'],
  ['sfrac', 'frac'],
  ['dbinom', 'binom'],
  ['tbinom', 'binom'],
  ['lt', '<'],
  ['gt', '>'],
  ['le', 'leq'],
  ['leqslant', 'leq'],
  ['leqq', 'leq'],
  ['ge', 'geq'],
  ['geqslant', 'geq'],
  ['geqq', 'geq'],
  ['ne', 'neq'],
  ['infinity', 'infty'],
  ['inf', 'infty'],
  ['varnothing', 'emptyset'],
  ['land', 'and'],
  ['wedge', 'and'],
  ['lor', 'or'],
  ['vee', 'or'],
  ['ast', 'cdot'],
  ['bullet', 'cdot'],
  ['backslash', 'setminus'],
  ['smallsetminus', 'setminus'],
  ['lvert', '|'],
  ['rvert', '|'],
  ['vert', '|'],
  ['mid', '|'],
  ['colon', ':'],
  ['lbrace', 'set{'],
  ['rbrace', '}set'],
  ['lbrack', '['],
  ['rbrack', ']'],
  ['dots', 'ldots'],
  ['cdots', 'ldots'],
  ['degree', 'circ'],
  ['degrees', 'circ'],
  ['simeq', 'approx'],
  ['thickapprox', 'approx'],
  ['varphi', 'phi'],
  ['vartheta', 'theta'],
  ['varepsilon', 'epsilon'],
  ['newline', '\\\\'],
  ['cr', '\\\\'],
  ['dollar', '$'],
  ['percent', '%'],
  ['euro', '€'],
  ['pounds', '£'],
]);
