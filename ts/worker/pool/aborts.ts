/**
 * Who wants to hear of the abort of a signal, with one listener on it for all of them: a signal goes through all that
 * listen when one more does, which a hundred thousand requests under the signal of their run cannot afford.
 */
export class Aborts {
  private readonly watched = new Map<AbortSignal, { callbacks: Set<() => void>; listener: () => void }>();

  /** @returns ends it; to be called when the abort does not matter any more */
  watch(signal: AbortSignal, onAbort: () => void): () => void {
    const { callbacks } = this.watched.get(signal) ?? this.listen(signal);
    callbacks.add(onAbort);
    return () => {
      callbacks.delete(onAbort);
      const watch = this.watched.get(signal);
      if (callbacks.size > 0 || watch?.callbacks !== callbacks) return;
      signal.removeEventListener('abort', watch.listener);
      this.watched.delete(signal);
    };
  }

  private listen(signal: AbortSignal) {
    const callbacks = new Set<() => void>();
    const listener = (): void => {
      this.watched.delete(signal);
      for (const onAbort of callbacks) onAbort();
    };
    signal.addEventListener('abort', listener, { once: true });
    const watch = { callbacks, listener };
    this.watched.set(signal, watch);
    return watch;
  }
}
