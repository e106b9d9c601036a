/** The phases of one iteration, in order; `evaluation` also runs once before the first (iteration 0). */
export type Phase = 'evaluation' | 'challenger' | 'questions' | 'solver';

/** What the workers have done together since they were there. It only grows. */
export interface Activity {
  /** Sampled, of requests that were answered. */
  tokens: number;
  /** Seconds of all devices together; and of those, in which a worker on the device sampled, scored or trained. */
  deviceSeconds: number;
  busySeconds: number;
}

/** What a run tells whoever watches. Plain data; a reporter may drop any of it. */
export type LoopEvent =
  /** Which weights each role starts this iteration from: 0 is the base model, k those of iteration k. */
  | {
      type: 'iteration-started';
      iteration: number;
      challengerFrom: number;
      solverFrom: number;
      trainsChallenger: boolean;
      /** In words, where it is not the paper's way: each role from its own last weights, the last Solver as judge. */
      variant?: { challengerFrom: string; judge: string; solverFrom: string };
    }
  | {
      type: 'phase-started';
      iteration: number;
      phase: Phase;
      total: number;
      unit: 'steps' | 'questions' | 'answers';
      note: string;
      /** Answers on record, of a phase that was begun before. */
      recorded?: number;
    }
  /** A phase that an earlier attempt did. */
  | { type: 'phase-skipped'; iteration: number; phase: Phase; seconds: number; metrics: Record<string, number> }
  /** A phase that was begun before goes on after this step. */
  | { type: 'phase-resumed'; iteration: number; phase: Phase; step: number }
  /** How far a phase is, in its unit; steps in progress count as fractions. */
  | { type: 'progress'; iteration: number; phase: Phase; done: number; total: number }
  | { type: 'step'; iteration: number; phase: Phase; step: number; steps: number; metrics: Record<string, number> }
  | {
      type: 'sample-question';
      iteration: number;
      phase: Phase;
      question: string;
      agreement: number;
      /** What the agreement is a share of. */
      samples: number;
      label: string | null;
    }
  /** The p-hats of questions that were answered: all of a Challenger step's, or some of the candidates. Each in [0, 1]. */
  | { type: 'agreements'; iteration: number; phase: Phase; agreements: number[] }
  | ({ type: 'activity' } & Activity)
  | { type: 'phase-ended'; iteration: number; phase: Phase; seconds: number; metrics: Record<string, number> }
  /** `name` and `action` are those of an early warning. */
  | { type: 'warning'; iteration: number; phase: Phase; message: string; name?: string; action?: string }
  /** Early warnings asked for a roll-back, and what became of it. */
  | { type: 'roll-back'; message: string }
  /** What may be wrong with the base model; nothing is begun yet. */
  | { type: 'model'; message: string }
  /** What was lost is made again. */
  | { type: 'recovery'; message: string }
  /** A worker came, left, or was brought up to date; only where there are several. */
  | { type: 'workers'; message: string };

export interface Reporter {
  report(event: LoopEvent): void;
}
