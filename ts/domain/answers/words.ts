/** Words of functions and constants that people type without a backslash. */
export const BARE_MACROS: ReadonlySet<string> = new Set(
  (
    'frac dfrac tfrac sqrt binom sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth ' +
    'asin acos atan log ln lg exp pi infty infinity inf theta alpha beta lambda sum prod max min gcd lcm abs floor ' +
    'ceil cbrt cdot times leq geq neq cup cap text boxed left right'
  ).split(' '),
);

/** Macros that read one expression (or a tuple) as their argument. */
export const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ...'sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth arcsinh arccosh arctanh log ln exp max min gcd lcm abs floor ceil'
    .split(' ')
    .map((name): [string, string] => [name, name]),
  ['asin', 'arcsin'],
  ['acos', 'arccos'],
  ['atan', 'arctan'],
  ['asinh', 'arcsinh'],
  ['acosh', 'arccosh'],
  ['atanh', 'arctanh'],
  ['arsinh', 'arcsinh'],
  ['arcosh', 'arccosh'],
  ['artanh', 'arctanh'],
  ['tg', 'tan'],
  ['ctg', 'cot'],
  ['cotg', 'cot'],
  ['cosec', 'csc'],
  ['arctg', 'arctan'],
  ['lg', 'log'],
  ['cbrt', 'cbrt'],
  ['Re', 're'],
  ['Im', 'im'],
  ['sgn', 'sign'],
  ['arg', 'arg'],
  ['det', 'det'],
]);

/** Spellings of units by the name they are compared under. A plural s is dropped before the look-up. */
const UNIT_NAMES: Readonly<Record<string, string>> = {
  cm: 'cm centimeter centimetre',
  mm: 'mm millimeter millimetre',
  m: 'm meter metre',
  km: 'km kilometer kilometre',
  in: 'in inch inche',
  ft: 'ft foot feet',
  yd: 'yd yard',
  mi: 'mi mile',
  g: 'g gram gm',
  kg: 'kg kilogram kilo',
  mg: 'mg milligram',
  lb: 'lb pound',
  oz: 'oz ounce',
  ton: 'ton tonne',
  s: 's sec second',
  min: 'min minute',
  h: 'h hr hour',
  day: 'day',
  week: 'week',
  month: 'month',
  year: 'year yr',
  l: 'l liter litre',
  ml: 'ml milliliter millilitre',
  gal: 'gal gallon',
  $: '$ dollar usd buck',
  cent: 'cent ¢',
  euro: 'euro € eur',
  '£': '£ gbp',
  '₹': '₹ rupee rs inr',
  deg: 'deg degree',
  rad: 'rad radian',
  'deg c': '°c celsius',
  'deg f': '°f fahrenheit',
  k: 'kelvin',
  mph: 'mph mi/h mile/h',
  'm/s': 'm/s mps',
  'km/h': 'km/h kph kmh kmph',
  hz: 'hz hertz',
  n: 'newton',
  j: 'joule',
  w: 'watt',
  v: 'volt',
  unit: 'unit',
  am: 'am a.m. a.m',
  pm: 'pm p.m. p.m',
};

const UNITS: ReadonlyMap<string, string> = new Map(
  Object.entries(UNIT_NAMES).flatMap(([name, spellings]) =>
    spellings.split(' ').map((spelling): [string, string] => [spelling, name]),
  ),
);

/** Two letters and more behind a number that are a unit without `\text`. */
export const BARE_UNITS: ReadonlySet<string> = new Set([...UNITS.keys()].filter((name) => /^[a-z]{2,}$/.test(name)));

/** Short words that are no product of variables. */
const SHORT_WORDS: ReadonlySet<string> = new Set(
  (
    'yes no odd even true false none all both dne one two three four five six ten mon tue wed thu fri sat sun jan feb ' +
    'mar apr may jun jul aug sep oct nov dec red blue never is of the not for are has may am pm a.m p.m per sq cu on to up pct'
  ).split(' '),
);

export const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);

/** Is a run of letters a word, and not a product of one-letter names? */
export function isWord(letters: string): boolean {
  if (letters.length < 2) return false;
  if (SHORT_WORDS.has(letters.toLowerCase()) && !/^[A-Z]{2}$/.test(letters)) return true;
  if (/^[A-Z][a-z]+$/.test(letters)) return true;
  return letters.length >= 4 && /[aeiouy]/i.test(letters) && !/^[A-Z]+$/.test(letters);
}

/** Words as they are compared: lower case, single blanks, without punctuation at the ends or a leading article. */
export function plainWords(text: string): string {
  const words = text
    .toLowerCase()
    .replaceAll('"', ' ')
    .split(/[\s~]+/)
    .filter((word) => word !== '');
  if (words.length > 1 && /^(the|an?)$/.test(words[0] ?? '')) words.shift();
  return words
    .map((word) => trimmed(word))
    .filter((word) => word !== '')
    .join(' ');
}

/** Without punctuation at either end. */
function trimmed(word: string): string {
  let [start, end] = [0, word.length];
  while (start < end && ".,;:!?'".includes(word[start] ?? '')) start++;
  while (end > start && ".,;:!?'".includes(word[end - 1] ?? '')) end--;
  return word.slice(start, end);
}

/**
 * The unit of a text in one spelling, with its power: `square feet`, `ft^2` and `sq. ft` are `ft^2`; `miles per hour` is
 * `mph`. `known` tells whether all of it is in the table; `units` itself, a word for no unit in particular, is ''.
 */
export function unitName(text: string): { name: string; known: boolean } {
  const words = text
    .toLowerCase()
    .replaceAll('^', ' ^')
    .replaceAll('/', ' / ')
    .split(/[\s~{}]+/)
    .filter((word) => word !== '');
  let power = '';
  let known = true;
  const parts: string[] = [];
  for (const word of words) {
    const name = trimmed(word) === '' ? word : trimmed(word);
    if (name === 'square' || name === 'sq') power = '^2';
    else if (name === 'cubic' || name === 'cu') power = '^3';
    else if (name.startsWith('^')) power = name === '^' ? power : name;
    else if (/^[0-9]$/.test(name)) power = `^${name}`;
    else if (name === 'per' || name === '/' || name === 'an' || name === 'a')
      parts.push(parts.at(-1) === '/' ? '' : '/');
    else {
      const unit = UNITS.get(name) ?? UNITS.get(name.endsWith('s') ? name.slice(0, -1) : name);
      known &&= unit !== undefined;
      parts.push((unit ?? (name.endsWith('s') ? name.slice(0, -1) : name)) + power);
      power = '';
    }
  }
  const joined = parts.join(' ').replaceAll(' / ', '/') + power;
  const name = UNITS.get(joined) ?? joined;
  return { name: name.startsWith('unit') ? '' : name, known };
}
