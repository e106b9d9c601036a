import type { Config } from '../config/schema.ts';
import type { Examination } from '../doctor/examination.ts';
import { gpusUsed, MACHINE_CHECKS, type MachineFacts, machineText, type Needs, PYTHON } from '../doctor/machine.ts';
import { ARRIVALS, CLOCK, WORKER } from '../doctor/workers.ts';
import type { Worker } from '../ports/worker.ts';
import type { Hello, Machine } from '../protocol/generated.ts';
import { plural } from '../report/text.ts';
import { abortion, within } from '../worker/deadline.ts';
import { WorkerCallError } from '../worker/errors.ts';
import type { Hub } from '../worker/hub.ts';
import type { Session } from '../worker/session.ts';
import { startWorker } from '../worker/startWorker.ts';
import { createTypedWorker } from '../worker/typedWorker.ts';
import { pinsFor } from './doctorFacts.ts';
import { pythonPath } from './places.ts';
import type { Terminal } from './terminal.ts';

/** How workers are looked at. */
export interface Looking {
  examination: Examination;
  config: Config;
  needs: Needs;
  /** Seconds that one may take to come. */
  wait: number;
  terminal: Terminal;
  /** Told when all checks of a worker are made. */
  onSeen(name: string, about: string): void;
}

/** A worker that was looked at. */
export interface SeenWorker {
  name: string;
  hello: Hello;
  machine: Machine;
}

/** Start a worker as a run would, look at it, and end it. */
export async function lookAtOwn(how: Looking): Promise<SeenWorker[]> {
  const { examination, config, wait, terminal, onSeen } = how;
  const { backend, threads } = config.worker;
  const { env, signal } = terminal;
  const name = 'started here';
  const started = performance.now();
  let worker: Worker | undefined;
  const start = async () => {
    worker = await startWorker({
      python: pythonPath(env, backend),
      backend,
      threads,
      startDeadline: wait * 1000,
      signal,
    });
    return factsOf(worker.hello, started);
  };
  try {
    // Starting has a deadline of its own, after which the process is ended.
    const came = await examination.make(name, WORKER, start, { deadline: 2 * wait * 1000 });
    throwIfStopped(signal);
    if (came !== undefined && worker !== undefined) return await lookAt(how, name, worker);
    onSeen(name, backend);
    return [];
  } finally {
    await worker?.close();
  }
}

/** Wait for workers of others, and look at each. They are left running: they dial again when nobody listens. */
export async function lookAtThoseWhoDialIn(
  how: Looking & { hub: Hub; expect: number; subject: string },
): Promise<SeenWorker[]> {
  const { examination, wait, terminal, hub, expect, subject } = how;
  const { env, signal, err } = terminal;
  const started = performance.now();
  const sessions: { session: Session; came: ReturnType<typeof factsOf> }[] = [];
  const enough = new Promise<void>((resolve) => {
    hub.invite(env.RZERO_TOKEN ?? '', {
      single: false,
      onJoin(session) {
        sessions.push({ session, came: factsOf(session.hello, started) });
        if (sessions.length >= expect) resolve();
      },
    });
  });
  err(`Waiting ${wait} s for ${plural(expect, 'workers')} at ${hub.endpoint}.\n`);
  const aborted = abortion(signal, 'the wait for workers was cancelled');
  await within(Promise.race([enough, aborted.promise]), wait * 1000).finally(aborted.forget);
  const seen: SeenWorker[] = [];
  for (const { session, came } of [...sessions]) {
    const name = session.hello.workerId;
    await examination.make(name, WORKER, () => came);
    seen.push(
      ...(await lookAt(
        how,
        name,
        createTypedWorker(session, session.hello, async () => {}),
      )),
    );
    throwIfStopped(signal);
  }
  const { endpoint, turnedAway } = hub;
  const stranger = turnedAway === undefined ? {} : { turnedAway };
  await examination.make(subject, ARRIVALS, () => ({ endpoint, expected: expect, came: sessions.length, ...stranger }));
  return seen;
}

/** Ask a worker about its machine, and make all checks of it. */
async function lookAt({ examination, needs, onSeen }: Looking, name: string, worker: Worker): Promise<SeenWorker[]> {
  const { hello } = worker;
  const inspect = async () => {
    const machine = await worker.inspectMachine({});
    return { machine, seconds: machine.clock - Date.now() / 1000 };
  };
  const machine = (await examination.make(name, CLOCK, inspect))?.machine;
  if (machine === undefined) {
    onSeen(name, hello.backend);
    return [];
  }
  const gpus = gpusUsed(machine, hello.devices);
  const facts: MachineFacts = { machine, gpus, needs: needsAt(hello, needs) };
  for (const check of [PYTHON, ...MACHINE_CHECKS]) await examination.make(name, check, () => facts);
  onSeen(name, `${hello.backend}, ${machineText(facts)}`);
  return [{ name, hello, machine }];
}

/** A worker may be of another backend than those that are started here, and of several processes. */
function needsAt({ backend, versions }: Hello, needs: Needs): Needs {
  const processes = Math.max(1, Number(versions.ranks ?? 1));
  return { ...needs, backend, processes, pins: pinsFor(backend) };
}

function factsOf({ backend, capabilities }: Hello, started: number) {
  return { backend, capabilities, seconds: (performance.now() - started) / 1000 };
}

function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new WorkerCallError('cancelled', 'the look at workers was cancelled');
}
