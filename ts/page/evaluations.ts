import { readdirSync, statSync } from 'node:fs';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import type { RunFolder } from '../store/runFolder.ts';

/**
 * What `rzero eval` left in a run, `evals/NAME/scores.json`: the base first, then by iteration. One that is of another
 * version is left out.
 */
export function readEvaluations(folder: RunFolder): ScoresDocument[] {
  const iteration = ({ model }: ScoresDocument): number => model.iteration ?? Number.POSITIVE_INFINITY;
  return scoresFiles(folder)
    .map((name) => folder.readDocument<ScoresDocument>(name))
    .filter(({ version }) => version === 1)
    .sort((one, other) => (iteration(one) === iteration(other) ? 0 : iteration(one) - iteration(other)));
}

/** A text that changes whenever {@link readEvaluations} may find something else. */
export function evaluationsPulse(folder: RunFolder): string {
  return scoresFiles(folder)
    .map((name) => `${name} ${statSync(folder.file(name)).mtimeMs}`)
    .join('\n');
}

function scoresFiles(folder: RunFolder): string[] {
  if (!folder.has('evals')) return [];
  return readdirSync(folder.file('evals'))
    .sort()
    .map((name) => `evals/${name}/scores.json`)
    .filter((name) => folder.has(name));
}
