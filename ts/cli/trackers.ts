import type { RunJournal } from '../store/journal.ts';
import { SIDECARS, type SidecarName, startSidecar } from '../trackers/sidecar.ts';
import { EventFile } from '../trackers/tensorboard/eventFile.ts';
import type { Experiment } from './experiment.ts';
import { trackerPython } from './places.ts';

/** Those who are shown a run's figures while it goes on. */
export interface Trackers {
  /** Let them have the rest, within `tracking.waitSeconds`; say who has not got it then. */
  close(): Promise<void>;
}

/** Show a run to the trackers of its configuration. What goes wrong with them is said, and nothing waits for them. */
export function startTrackers({ config, folder, env, reporter }: Experiment, journal: RunJournal): Trackers {
  const { to, project, name, entity, waitSeconds } = config.tracking;
  const tell = (message: string): void => reporter.report({ type: 'recovery', message });
  const run = folder.path;
  const eventFile = to.includes('tensorboard') ? new EventFile(run, journal, tell) : undefined;
  const sidecars = SIDECARS.filter((tracker) => to.includes(tracker)).map((tracker) => ({
    tracker,
    sidecar: startSidecar(trackerPython(env), { tracker, run, project, name, entity }, env, tell),
  }));
  journal.follow(() => eventFile?.catchUp());
  eventFile?.catchUp();
  return {
    async close() {
      eventFile?.catchUp();
      const late = async ({ tracker, sidecar }: (typeof sidecars)[number]): Promise<SidecarName[]> =>
        (await sidecar.close(waitSeconds)) ? [] : [tracker];
      const [unsent] = await Promise.all([Promise.all(sidecars.map(late)), eventFile?.settle()]);
      for (const tracker of unsent.flat()) {
        tell(`${tracker} has not got all of this run yet: rzero track ${run} --to ${tracker} sends the rest`);
      }
    },
  };
}
