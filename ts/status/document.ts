import type { Phase } from '../ports/reporter.ts';
import type { RunState } from '../store/runState.ts';

/**
 * How a run stands: what `rzero status --json` prints. All fields are always there; what is not known is null. Times are
 * ISO 8601, UTC, by the clock of whoever wrote the line; durations are seconds.
 */
export interface StatusDocument {
  /** The run's UUID; null where nothing is on record yet. */
  run: string | null;
  /**
   * How it stands: `running` while its process lives, `elsewhere` where that cannot be seen from here, `lost` where it
   * went without an end.
   */
  state: RunState['state'];
  /** What a failed run died of. */
  error: string | null;
  /** Who has it, or had it last. */
  holder: { attempt: number; host: string; pid: number; since: string } | null;
  config: ConfigStatus | null;
  /** When its first line was written, and its last. */
  begun: string | null;
  changed: string | null;
  /** Orchestrator processes that had it, the first one first. */
  attempts: AttemptStatus[];
  /** What was on record last; null before the first phase. */
  at: PlaceStatus | null;
  /** Seconds that the phase and the run have left as of `changed`, while it is under way and as far as can be told. */
  left: { phase: number | null; run: number | null };
  /** Phases that are done or under way, in order. */
  phases: PhaseStatus[];
  /** The Solver on the held-out problems, the base first. */
  scores: ScoreStatus[];
  /** Candidates of each iteration, and those that the Solver was trained on. */
  kept: { iteration: number; candidates: number; kept: number; share: number }[];
  /** How many of the last iteration's answered questions have a p-hat nearest to 0, 0.1, ..., 1. */
  agreements: { iteration: number; counts: number[] } | null;
  /** `name` and `action` are those of an early warning, else null. */
  warnings: Told<{ iteration: number; phase: Phase; name: string | null; action: string | null }>;
  /** What was lost or damaged, and made again. */
  recoveries: Told;
  /** Workers that came and went; told only where there are several. */
  workers: Told;
  /** What its folder takes on disk. */
  bytes: number;
}

export interface ConfigStatus {
  preset: string;
  arm: string;
  seed: number;
  model: string;
  iterations: number;
  /** SHA-256 (hex) of the options that decide the result; null where the program does not know such a configuration. */
  hash: string | null;
}

export interface AttemptStatus {
  number: number;
  host: string;
  pid: number;
  /** The program's. */
  version: string;
  begun: string;
  /** When it wrote its last line. */
  last: string;
  /** How it ended; as `state` of the run for the last one. */
  how: RunState['state'];
  error: string | null;
}

export interface PlaceStatus {
  /** 0: before the first. */
  iteration: number;
  phase: Phase;
  /** The last step that is on record, and how many there will be; null in phases without steps. */
  step: number | null;
  steps: number | null;
  /** Answers of workers that are on record. */
  answers: number;
  /** Since the attempt began with it, or went on, as of `changed`. */
  seconds: number;
}

export interface PhaseStatus {
  iteration: number;
  phase: Phase;
  state: 'done' | 'under way';
  /** That it took, of the attempt that ended it; null while it is under way. */
  seconds: number | null;
  /** Steps on record. */
  steps: number;
  /** Its figures; of one under way those of its latest step. A figure that is no number is null. */
  metrics: Record<string, number | null>;
}

/** Shares of problems answered right, in [0, 1], and what they are above the base's. */
export interface ScoreStatus {
  iteration: number;
  greedy: number | null;
  /** Mean over, and majority of, `samples` answers. */
  mean: number | null;
  majority: number | null;
  samples: number | null;
  /** Null for the base. */
  gain: { greedy: number | null; mean: number | null; majority: number | null } | null;
}

/** What a run told, and how often: the last few, the latest last. */
export interface Told<Where extends object = object> {
  count: number;
  last: (Where & { at: string; message: string })[];
}
