import type { RunDocument } from '../document.ts';
import type { Table } from './chart.ts';
import { count, interval, number, quantity, signed, UNKNOWN } from './format.ts';

/** The run's main figures, one row an iteration; columns without any figure are left out. */
export function iterationTable({ run, iterations }: RunDocument): Table {
  const samples = iterations.find(({ evaluation }) => evaluation)?.evaluation?.samples ?? run.exam.samples;
  const columns: [string, (one: RunDocument['iterations'][number]) => string][] = [
    ['greedy, %', ({ evaluation }) => figure(evaluation?.greedy)],
    [`mean@${samples}, %`, ({ evaluation }) => figure(evaluation?.mean)],
    [`majority@${samples}, %`, ({ evaluation }) => figure(evaluation?.majority)],
    ['gain, points', ({ gain }) => (gain?.mean ? gained(gain.mean) : UNKNOWN)],
    ['reward, Challenger', ({ challenger }) => (challenger?.reward == null ? UNKNOWN : number(challenger.reward))],
    ['asked', ({ questions }) => (questions ? count(questions.candidates) : UNKNOWN)],
    ['kept', ({ questions }) => (questions ? kept(questions) : UNKNOWN)],
    ['labels right', ({ questions }) => quantity(questions?.labelAccuracy?.kept, 'share')],
    ['reward, Solver', ({ solver }) => quantity(solver?.reward, 'share')],
  ];
  const known = columns.filter(([, text]) => iterations.some((one) => text(one) !== UNKNOWN));
  return {
    head: ['', ...known.map(([title]) => title)],
    rows: iterations.map((one) => [
      one.iteration === 0 ? 'base' : `iteration ${one.iteration}`,
      ...known.map(([, text]) => text(one)),
    ]),
  };
}

type Value = { value: number; low: number; high: number } | null | undefined;

function figure(value: Value): string {
  return value ? interval(value.value, value.low, value.high, 'percent').replace(/\s%/, '') : UNKNOWN;
}

function gained({ value, low, high }: NonNullable<Value>): string {
  return `${signed(value)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}

function kept({ kept, candidates }: { kept: number; candidates: number }): string {
  return candidates === 0 ? count(kept) : `${count(kept)} (${Math.round((100 * kept) / candidates)} %)`;
}
