import { createColors } from 'picocolors';
import type { DiskNeed } from '../placement/disk.ts';
import type { PieceSeconds } from '../placement/estimate.ts';
import type { Cluster, Layout } from '../placement/layout.ts';
import { gpusUsed, workersOf } from '../placement/layout.ts';
import { type Ledger, sum } from '../placement/memory.ts';
import type { Plan } from '../placement/plan.ts';
import type { Refusal } from '../placement/refusal.ts';
import type { ModelShape } from '../placement/shape.ts';
import { GIB } from '../placement/units.ts';
import { type Draw, meanRow, piecesOf, SAMPLE_SHARE, totals, type Workload } from '../placement/workload.ts';
import { diskTable, freeLine } from './disk.ts';
import type { RunFile } from './runFiles.ts';
import { amount, columns, duration, plural } from './text.ts';

/** The configuration that a plan is of. */
export interface PlannedConfig {
  preset: string;
  /** Of all that decides a result, as 64 hex digits. */
  hash: string;
  /** The options that are not as in the preset. */
  changed: readonly (readonly [option: string, value: unknown])[];
  /** Early warnings by their name, and what each leads to. */
  warnings: Readonly<Record<string, { action: string }>>;
}

/** What a plan is printed of. */
export interface PlanReport {
  /** What the plan is of: a model's name and a preset's. */
  title: string;
  configuration: PlannedConfig;
  cluster: Cluster;
  shape: ModelShape;
  workload: Workload;
  plan: Plan;
  /** What the run leaves. */
  files: readonly RunFile[];
  disk: DiskNeed;
  /** What is free where runs go; undefined where nobody can tell. */
  room: { folder: string; bytes: number } | undefined;
  /** What the user should know besides, a line each. */
  notes: readonly string[];
  /** How it is started, a line each; empty where `rzero run` starts all. */
  byHand: readonly string[];
  colour: boolean;
}

/** A plan, for people: cluster, model, who does what, memory and time. */
export function renderPlan(report: PlanReport): string {
  const { title, configuration, files, cluster, shape, workload, plan, disk, room, notes, byHand, colour } = report;
  const { bold } = createColors(colour);
  const blocks = [
    [bold(title), '', ...fields([...configurationOf(configuration), ...aboutOf(cluster, shape, workload)])],
    [bold(`Layout: ${layoutText(plan.layout)}`), ...picture(cluster, plan.layout)],
    [bold('Memory of the fullest GPU, in GiB'), ...ledgerTable(plan.ledgers), '', ...fields(roomOf(report))],
    [
      bold('Time in seconds, by a roofline: expect a factor of two'),
      ...timeTable(plan.estimate.pieces),
      '',
      total(report),
    ],
    [bold('Disk, in GiB'), ...diskTable(disk), ...(room === undefined ? [] : ['', freeLine(room)])],
    [bold('Files below the run folder'), ...filesTable(files)],
    ...(plan.others.length === 0 ? [] : [[bold('Also fits: an iteration'), ...others(plan)]]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `Note: ${note}`)]),
    ...(byHand.length === 0 ? [] : [[bold('To start it'), ...byHand]]),
  ];
  return `${blocks.map((lines) => lines.map((line) => line.trimEnd()).join('\n')).join('\n\n')}\n`;
}

/** Who does what, in a line. */
export function layoutText(layout: Layout): string {
  const { kind, single, trainer, samplers, turns } = layout;
  if (single) return `one worker samples and trains on one GPU${turns ? ', in turns' : ''}`;
  const size = samplers[0]?.places.length ?? 1;
  const some = samplers.length === 1 ? '1 sampler' : `${samplers.length} samplers`;
  const sampling = `${some}${size > 1 ? ` of ${size} GPUs each` : ''}`;
  const training = `a trainer of ${plural(trainer.places.length, 'GPUs')}`;
  return `${kind}: ${sampling} and ${training}${turns ? ', in turns' : kind === 'apart' ? '' : ', at once'}`;
}

/** Why nothing fits and what would, as an error's message. */
export function refusalText({ name }: ModelShape, { reason, remedies }: Refusal): string {
  const width = Math.max(...remedies.map(({ change }) => change.length));
  const list = remedies.map(({ change, what }) => `  ${change.padEnd(width)}   ${what}`);
  const hope =
    list.length === 0
      ? ['no single change that was tried makes it fit']
      : ['each of these alone makes it fit:', ...list];
  return [`${name} ${reason}`, ...hope].join('\n');
}

