import { createReadStream } from 'node:fs';
import { fieldError, readJsonLines, textField } from '../../cli/jsonLines.ts';
import { UsageError } from '../../cli/usage.ts';
import type { Pair } from './pair.ts';

/**
 * Pairs of a file of JSON lines: gold, pred, truth (true, false or null), and id and kind where given. Where a field
 * `policy` names a convention, graders may differ: it becomes part of the kind.
 *
 * @throws UsageError naming the line; an error of the file system
 */
export async function readPairs(path: string): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const lines of readJsonLines(createReadStream(path))) {
    for (const line of lines) {
      try {
        if ('error' in line) throw line.error;
        const { id, kind, truth, policy } = line.record;
        if (truth !== null && typeof truth !== 'boolean') throw fieldError('truth', truth, 'true, false or null');
        const name = [kind ?? 'pairs', policy ?? ''].filter((part) => part !== '').join(': ');
        const texts = { gold: textField(line.record, 'gold'), pred: textField(line.record, 'pred') };
        pairs.push({ id: `${id ?? line.number}`, kind: name, ...texts, truth });
      } catch (error) {
        throw new UsageError(`${path}: line ${line.number}: ${(error as Error).message}`);
      }
    }
  }
  return pairs;
}
