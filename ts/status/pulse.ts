import { holderState } from '../store/lease.ts';
import { newestHeader, segmentSizes } from '../store/segments.ts';

/** A text that changes whenever how a run stands may have changed. It costs little: the journal is not read. */
export function pulseOf(run: string): string {
  const holder = newestHeader(run);
  return JSON.stringify([...segmentSizes(run), holder === undefined ? '' : holderState(run, holder.attempt)]);
}
