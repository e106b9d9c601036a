/** Who wants to hear of the abort of a signal, and the one listener that tells them. */
interface Watch {
  callbacks: Set<() => void>;
  listener: () => void;
}

const watched = new WeakMap<AbortSignal, Watch>();

/**
 * Hear of the abort of a signal, with one listener on it for all who do: a signal goes through all that listen when one
 * more does, which a hundred thousand requests under the signal of their run cannot afford, and from the eleventh on
 * Node.js warns of a leak.
 *
 * @param signal absent: nothing is heard. Nor is of one that is aborted already.
 * @returns ends it; to be called when the abort does not matter any more
 */
export function onceAborted(signal: AbortSignal | undefined, onAbort: () => void): () => void {
  if (signal === undefined || signal.aborted) return () => {};
  const { callbacks, listener } = watched.get(signal) ?? listen(signal);
  // The same function may be given twice.
  const callback = (): void => onAbort();
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0 || watched.get(signal)?.callbacks !== callbacks) return;
    signal.removeEventListener('abort', listener);
    watched.delete(signal);
  };
}

function listen(signal: AbortSignal): Watch {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    watched.delete(signal);
    for (const onAbort of callbacks) onAbort();
  };
  signal.addEventListener('abort', listener, { once: true });
  const watch = { callbacks, listener };
  watched.set(signal, watch);
  return watch;
}
