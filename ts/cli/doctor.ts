import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Kind } from '../doctor/check.ts';
import { Examination } from '../doctor/examination.ts';
import { MACHINE_CHECKS, type Needs, PACKAGES, PYTHON } from '../doctor/machine.ts';
import { MODEL, PLAN } from '../doctor/model.ts';
import { DISK, ENCRYPTION, FILE_SYSTEM, KEYS, NODE, OPEN_FILES, PORT } from '../doctor/orchestrator.ts';
import { SAME_VERSIONS, WORKER } from '../doctor/workers.ts';
import type { Machine } from '../protocol/generated.ts';
import { doctorTotals, findingLines, subjectLine, workerLines } from '../report/doctorReport.ts';
import { tryFolder } from '../store/tryFolder.ts';
import { hasCurve } from '../worker/keys.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import {
  diskFacts,
  type Fit,
  fitOf,
  keysFacts,
  lookHere,
  modelFacts,
  nearestFolder,
  needsOf,
  openDoor,
  openFilesLimit,
} from './doctorFacts.ts';
import { lookAtOwn, lookAtThoseWhoDialIn, type SeenWorker } from './doctorWorkers.ts';
import type { Door } from './door.ts';
import { EXIT } from './exitCodes.ts';
import { explainError } from './explainError.ts';
import { pythonPath } from './places.ts';
import { RUNS } from './room.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero doctor` as given. */
export interface DoctorFlags extends ConfigFlags {
  model?: string;
  out?: string;
  listen?: string;
  keys?: string;
  expect?: string;
  wait?: string;
  json?: true;
}

/** What checks are about; a worker's are about it by its name. */
const RUN = 'the run';
const HERE = 'this machine';
const WORKERS = 'workers';

const EXIT_OF: Readonly<Record<Kind, number>> = {
  unavailable: EXIT.unavailable,
  disk: EXIT.io,
  credentials: EXIT.noPermission,
  configuration: EXIT.config,
};

/**
 * `rzero doctor`: what of a run would go wrong, before there is one.
 *
 * @returns the exit code: 0 where no check has failed, else that of the first that has
 * @throws UsageError, ConfigError; WorkerCallError `cancelled` where it was told to stop
 */
export async function doctorCommand(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  const started = performance.now();
  const { config, expect, wait } = planOf(flags, terminal.workingFolder);
  const shown = { colour: terminal.page.colour, width: terminal.page.width() };
  const print = (lines: readonly string[]): void => {
    if (!flags.json) terminal.out(`${lines.join('\n')}\n`);
  };
  let subject = '';
  const begin = (next: string): void => {
    if (next !== subject) print([...(subject === '' ? [] : ['']), subjectLine(next, shown)]);
    subject = next;
  };
  const examination = new Examination(explain, (finding) => {
    if (![RUN, HERE, WORKERS].includes(finding.subject)) return;
    begin(finding.subject);
    print(findingLines(finding, shown));
  });
  const onSeen = (name: string, about: string): void => {
    begin(WORKERS);
    print(workerLines(name, about, examination.of(name), shown));
  };

  const { door, fit, needs } = await examineRun(examination, config, terminal);
  let machine: Machine | undefined;
  const seen: SeenWorker[] = [];
  try {
    if (expect === 0) door?.close();
    const place = resolve(terminal.workingFolder, flags.out ?? RUNS);
    machine = await examineHere(examination, { config, fit, needs, place, expect }, terminal);
    const how = { examination, config, needs, wait, terminal, onSeen };
    const idle = whyNoneIsStarted(examination, config);
    if (idle === undefined) seen.push(...(await lookAtOwn(how)));
    else examination.put(WORKERS, WORKER, { status: 'skipped', found: idle });
    if (expect > 0 && door !== undefined) {
      seen.push(...(await lookAtThoseWhoDialIn({ ...how, door, expect, subject: WORKERS })));
    }
    await examination.make(WORKERS, SAME_VERSIONS, () =>
      seen.map(({ name, machine: { python, packages } }) => ({ name, versions: { ...packages, python } })),
    );
  } finally {
    door?.close();
  }

  const { findings } = examination;
  const kind = findings.find(({ status }) => status === 'failed')?.kind;
  const exitCode = kind === undefined ? EXIT.ok : EXIT_OF[kind];
  const seconds = (performance.now() - started) / 1000;
  print(['', doctorTotals(findings, seconds, shown)]);
  if (flags.json) {
    const { preset, model, worker } = config;
    const workers = seen.map(({ hello: { token: _, kind: __, ...hello }, ...facts }) => ({ ...facts, hello }));
    const head = { exitCode, preset, model, backend: worker.backend, seconds };
    terminal.out(`${JSON.stringify({ ...head, checks: findings, machine, workers }, null, 2)}\n`);
  }
  return exitCode;
}

