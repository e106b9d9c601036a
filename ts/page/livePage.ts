import type { RunPage } from './runPage.ts';

/** What a live page is read from. */
export interface Source {
  /** A text that changes whenever the run may have moved; it costs little. */
  pulse(): string;
  read(): RunPage;
}

/**
 * A run's page that follows the run: it is read again when somebody looks at it and the run has moved.
 */
export class LivePage {
  private readonly source: Source;
  private readonly onTrouble: (error: unknown) => void;
  private readonly listeners = new Set<() => void>();
  private pulse: string;
  private latest: RunPage;
  private isStale = false;

  /**
   * @param onTrouble told what keeps a run from being read again, until which it stays as it was read last
   * @throws as the source does
   */
  constructor(source: Source, onTrouble: (error: unknown) => void) {
    this.source = source;
    this.onTrouble = onTrouble;
    // Before it is read: what is written meanwhile is seen at the next look.
    this.pulse = source.pulse();
    this.latest = source.read();
  }

  /** As the run was at the last look. */
  get page(): RunPage {
    if (this.isStale) {
      this.isStale = false;
      try {
        this.latest = this.source.read();
      } catch (error) {
        this.onTrouble(error);
      }
    }
    return this.latest;
  }

  /** Look whether the run has moved, and tell those who follow it. */
  look(): void {
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
}