/** Which configuration it is, a line each; `rzero config` prints all of it. */
export function configurationOf({ preset, hash, changed, warnings }: PlannedConfig): [string, string][] {
  const options = changed.map(([option, value]) => `${option}=${JSON.stringify(value)}`);
  const beyond = options.length === 0 ? '' : ', with';
  return [
    ['configuration', `preset ${preset}, ${hash.slice(0, 12)}${beyond}`],
    ...options.map((text): [string, string] => ['', text]),
    ['warnings', warningsText(warnings)],
  ];
}

/** What the early warnings lead to: `labels stop the run; diversity, ... only warn`. */
function warningsText(warnings: PlannedConfig['warnings']): string {
  const names = (action: string) =>
    Object.entries(warnings).flatMap(([name, rule]) => (rule.action === action ? [name] : []));
  const [stop, back, none] = [names('stop'), names('roll-back'), names('none')];
  return [
    ...(stop.length === 0 ? [] : [`${stop.join(', ')} stop the run`]),
    ...(back.length === 0 ? [] : [`${back.join(', ')} roll it back`]),
    ...(none.length === 0 ? [] : [`${none.join(', ')} only warn`]),
  ].join('; ');
}

/** A run's files, for people. */
export function filesTable(files: readonly RunFile[]): string[] {
  return columns(files.map(({ path, what }) => [path, what]));
}

function aboutOf({ hosts, gpusPerHost, gpu }: Cluster, shape: ModelShape, workload: Workload): [string, string][] {
  const { parameters, activeParameters, layers, hidden, heads, kvHeads, headSize, contextLength, experts, note } =
    shape;
  const active = experts === undefined ? '' : `, ${billions(activeParameters)} of them for a token`;
  const speeds = `${gib(gpu.memoryBytes)} GiB, ${(gpu.bandwidth / 1e12).toFixed(2)} TB/s, ${Math.round(gpu.flops / 1e12)} TFLOP/s`;
  const dollars = (hosts * gpusPerHost * gpu.dollarsPerHour).toFixed(2);
  return [
    ['cluster', `${plural(hosts, 'hosts')} of ${gpusPerHost} x ${gpu.name} (${speeds}), about $${dollars} an hour`],
    [
      'model',
      `${billions(parameters)} parameters${active}: ${layers} layers of ${count(hidden)}, context ${count(contextLength)}`,
    ],
    ['', `${heads} heads of ${headSize}, ${kvHeads} of keys and values`],
    ...(note === undefined ? [] : ([['note', note]] as [string, string][])),
    ...piecesOf(workload, shape).map(({ name, times, draws, batch }): [string, string] => {
      const drawn = draws.map(drawText).join(', then ');
      return [name, `${times} x ${drawn}${batch === undefined ? '' : `; ${plural(batch.updates, 'updates')}`}`];
    }),
  ];
}

function drawText({ prompts, each, maxTokens }: Draw): string {
  return `${count(prompts * each)} samples of up to ${count(maxTokens)} tokens`;
}

/** A line for each host that differs from others: which sampler each of its GPUs is of, and which train. */
function picture({ hosts, gpusPerHost }: Cluster, { single, trainer, samplers }: Layout): string[] {
  const gpus = Array.from({ length: gpusPerHost }, (_, gpu) => gpu);
  const cellsOf = (label: string, texts: readonly string[]) =>
    label.padEnd(19) + texts.map((text) => text.padStart(5)).join('');
  const pictures = Array.from({ length: hosts }, (_, host) => {
    const at = (gpu: number) => (place: { host: number; gpu: number }) => place.host === host && place.gpu === gpu;
    const own = samplers.filter(({ places }) => places.some((place) => place.host === host));
    const sampler = gpus.map((gpu) => own.findIndex(({ places }) => places.some(at(gpu))));
    const samples = sampler.map((index) => (index === -1 ? '.' : single ? 'yes' : `s${index + 1}`));
    const trains = gpus.map((gpu) => (trainer.places.some(at(gpu)) ? (single ? 'yes' : 't') : '.'));
    return [samples, trains] as const;
  });
  const lines = [cellsOf('GPU', gpus.map(String))];
  for (let first = 0; first < hosts; ) {
    let last = first;
    while (last + 1 < hosts && String(pictures[last + 1]) === String(pictures[first])) last += 1;
    const [samples, trains] = pictures[first] as (typeof pictures)[number];
    const name = first === last ? `host ${first}` : `hosts ${first}-${last}`;
    lines.push(cellsOf(`${name.padEnd(12)}samples`, samples), cellsOf(`${''.padEnd(12)}trains`, trains));
    first = last + 1;
  }
  return lines;
}

