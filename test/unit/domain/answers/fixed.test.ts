import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as fixed from '../../../../ts/domain/answers/fixed.ts';
import { integerRoot } from '../../../../ts/domain/answers/rational.ts';

const ONE = 1n << BigInt(fixed.PLACES);

/** A fixed-point number from an exact fraction. */
const fraction = (n: number, d: number): bigint => (BigInt(n) * ONE) / BigInt(d);

/** The first 100 decimals. */
function decimals(x: bigint): string {
  const scaled = ((x < 0n ? -x : x) * 10n ** 100n) / ONE;
  const digits = scaled.toString().padStart(101, '0');
  return `${x < 0n ? '-' : ''}${digits.slice(0, -100)}.${digits.slice(-100)}`;
}

/** Is the difference below 2^-300? */
function expectClose(a: bigint, b: bigint): void {
  const difference = a > b ? a - b : b - a;
  expect(difference < 1n << BigInt(fixed.PLACES - 300)).toBe(true);
}

const rational = fc.tuple(fc.integer({ min: -5000, max: 5000 }), fc.integer({ min: 1, max: 500 }));

describe('constants to 100 decimals', () => {
  test.each([
    [
      'pi',
      fixed.PI,
      '3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679',
    ],
    [
      'ln 2',
      fixed.LN2,
      '0.6931471805599453094172321214581765680755001343602552541206800094933936219696947156058633269964186875',
    ],
    [
      'ln 10',
      fixed.logarithm(10n * ONE),
      '2.3025850929940456840179914546843642076011014886287729760333279009675726096773524802359972050895982983',
    ],
    [
      'sin 1',
      fixed.sineAndCosine(ONE).sine,
      '0.8414709848078965066525023216302989996225630607983710656727517099919104043912396689486397435430526958',
    ],
    [
      'sqrt 2',
      fixed.squareRoot(2n * ONE),
      '1.4142135623730950488016887242096980785696718753769480731766797379907324784621070388503875343276415727',
    ],
  ])('%s', (_, value, expected) => {
    expect(decimals(value)).toBe(expected);
  });
});

describe('functions', () => {
  test('the logarithm undoes the exponential', () => {
    fc.assert(
      fc.property(rational, ([n, d]) => {
        const x = fraction(n, d);
        const { mantissa, exponent } = fixed.exponential(x);
        expectClose(fixed.logarithm(mantissa) + BigInt(exponent) * fixed.LN2, x);
      }),
    );
  });

  test('sine and cosine lie on the circle, at the angle they came from', () => {
    fc.assert(
      fc.property(rational, ([n, d]) => {
        const x = fraction(n, d);
        const { sine, cosine } = fixed.sineAndCosine(x);
        expectClose(fixed.multiplyFixed(sine, sine) + fixed.multiplyFixed(cosine, cosine), ONE);
        const turns = (x - fixed.angle(sine, cosine) + fixed.PI) / (2n * fixed.PI);
        const floor = x - fixed.angle(sine, cosine) + fixed.PI < 0n ? turns - 1n : turns;
        expectClose(fixed.angle(sine, cosine) + 2n * floor * fixed.PI, x);
      }),
    );
  });

  test('as doubles have them', () => {
    fc.assert(
      fc.property(rational, ([n, d]) => {
        const x = n / d;
        const { sine, cosine } = fixed.sineAndCosine(fraction(n, d));
        expect(Number(decimals(sine))).toBeCloseTo(Math.sin(x), 10);
        expect(Number(decimals(cosine))).toBeCloseTo(Math.cos(x), 10);
      }),
    );
  });
});

test('integer roots are exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 60n }), fc.integer({ min: 2, max: 9 }), (x, k) => {
      const root = integerRoot(x, k);
      expect(root ** BigInt(k) <= x && x < (root + 1n) ** BigInt(k)).toBe(true);
    }),
  );
});
