import { readdirSync } from 'node:fs';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import type { RunFolder } from '../store/runFolder.ts';

/** What `rzero eval` left in a run: `evals/NAME/scores.json`, by name. One that is of another version is left out. */
export function readEvaluations(folder: RunFolder): ScoresDocument[] {
  if (!folder.has('evals')) return [];
  return readdirSync(folder.file('evals'))
    .sort()
    .map((name) => `evals/${name}/scores.json`)
    .filter((name) => folder.has(name))
    .map((name) => folder.readDocument<ScoresDocument>(name))
    .filter(({ version }) => version === 1);
}