function ledgerTable(ledgers: readonly Ledger[]): string[] {
  const names = [...new Set(ledgers.flatMap(({ items }) => items.map(({ what }) => what)))];
  const widths = ledgers.map(({ phase }) => Math.max(10, phase.length + 2));
  const row = (name: string, values: readonly string[]) =>
    name.padEnd(42) + values.map((value, index) => value.padStart(widths[index] ?? 0)).join('');
  return [
    row(
      '',
      ledgers.map(({ phase }) => phase),
    ),
    ...names.map((name) =>
      row(
        name,
        ledgers.map(({ items }) => {
          const item = items.find(({ what }) => what === name);
          return item === undefined ? '' : gib(item.bytes);
        }),
      ),
    ),
    row(
      'total',
      ledgers.map(({ items }) => gib(sum(items))),
    ),
    row(
      'free',
      ledgers.map(({ free }) => gib(free)),
    ),
  ];
}

function roomOf({ shape, workload, plan, cluster }: PlanReport): [string, string][] {
  const { rows, packTokens, hostBytes, layout } = plan;
  const mean = Math.round(meanRow(workload, shape));
  const all = rows * layout.samplers.length;
  return [
    ['rows', `${count(rows)} of ${count(mean)} tokens, a mean one, side by side on a sampler; ${count(all)} in all`],
    [
      'packs',
      `${count(packTokens)} tokens${workload.settings.trainer.packTokens === 0 && packTokens < 16_384 ? ', as many as fit' : ''}`,
    ],
    ...(hostBytes > 0
      ? ([
          [
            'host',
            `${gib(hostBytes)} GiB of ${cluster.hosts === 1 ? 'its' : "each host's"} memory hold what sleeps or waits`,
          ],
        ] as [string, string][])
      : []),
  ];
}

const PARTS = ['sampling', 'scoring', 'training', 'handover', 'turns', 'total'] as const;

function timeTable(pieces: readonly PieceSeconds[]): string[] {
  const row = (name: string, times: string, values: readonly string[]) =>
    name.padEnd(18) + times.padStart(5) + values.map((value) => value.padStart(11)).join('');
  return [
    row('', 'times', ['sampling', 'scoring', 'training', 'hand-over', 'turns', 'each']),
    ...pieces.map((piece) =>
      row(
        piece.name,
        String(piece.times),
        PARTS.map((part) => (piece[part] === 0 ? '' : seconds(piece[part]))),
      ),
    ),
  ];
}

function total({ cluster, shape, workload, plan }: PlanReport): string {
  const { iterations } = workload.settings;
  const { samples, sampled, trained } = totals(workload, shape);
  const { seconds } = plan.estimate;
  const all = (seconds * iterations) / 3600;
  const dollars = all * cluster.hosts * cluster.gpusPerHost * cluster.gpu.dollarsPerHour;
  const used = gpusUsed(plan.layout);
  const idle = cluster.hosts * cluster.gpusPerHost - used;
  return [
    `an iteration ${duration(seconds)}, ${plural(iterations, 'iterations')} ${duration(seconds * iterations)}: about $${dollars.toFixed(dollars < 10 ? 2 : 0)}`,
    `${plural(workersOf(plan.layout), 'workers')} on ${plural(used, 'GPUs')}${idle > 0 ? `, ${idle} idle` : ''}`,
    `${amount(samples)} samples, ${amount(sampled)} tokens sampled, ${amount(trained)} trained on, if samples have ${100 * SAMPLE_SHARE} % of their most tokens on average`,
  ].join('\n');
}

/** What also fits, and how much longer it would take. */
function others({ others, estimate }: Plan): string[] {
  return columns(
    others.map(({ layout, seconds }) => [
      duration(seconds),
      `${(seconds / estimate.seconds).toFixed(2)} x`,
      layoutText(layout),
    ]),
    [0, 1],
  );
}

/** Names and values in two columns. */
export function fields(pairs: readonly [string, string][]): string[] {
  return pairs.map(([name, value]) => `${name.padEnd(18)}${value}`);
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function billions(value: number): string {
  return value >= 1e9 ? `${(value / 1e9).toFixed(2)} billion` : `${(value / 1e6).toFixed(1)} million`;
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1);
}

function seconds(value: number): string {
  return value >= 100 ? count(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
