import type { Gpu } from './gpu.ts';

/** GPUs that a run may use: as many on each host. */
export interface Cluster {
  hosts: number;
  gpusPerHost: number;
  gpu: Gpu;
}

/** A GPU of a cluster: of which host, and which of that host's, both from 0. */
export interface Place {
  host: number;
  gpu: number;
}

/** GPUs that are one worker. */
export interface Group {
  places: readonly Place[];
}

/** Who does what. */
export interface Layout {
  /** Whether those who train also sample, or their GPUs do. */
  kind: 'colocated' | 'apart';
  /** One worker trains and samples; else each does one, and weights are handed over. */
  single: boolean;
  /** The GPUs that train together, the first of each host's. */
  trainer: Group;
  /** Samplers; one of several GPUs lies within a host. */
  samplers: readonly Group[];
  /** Sampling and training sleep for each other, because both do not fit at once. */
  turns: boolean;
}

/** GPUs that a layout uses. */
export function gpusUsed({ trainer, samplers }: Layout): number {
  const all = [trainer, ...samplers].flatMap(({ places }) => places);
  return new Set(all.map(({ host, gpu }) => `${host}/${gpu}`)).size;
}

/** Workers that a layout has. */
export function workersOf({ single, samplers }: Layout): number {
  return single ? 1 : 1 + samplers.length;
}

/** One worker on the first GPU, which both trains and samples. */
export function alone(turns: boolean): Layout {
  const group = { places: [{ host: 0, gpu: 0 }] };
  return { kind: 'colocated', single: true, trainer: group, samplers: [group], turns };
}

/** The first GPUs train together, and all sample, in groups of `tensorParallel`. */
export function colocated(cluster: Cluster, trainers: number, tensorParallel: number, turns: boolean): Layout {
  return {
    kind: 'colocated',
    single: false,
    trainer: { places: placesOf(cluster).slice(0, trainers) },
    samplers: groupsOf(placesOf(cluster), tensorParallel),
    turns,
  };
}

/**
 * The first GPUs train together, and the others sample, in groups of `tensorParallel`; undefined where none is left for
 * that.
 */
export function apart(cluster: Cluster, trainers: number, tensorParallel: number): Layout | undefined {
  const places = placesOf(cluster);
  const samplers = groupsOf(places.slice(trainers), tensorParallel);
  if (samplers.length === 0) return undefined;
  return { kind: 'apart', single: false, trainer: { places: places.slice(0, trainers) }, samplers, turns: false };
}

function placesOf({ hosts, gpusPerHost }: Cluster): Place[] {
  return Array.from({ length: hosts * gpusPerHost }, (_, index) => ({
    host: Math.floor(index / gpusPerHost),
    gpu: index % gpusPerHost,
  }));
}

/** Groups of neighbours on a host; what is left over has no part. */
function groupsOf(places: readonly Place[], size: number): Group[] {
  const hosts = [...new Set(places.map(({ host }) => host))];
  return hosts.flatMap((host) => {
    const here = places.filter((place) => place.host === host);
    return Array.from({ length: Math.floor(here.length / size) }, (_, index) => ({
      places: here.slice(index * size, (index + 1) * size),
    }));
  });
}