/** What the run computes, and with whom. */
async function examineRun(examination: Examination, config: Config, terminal: Terminal) {
  const { env, workingFolder } = terminal;
  const model = await examination.make(RUN, MODEL, () => modelFacts(config, terminal));
  const fit = await examination.make(RUN, PLAN, () => fitOf(config, terminal));
  await examination.make(RUN, KEYS, () => keysFacts(config, workingFolder));
  let door: Door | undefined;
  if (examination.hasFailed(RUN, KEYS)) {
    examination.put(RUN, PORT, { status: 'skipped', found: 'not tried, since the keys cannot be used' });
  } else door = (await examination.make(RUN, PORT, () => openDoor(config, terminal)))?.door;
  return { door, fit, needs: needsOf(config, env, model, fit) };
}

/** What the orchestrator needs, and workers that are started here. @returns what its Python says of it, if anything */
async function examineHere(
  examination: Examination,
  about: { config: Config; fit: Fit | undefined; needs: Needs; place: string; expect: number },
  { env }: Terminal,
): Promise<Machine | undefined> {
  const { config, fit, needs, place, expect } = about;
  const { backend, keys } = config.worker;
  await examination.make(HERE, NODE, () => ({ version: process.versions.node, platform: process.platform }));
  await examination.make(HERE, ENCRYPTION, () => ({ curve: hasCurve(), leavesMachine: keys !== '' }));
  const workers = (fit?.posts.length ?? 1) + Math.max(expect, config.worker.expect);
  await examination.make(HERE, OPEN_FILES, () => ({ limit: openFilesLimit(), workers }));
  const folder = nearestFolder(place);
  const python = pythonPath(env, backend);
  const hint = 'npm run setup makes one; or name one that has the packages in RZERO_PYTHON';
  const facts = await examination.make(HERE, PYTHON, () => lookHere(python, folder, env, needs), { hint });
  for (const check of MACHINE_CHECKS) {
    if (facts === undefined) examination.put(HERE, check, { status: 'skipped', found: 'there is no Python to ask' });
    else await examination.make(HERE, check, () => facts);
  }
  await examination.make(HERE, DISK, () => diskFacts(config, fit, place));
  const type = facts?.machine.workingFolder.fileSystem ?? '';
  await examination.make(HERE, FILE_SYSTEM, async () => ({ folder, type, problems: await tryFolder(folder) }));
  return facts?.machine;
}

/** Why no worker is started; undefined where one is. */
function whyNoneIsStarted(examination: Examination, { worker }: Config): string | undefined {
  if (worker.count === 0) return 'none is started here (worker.count is 0)';
  if (examination.hasFailed(HERE, PYTHON) || examination.hasFailed(HERE, PACKAGES)) {
    return 'none was started, since Python or its packages are missing';
  }
  return undefined;
}

/** What an error means, by the exit code that a run would have ended with. */
function explain(error: unknown): { kind: Kind; message: string } {
  const { exitCode, message } = explainError(error);
  const kind = (Object.keys(EXIT_OF) as Kind[]).find((one) => EXIT_OF[one] === exitCode);
  return { kind: kind ?? 'unavailable', message };
}

function planOf(flags: DoctorFlags, workingFolder: string): { config: Config; expect: number; wait: number } {
  const { model, listen, keys } = flags;
  const named = (
    [
      ['model', model],
      ['worker.listen', listen],
      ['worker.keys', keys],
    ] as const
  ).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${JSON.stringify(value)}`]));
  const config = configFrom(flags, workingFolder, named);
  const expect = whole('--expect', flags.expect, listen === undefined ? 0 : 1);
  if (expect > 0 && config.worker.listen === '') {
    throw new UsageError('--expect goes with --listen ADDRESS, or with worker.listen: there is nowhere to dial in');
  }
  return { config, expect, wait: whole('--wait', flags.wait, 300) };
}

function whole(flag: string, text: string | undefined, missing: number): number {
  if (text === undefined) return missing;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`${flag} ${text}: allowed is a whole number from 1 to 999999`);
}
