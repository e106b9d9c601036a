import { randomBytes } from 'node:crypto';
import type { Case, ContractOptions, Target } from '../contract/context.ts';
import type { Outcome } from '../contract/outcome.ts';
import { ContractRunner } from '../contract/runner.ts';
import type { Hello } from '../protocol/generated.ts';
import { caseLines, headLines, totals } from '../report/contractReport.ts';
import { LiveBlock } from '../report/liveBlock.ts';
import { shorten } from '../report/text.ts';
import { WorkerCallError } from '../worker/errors.ts';
import { readOrchestratorKeys } from '../worker/keyFolder.ts';
import { type DialledWorker, listenForWorker } from '../worker/listenForWorker.ts';
import { spawnWorker } from '../worker/spawn.ts';
import { startWorker } from '../worker/startWorker.ts';
import { type ContractFlags, type ContractPlan, planContract, type Subject } from './contractPlan.ts';
import { EXIT } from './exitCodes.ts';
import { pythonPath } from './places.ts';
import type { Terminal } from './terminal.ts';

/**
 * `rzero contract`: try every promise of the protocol on one worker.
 *
 * @returns the exit code: 0 when no case failed
 * @throws UsageError; WorkerStartError when there is no worker to begin with
 */
export async function contractCommand(flags: ContractFlags, terminal: Terminal): Promise<number> {
  const plan = planContract(flags, terminal.workingFolder);
  // JSON is data, so the report goes where it does not mix with it.
  const [write, screen] = flags.json ? [terminal.err, terminal.screen] : [terminal.out, terminal.page];
  const shown = { colour: screen.colour, width: screen.width() };
  const runner = new ContractRunner({ ...plan, ...workersOf(plan, terminal), signal: terminal.signal });
  const started = performance.now();
  try {
    const hello = await runner.hello();
    write(`${headLines({ hello, ...plan, cases: plan.cases.length }, shown).join('\n')}\n\n`);
    const live = screen.live ? new LiveBlock(write, screen.width) : undefined;
    const outcomes: Outcome[] = [];
    for (const one of plan.cases) {
      live?.draw([shorten(`  ${one.title}`, screen.width() - 1)]);
      const outcome = await runner.run(one).finally(() => live?.draw([]));
      write(`${caseLines(one, outcome, shown).join('\n')}\n`);
      outcomes.push(outcome);
    }
    const seconds = (performance.now() - started) / 1000;
    write(`\n${totals(outcomes, seconds, shown)}\n`);
    if (flags.json) terminal.out(`${JSON.stringify(documentOf(plan, hello, outcomes, seconds), null, 2)}\n`);
    return outcomes.some(({ status }) => status === 'failed') ? EXIT.protocol : EXIT.ok;
  } catch (error) {
    if (terminal.signal.aborted) terminal.err('rzero: stopped; the worker has been ended\n');
    throw error;
  } finally {
    await runner.close();
  }
}

/** How a worker is come by, again and again where its process is ours. */
function workersOf(plan: ContractPlan, terminal: Terminal): Pick<ContractOptions, 'start' | 'spawn'> {
  const { subject, threads, wait } = plan;
  const { signal, env, workingFolder } = terminal;
  if ('address' in subject) {
    let worker: DialledWorker | undefined;
    return {
      async start(): Promise<Target> {
        if (worker !== undefined) throw new WorkerCallError('worker_gone', 'its process is not ours to start again');
        worker = await listen(subject, wait, terminal);
        return { worker, requester: worker.session };
      },
    };
  }
  const backend = 'backend' in subject ? subject.backend : '';
  const how = {
    python: pythonPath(env, backend),
    backend,
    threads,
    ...('command' in subject ? { command: subject.command, workingFolder } : {}),
  };
  return {
    async start(given = {}): Promise<Target> {
      const either = AbortSignal.any([signal, ...(given.signal === undefined ? [] : [given.signal])]);
      const worker = await startWorker({ ...how, ...given, signal: either, startDeadline: wait * 1000 });
      return { worker, requester: worker.session, process: worker.process };
    },
    spawn: (endpoint, token) => spawnWorker({ ...how, endpoint, token }),
  };
}

async function listen(
  { address, keys }: Extract<Subject, { address: string }>,
  wait: number,
  { env, reveal, signal }: Terminal,
): Promise<DialledWorker> {
  const given = env.RZERO_TOKEN;
  const token = given || randomBytes(16).toString('hex');
  return listenForWorker({
    address,
    token,
    ...(keys === undefined ? {} : { curve: readOrchestratorKeys(keys) }),
    deadline: wait * 1000,
    signal,
    onListening(endpoint) {
      const assignment = given ? 'RZERO_TOKEN="$RZERO_TOKEN"' : `RZERO_TOKEN=${token}`;
      const which = given ? 'the token of this environment' : 'this token, made up for this run';
      reveal(
        `Waiting ${wait} s for one worker on ${endpoint}. Start it with ${which}:\n\n` +
          `  ${assignment} MY-WORKER --connect ${endpoint}\n\n`,
      );
    },
  });
}

/** The report for programs. */
function documentOf(plan: ContractPlan, hello: Hello, outcomes: readonly Outcome[], seconds: number): object {
  const { token: _, kind: __, ...worker } = hello;
  const { source, tolerance } = plan;
  const count = (status: Outcome['status']) => outcomes.filter((outcome) => outcome.status === status).length;
  return {
    worker,
    source,
    tolerance,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    notRun: count('not_run'),
    seconds,
    cases: plan.cases.map(({ id, title, rule, where }: Case, index) => ({
      id,
      title,
      rule,
      where,
      ...outcomes[index],
    })),
  };
}
