/** What people and models type for LaTeX. A blank behind a macro ends its name. */
const CHARACTERS: ReadonlyMap<string, string> = new Map([
  ...table('− – — ‐ ‑ ﹣', '-'),
  ...table('× ✕ ✖', '\\times '),
  ...table('⋅ · ∙ • ∗', '\\cdot '),
  ...table('÷', '\\div '),
  ...table('∕ ⁄', '/'),
  ...table('√', '\\surd '),
  ...table('∛', '\\cuberoot '),
  ...table('∞', '\\infty '),
  ...table('≤ ⩽ ≦', '\\leq '),
  ...table('≥ ⩾ ≧', '\\geq '),
  ...table('≠', '\\neq '),
  ...table('≈ ≃', '\\approx '),
  ...table('≡', '\\equiv '),
  ...table('± ', '\\pm '),
  ...table('∓', '\\mp '),
  ...table('∪', '\\cup '),
  ...table('∩', '\\cap '),
  ...table('∖', '\\setminus '),
  ...table('∈', '\\in '),
  ...table('∅ Ø ⌀', '\\emptyset '),
  ...table('ℝ', '\\mathbb{R}'),
  ...table('ℤ', '\\mathbb{Z}'),
  ...table('ℕ', '\\mathbb{N}'),
  ...table('ℚ', '\\mathbb{Q}'),
  ...table('ℂ', '\\mathbb{C}'),
  ...table('° º ˚', '^\\circ '),
  ...table('′ ’ ‘ `', "'"),
  ...table('″ “ ”', '"'),
  ...table('… ⋯', '\\ldots '),
  ...table('⟨ 〈 ⟪', '\\langle '),
  ...table('⟩ 〉 ⟫', '\\rangle '),
  ...table('⌊', '\\lfloor '),
  ...table('⌋', '\\rfloor '),
  ...table('⌈', '\\lceil '),
  ...table('⌉', '\\rceil '),
  ...table('∣ ｜', '|'),
  ...table('∑', '\\sum '),
  ...table('∏', '\\prod '),
  ...table('∧', '\\wedge '),
  ...table('∨', '\\vee '),
  ...table('→ ⟶', '\\to '),
  ...table('、', ','),
  ...table('。', '.'),
  ...table('½', '\\frac{1}{2}'),
  ...table('⅓', '\\frac{1}{3}'),
  ...table('⅔', '\\frac{2}{3}'),
  ...table('¼', '\\frac{1}{4}'),
  ...table('¾', '\\frac{3}{4}'),
  ...fifths(),
  ...greek(),
]);

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ';
const SUPERSCRIPT_MEANING = '0123456789+-()nix';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙₖₓ';
const SUBSCRIPT_MEANING = '0123456789+-()nkx';

/** Characters that neither show nor mean anything. */
const INVISIBLE = /\u00ad|[\u200b-\u200f]|[\u2060-\u2064]|[\ufe00-\ufe0f]|\ufeff/;

/**
 * An answer in ASCII as far as mathematics is concerned: Unicode signs, letters, scripts and fractions as LaTeX,
 * full-width characters as plain ones. Other characters stay. Linear.
 */
export function clean(text: string): string {
  return singleBackslashes(plainCharacters(text.replace(METERS, '\\text{m}$1')));
}

/** `5m²` at the end of an answer: with that sign a unit is typed. */
const METERS = /(?<=[0-9])m([²³])(?=[\s.$]{0,5}$)/;

/** Macros that show that backslashes were doubled on the way, as by a JSON encoder. */
const DOUBLED =
  /\\\\(?=(?:[dt]?frac|sqrt|left|right|text|le|leq|ge|geq|pi|cdot|times|circ|infty|in|cup|cap|boxed|pm|begin|end|log|ln|sin|cos|tan|binom|mathbb|mathrm|overline)(?![a-zA-Z]))/g;

function singleBackslashes(text: string): string {
  return /\\begin|&/.test(text) ? text : text.replaceAll(DOUBLED, '\\');
}

function plainCharacters(text: string): string {
  let result = '';
  let script = '';
  for (const character of text) {
    const [mark, meaning] = scriptOf(character);
    if (mark !== script) {
      if (script !== '') result += '}';
      if (mark !== '') result += `${mark}{`;
      script = mark;
    }
    result += mark === '' ? plain(character) : meaning;
  }
  return script === '' ? result : `${result}}`;
}

function plain(character: string): string {
  if (character < '\u0080') return character;
  const known = CHARACTERS.get(character);
  if (known !== undefined) return known;
  if (character >= '\uff01' && character <= '\uff5e') return String.fromCharCode(character.charCodeAt(0) - 0xfee0);
  if (INVISIBLE.test(character)) return '';
  return /\s/u.test(character) ? ' ' : character;
}

function scriptOf(character: string): ['' | '^' | '_', string] {
  if (character < '\u0080') return ['', ''];
  const high = SUPERSCRIPTS.indexOf(character);
  if (high >= 0) return ['^', SUPERSCRIPT_MEANING[high] ?? ''];
  const low = SUBSCRIPTS.indexOf(character);
  return low >= 0 ? ['_', SUBSCRIPT_MEANING[low] ?? ''] : ['', ''];
}

function table(characters: string, meaning: string): [string, string][] {
  return characters.split(' ').map((character) => [character, meaning]);
}

/** ⅕ to ⅞ lie side by side. */
function fifths(): [string, string][] {
  const fractions = ['1/5', '2/5', '3/5', '4/5', '1/6', '5/6', '1/8', '3/8', '5/8', '7/8'];
  const rest: [string, string][] = [
    ['⅐', '1/7'],
    ['⅑', '1/9'],
    ['⅒', '1/10'],
  ];
  return [...fractions.map((value, i): [string, string] => [String.fromCharCode(0x2155 + i), value]), ...rest].map(
    ([character, value]) => [character, `\\frac{${value.replace('/', '}{')}}`],
  );
}

function greek(): [string, string][] {
  const lower =
    'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau upsilon phi chi psi omega';
  const upper: [string, string][] = [
    ['Γ', 'Gamma'],
    ['Δ', 'Delta'],
    ['Θ', 'Theta'],
    ['Λ', 'Lambda'],
    ['Π', 'Pi'],
    ['Σ', 'Sigma'],
    ['Φ', 'Phi'],
    ['Ψ', 'Psi'],
    ['Ω', 'Omega'],
    ['ϕ', 'phi'],
    ['µ', 'mu'],
  ];
  return [...lower.split(' ').map((name, i): [string, string] => [String.fromCharCode(0x3b1 + i), name]), ...upper].map(
    ([character, name]) => [character, `\\${name} `],
  );
}
