import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Capability, LoadModelParams, WeightsProof } from '../../protocol/generated.ts';
import type { Kind } from './dispatcher.ts';
import type { Held, Member } from './member.ts';

/** Published weights in a folder. */
export interface WrittenWeights {
  path: string;
  /** Of the folder's manifest, where it is known. */
  manifestSha256?: string;
}

/** What the pool knows of a model: enough to bring any worker to its published weights. */
export interface ModelRecord {
  readonly params: LoadModelParams;
  /** Grows with every load under this name, so that what was loaded before is not taken for this. */
  readonly generation: number;
  /** Who holds weights that came to be there, by training or averaging; where there are none, nobody in particular. */
  holder: Member | undefined;
  /** Of the published weights. */
  version: number;
  /** Counts what was published; a checkpoint may bring other weights under a version that there was before. */
  publication: number;
  /** Of the published weights, by whoever published them; undefined where nobody has been asked for one. */
  proof: WeightsProof | undefined;
  /**
   * The published weights in a folder, for those who do not hold them; undefined where they are those of the
   * source, and where the holder's were published without writing them down.
   */
  weights: WrittenWeights | undefined;
  /** What can be asked of whoever is free. */
  readonly tasks: Readonly<Record<Capability, Kind>>;
}

/** Whether what is under the model's name is its latest publication. */
export function isOf(record: ModelRecord, models: ReadonlyMap<string, Held>): boolean {
  const held = models.get(record.params.modelId);
  return held?.generation === record.generation && held.publication === record.publication;
}

/**
 * Where published weights are handed over: folders that every worker can read. The last two of a model
 * stay, since a worker may be reading one while the next is written.
 */
export class Exchange {
  private readonly folder: string;
  private readonly remove: typeof removeAll;
  private readonly written = new Map<string, string[]>();
  private places = 0;

  /**
   * @param folder this exchange's own; it need not exist
   * @param remove removes folders, with all that is in them
   */
  constructor(folder: string, remove = removeAll) {
    this.folder = folder;
    this.remove = remove;
  }

  /** A new folder's name: a version may be published twice, with a checkpoint in between that took it back. */
  place(): string {
    this.places += 1;
    return join(this.folder, String(this.places));
  }

  /** Remember what was written, and remove what nobody needs any more. */
  async keep({ params }: ModelRecord, path: string): Promise<void> {
    const paths = [...(this.written.get(params.modelId) ?? []), path];
    this.written.set(params.modelId, paths.slice(-2));
    await this.remove(paths.slice(0, -2));
  }

  /** Remove all of a model's. */
  async forget(modelId: string): Promise<void> {
    const paths = this.written.get(modelId) ?? [];
    this.written.delete(modelId);
    await this.remove(paths);
  }

  /** Remove the whole exchange. */
  async close(): Promise<void> {
    await this.remove([this.folder]);
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })));
}
