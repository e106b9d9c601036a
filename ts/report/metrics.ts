import type { Phase } from '../ports/reporter.ts';

/** Metrics by name, as a phase reports them. */
export type Metrics = Readonly<Record<string, number>>;

/** A share in [0, 1] as a percentage. All is `100 %`, to whatever digit. */
export function percent(share: number, digits = 1): string {
  if (!Number.isFinite(share)) return '-';
  return share === 1 ? '100 %' : `${(100 * share).toFixed(digits)} %`;
}

/** A number in about three significant digits: `1234`, `31.2`, `0.45`, `0.0123`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 4);
}

type Format = (value: number, metrics: Metrics) => string | null;

const share =
  (name: string): Format =>
  (value) =>
    `${name} ${percent(value, 0)}`;

const number =
  (name: string): Format =>
  (value) =>
    `${name} ${figure(value)}`;

/** The metrics that people see while a phase runs, the most telling first. */
const SHOWN: Record<Phase, Record<string, Format>> = {
  evaluation: {
    greedy: (value) => `greedy ${percent(value)}`,
    mean: (value, { samples }) => `mean${at(samples)} ${percent(value)}`,
    majority: (value, { samples }) => `majority${at(samples)} ${percent(value)}`,
    worked: (value) => `if worked ${percent(value)}`,
  },
  challenger: {
    reward: number('reward'),
    wellFormed: share('well-formed'),
    agreement: share('agreement'),
    // Near 1 / batch when no two questions are alike, which is nothing to report.
    repetition: (value) => (value < 0.05 ? null : `repetition ${percent(value, 0)}`),
  },
  questions: {
    kept: (value, { candidates, keptShare }) =>
      `kept ${value}${candidates === undefined ? '' : ` of ${candidates}`}${keptShare === undefined ? '' : ` (${percent(keptShare, 0)})`}`,
    tooEasyShare: share('too easy'),
    tooHardShare: share('too hard'),
    noLabelShare: (value) => (value === 0 ? null : `no answer ${percent(value, 0)}`),
  },
  solver: { reward: number('reward'), kl: number('KL'), meanLength: number('tokens') },
};

function at(samples: number | undefined): string {
  return samples === undefined ? '' : `@${samples}`;
}

/**
 * A phase's metrics as short phrases, `greedy 21.0 %` or `reward 0.41`, in order of interest. Of a phase
 * whose metrics have other names, the first three are shown under these.
 *
 * @param metrics shares in [0, 1]; `samples`, if there, is the k of mean@k
 */
export function phrases(phase: Phase, metrics: Metrics): string[] {
  const known = Object.entries(SHOWN[phase]).flatMap(([name, format]) => {
    const value = metrics[name];
    return value === undefined ? [] : [format(value, metrics)];
  });
  if (known.length > 0) return known.filter((phrase) => phrase !== null);
  return Object.entries(metrics)
    .filter(([name]) => name !== 'samples' && name !== 'steps')
    .slice(0, 3)
    .map(([name, value]) => `${words(name)} ${figure(value)}`);
}

/** `gradNorm` as `grad norm`. */
function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
