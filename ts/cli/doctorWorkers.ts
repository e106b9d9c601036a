import type { Config } from '../config/schema.ts';
import type { Examination } from '../doctor/examination.ts';
import { gpusUsed, MACHINE_CHECKS, type MachineFacts, machineText, type Needs, PYTHON } from '../doctor/machine.ts';
import { MODEL_THERE } from '../doctor/model.ts';
import { ARRIVALS, CLOCK, WORKER } from '../doctor/workers.ts';
import { forTheRun } from '../inspect/judge.ts';
import type { Worker } from '../ports/worker.ts';
import type { Hello, Machine } from '../protocol/generated.ts';
import { plural } from '../report/text.ts';
import { WorkerCallError } from '../worker/errors.ts';
import { startWorker } from '../worker/startWorker.ts';
import { createTypedWorker } from '../worker/typedWorker.ts';
import { pinsFor } from './doctorFacts.ts';
import type { Door } from './door.ts';
import { inspectModel } from './inspection.ts';
import { modelSource, pythonPath } from './places.ts';
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
    return { ...worker.hello, seconds: (performance.now() - started) / 1000 };
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
  how: Looking & { door: Door; expect: number; subject: string },
): Promise<SeenWorker[]> {
  const { examination, wait, terminal, door, expect: expected, subject } = how;
  const { endpoint, arrivals } = door;
  terminal.err(`Waiting ${wait} s for ${plural(expected, 'workers')} at ${endpoint}.\n`);
  await door.wait(expected, wait * 1000, terminal.signal);
  const { turnedAway } = door;
  const came = [...arrivals];
  const seen: SeenWorker[] = [];
  for (const { session, seconds } of came) {
    const { hello } = session;
    await examination.make(hello.workerId, WORKER, () => ({ ...hello, seconds }));
    seen.push(
      ...(await lookAt(
        how,
        hello.workerId,
        createTypedWorker(session, hello, async () => {}),
      )),
    );
    throwIfStopped(terminal.signal);
  }
  const stranger = turnedAway === undefined ? {} : { turnedAway };
  await examination.make(subject, ARRIVALS, () => ({ endpoint, expected, came: came.length, ...stranger }));
  return seen;
}

/** Ask a worker about its machine and the model, and make all checks of them. */
async function lookAt(how: Looking, name: string, worker: Worker): Promise<SeenWorker[]> {
  const { examination, config, needs, terminal, onSeen } = how;
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
  const source = modelSource(config.model, terminal.workingFolder);
  await examination.make(name, MODEL_THERE, async () => {
    const { findings } = await inspectModel(worker, config, source, undefined, terminal.signal);
    return forTheRun(findings);
  });
  onSeen(name, `${hello.backend}, ${machineText(facts)}`);
  return [{ name, hello, machine }];
}

/** A worker may be of another backend than those that are started here, and of several processes. */
function needsAt({ backend, versions }: Hello, needs: Needs): Needs {
  const processes = Math.max(1, Number(versions.ranks ?? 1));
  return { ...needs, backend, processes, pins: pinsFor(backend) };
}

function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new WorkerCallError('cancelled', 'the look at workers was cancelled');
}
