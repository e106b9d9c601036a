import { plural } from '../report/text.ts';
import { type Check, failed, ok, skipped, warning } from './check.ts';

/** A worker that has come, by what it says of itself. */
export interface WorkerFacts {
  backend: string;
  capabilities: readonly string[];
  /** From its start, or from when it was waited for. */
  seconds: number;
}

export const WORKER: Check<WorkerFacts> = {
  id: 'worker',
  title: 'Worker',
  judge({ backend, capabilities, seconds }) {
    const found = `${backend}, there after ${seconds.toFixed(1)} s, offers ${capabilities.join(' and ') || 'nothing'}`;
    if (capabilities.length > 0) return ok(found);
    return failed('configuration', found, 'start it without --roles, or with --roles sample,train');
  },
};

/** Who was waited for and who came; `turnedAway`: why the last one who was not let in was not. */
export const ARRIVALS: Check<{ endpoint: string; expected: number; came: number; turnedAway?: string }> = {
  id: 'arrivals',
  title: 'Workers that dial in',
  judge({ endpoint, expected, came, turnedAway }) {
    const found = `${came} of ${expected} dialled in at ${endpoint}`;
    if (came >= expected) return ok(found);
    const stranger = turnedAway === undefined ? '' : `; a peer was turned away: ${turnedAway}`;
    const hint =
      turnedAway === undefined
        ? 'start them with --connect and their keys (rzero keys says how); is the port open between the hosts? --wait SECONDS waits longer'
        : 'both sides must come from the same checkout, and share the keys, or the token in RZERO_TOKEN';
    return failed('unavailable', `${found}${stranger}`, hint);
  },
};

/** Seconds between two clocks that make logs of two hosts hard to read together; tokens and certificates mind minutes. */
const SKEW = 5;

/** @param seconds that the worker's clock is ahead of this machine's */
export const CLOCK: Check<{ seconds: number }> = {
  id: 'clock',
  title: 'Clock',
  judge({ seconds }) {
    const found = `${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? 'behind' : 'ahead of'} this machine's`;
    if (Math.abs(seconds) <= SKEW) return ok(found);
    return warning(found, 'keep the clocks of all hosts by NTP: timedatectl set-ntp true, chronyc makestep');
  },
};

/** What has to be equal wherever the same weights are computed with. */
const ALIKE = ['python', 'torch', 'transformers', 'vllm'];

/** Workers by their names, and what they run on. */
export const SAME_VERSIONS: Check<readonly { name: string; versions: Readonly<Record<string, string>> }[]> = {
  id: 'same-versions',
  title: 'Versions of workers',
  judge(workers) {
    if (workers.length < 2) return skipped('there are no two workers to compare');
    const differing = ALIKE.flatMap((software) => {
      const seen = new Map<string, string[]>();
      for (const { name, versions } of workers) {
        // A sampler of vLLM and a trainer without it are no contradiction.
        const version = versions[software];
        if (version !== undefined) seen.set(version, [...(seen.get(version) ?? []), name]);
      }
      if (seen.size < 2) return [];
      return [`${software} is ${[...seen].map(([version, who]) => `${version} on ${who.join(', ')}`).join(' and ')}`];
    });
    if (differing.length === 0) return ok(`the same on ${plural(workers.length, 'workers')}`);
    return warning(
      differing.join('; '),
      'install the same everywhere: pip install -c py_worker/constraints.txt, or one image',
    );
  },
};
