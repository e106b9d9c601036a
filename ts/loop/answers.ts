import type { Storable } from '../ports/journal.ts';
import type { Phase } from '../ports/reporter.ts';
import type { History } from './history.ts';

/**
 * What a phase was told from outside: samples, log-probs, a user's rewards. Each answer is on record before anybody
 * uses it, so that a run that begins again goes the same way, and nothing is asked for twice.
 */
export class Answers {
  private readonly history: History;
  private readonly place: { iteration: number; phase: Phase };

  constructor(history: History, { iteration, phase }: { iteration: number; phase: Phase }) {
    this.history = history;
    this.place = { iteration, phase };
  }

  /**
   * The answer on record, or else what `ask` gives, which is recorded.
   *
   * @param question all that decides the answer
   */
  async recall<T extends Storable>(question: Storable, ask: () => Promise<T>): Promise<T> {
    const key = this.history.journal.digest(question);
    const known = this.find<T>(key);
    if (known !== undefined) return known;
    const answer = await ask();
    this.keep(key, answer);
    return answer;
  }

  /** The answer on record, if there is one. */
  known<T extends Storable>(question: Storable): T | undefined {
    return this.find<T>(this.history.journal.digest(question));
  }

  /** Record an answer that was found without asking. */
  remember(question: Storable, answer: Storable): void {
    this.keep(this.history.journal.digest(question), answer);
  }

  private find<T extends Storable>(key: string): T | undefined {
    const { iteration, phase } = this.place;
    const object = this.history.phase(iteration, phase).answers.get(key);
    // One that is damaged is asked for again.
    return object === undefined ? undefined : this.history.journal.get<T>(object);
  }

  private keep(key: string, answer: Storable): void {
    this.history.record({ type: 'answer', ...this.place, key, object: this.history.put(answer) });
  }
}
