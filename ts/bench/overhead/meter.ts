import type { LoopContext } from '../../loop/context.ts';
import { History } from '../../loop/history.ts';
import { UNRECORDED } from '../../loop/unrecorded.ts';
import type { Journal } from '../../ports/journal.ts';

/** Seconds that a run spent on what makes it one that cannot be lost. */
export interface Spent {
  /** Entries, objects and digests, with what it takes to have them on the disk. */
  journal: number;
  /** Checkpoints that only going on needs. */
  checkpoints: number;
  /** Freeing what is not needed any more, and looking whether what there is is what it was. */
  folder: number;
}

/** A context whose ports count the seconds that are spent in them. */
export function metered(context: LoopContext, spent: Spent): LoopContext {
  const timed = <A extends unknown[], R>(part: keyof Spent, action: (...args: A) => R) => {
    return (...args: A): R => {
      const begun = performance.now();
      try {
        return action(...args);
      } finally {
        spent[part] += (performance.now() - begun) / 1000;
      }
    };
  };
  const { journal } = context.history;
  const counted: Journal = {
    get entries() {
      return journal.entries;
    },
    append: timed('journal', journal.append.bind(journal)),
    put: timed('journal', journal.put.bind(journal)),
    get: timed('journal', journal.get.bind(journal)) as Journal['get'],
    digest: timed('journal', journal.digest.bind(journal)),
  };
  const { store, worker } = context;
  const saveCheckpoint: typeof worker.saveCheckpoint = async (params, options) => {
    const begun = performance.now();
    try {
      return await worker.saveCheckpoint(params, options);
    } finally {
      // The models that a phase leaves are written in any case.
      if (params.path.includes('/checkpoints/')) spent.checkpoints += (performance.now() - begun) / 1000;
    }
  };
  return {
    ...context,
    history: new History(counted),
    store: {
      writeRecords: store.writeRecords.bind(store),
      openRecords: store.openRecords.bind(store),
      folder: store.folder.bind(store),
      emptyFolder: store.emptyFolder.bind(store),
      has: store.has.bind(store),
      holds: timed('folder', store.holds.bind(store)),
      damageOf: timed('folder', store.damageOf.bind(store)),
      tidy: timed('folder', store.tidy.bind(store)),
    },
    worker: new Proxy(worker, {
      get: (target, name) => {
        if (name === 'saveCheckpoint') return saveCheckpoint;
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
  };
}

/** A context in which nothing is kept that only going on needs. */
export function forgetful(context: LoopContext): LoopContext {
  const settings = structuredClone(context.settings);
  settings.storage.checkpointEvery = Number.MAX_SAFE_INTEGER;
  return {
    ...context,
    settings,
    history: new History(UNRECORDED),
    store: Object.assign(Object.create(context.store), { damageOf: () => undefined, tidy: () => {} }),
  };
}
