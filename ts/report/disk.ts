import type { DiskNeed } from '../placement/disk.ts';
import { GIB } from '../placement/units.ts';
import { size } from './text.ts';

/** What is free in a folder. */
interface Room {
  folder: string;
  bytes: number;
}

/** What a run has on disk, a line each, in GiB. */
export function diskTable({ items, underWay, afterwards }: DiskNeed): string[] {
  const row = (name: string, values: readonly string[]) =>
    name.padEnd(42) + values.map((value) => value.padStart(12)).join('');
  const gib = (bytes: number) => (bytes / GIB).toFixed(1);
  return [
    row('', ['under way', 'afterwards']),
    ...items.map((item) => row(item.what, [gib(item.underWay), item.afterwards === 0 ? '' : gib(item.afterwards)])),
    row('total', [gib(underWay), gib(afterwards)]),
  ];
}

/** The same in a sentence. */
export function diskLine({ underWay, afterwards }: DiskNeed, room: Room | undefined): string {
  const free = room === undefined ? '' : `; ${freeLine(room)}`;
  return `A run takes up to ${size(underWay)} of disk and leaves ${size(afterwards)}${free}.`;
}

/** What is free. */
export function freeLine({ folder, bytes }: Room): string {
  return `${size(bytes)} are free in ${folder}`;
}

/** That there is too little room, or undefined where there is enough. */
export function roomWarning({ underWay }: DiskNeed, room: Room | undefined): string | undefined {
  if (room === undefined || room.bytes >= underWay) return undefined;
  return `the run needs about ${size(underWay)} and ${freeLine(room)}`;
}
