/** Figures of a run that are on record: of one step, or of a whole phase. */
export interface Figures {
  /** 0 is the base model's evaluation. */
  iteration: number;
  phase: 'evaluation' | 'challenger' | 'questions' | 'solver';
  /** From 1; null for the whole phase, which has the figures of its last step where it has steps. */
  step: number | null;
  metrics: Readonly<Record<string, number>>;
}

/** All figures of a run so far, the earliest first; the last ones are those that are judged. */
export type FigureHistory = readonly [...Figures[], Figures];

/** The figures that are judged. */
export function present(history: FigureHistory): Figures {
  return history[history.length - 1] as Figures;
}

/** One figure; undefined where it is missing or is no number. */
export function figure({ metrics }: Figures, name: string): number | undefined {
  const value = metrics[name];
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** A figure of earlier on, and when that was. */
export interface Earlier {
  iteration: number;
  value: number;
}

/** The figure of that name at every earlier place of the present kind: steps of the same phase, or such phases as wholes. */
export function earlier(history: FigureHistory, name: string): Earlier[] {
  const now = present(history);
  return history.slice(0, -1).flatMap((one) => {
    const value = figure(one, name);
    const isLike = one.phase === now.phase && (one.step === null) === (now.step === null);
    return isLike && value !== undefined ? [{ iteration: one.iteration, value }] : [];
  });
}

/** The highest figure of that name so far, of equals the first; undefined where there is none. */
export function best(history: FigureHistory, name: string): Earlier | undefined {
  return earlier(history, name).reduce<Earlier | undefined>(
    (most, one) => (most === undefined || one.value > most.value ? one : most),
    undefined,
  );
}

/** A share as people read it: `63.0 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
