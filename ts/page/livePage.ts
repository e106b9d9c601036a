import type { RunPage } from './runPage.ts';

/** What a live page is read from. */
export interface Source {
  /** A text that changes whenever the run may have moved; it costs little. */
  pulse(): string;
  read(): RunPage;
}

/** Reading a run again and again takes at most this share of the time. */
const MOST_READING = 0.05;

/**
 * A run's page that follows the run: it is read again when somebody looks at it and the run has moved. The longer that
 * takes, the seldomer it is done.
 */
export class LivePage {
  private readonly source: Source;
  private readonly onTrouble: (error: unknown) => void;
  private readonly now: () => number;
  private readonly listeners = new Set<() => void>();
  private pulse: string;
  private latest: RunPage;
  private isStale = false;
  /** Until when a run that has moved is left alone. */
  private rest = 0;

  /**
   * @param onTrouble told what keeps a run from being read again, until which it stays as it was read last
   * @param now monotonic milliseconds
   * @throws as the source does
   */
  constructor(source: Source, onTrouble: (error: unknown) => void, now: () => number = () => performance.now()) {
    this.source = source;
    this.onTrouble = onTrouble;
    this.now = now;
    // Before it is read: what is written meanwhile is seen at the next look.
    this.pulse = source.pulse();
    this.latest = this.read();
  }

  /** As the run was at the last look. */
  get page(): RunPage {
    if (this.isStale) {
      this.isStale = false;
      try {
        this.latest = this.read();
      } catch (error) {
        this.onTrouble(error);
      }
    }
    return this.latest;
  }

  /** Look whether the run has moved, and tell those who follow it. */
  look(): void {
    if (this.now() < this.rest) return;
    let pulse: string;
    try {
      pulse = this.source.pulse();
    } catch (error) {
      this.onTrouble(error);
      return;
    }
    if (pulse === this.pulse) return;
    this.pulse = pulse;
    this.isStale = true;
    for (const tell of this.listeners) tell();
  }

  /** Be told when the run has moved. @returns what ends that */
  follow(tell: () => void): () => void {
    const own = (): void => tell();
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  private read(): RunPage {
    const begun = this.now();
    const page = this.source.read();
    const ended = this.now();
    this.rest = ended + (ended - begun) * (1 / MOST_READING - 1);
    return page;
  }
}
