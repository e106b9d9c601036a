import { loadConfig } from '../../../ts/config/load.ts';
import type { Settings } from '../../../ts/domain/settings.ts';

/** One iteration of the paper with a step of each phase, as small as can be; `sets` are assignments on top. */
export function smallSettings(...sets: string[]): Settings {
  const small = [
    ['iterations', 1],
    ['challenger.steps', 1],
    ['challenger.prompts', 1],
    ['challenger.rollouts', 2],
    ['challenger.miniBatch', 1],
    ['answering.votes', 2],
    ['questions.candidates', 2],
    ['solver.steps', 1],
    ['solver.prompts', 1],
    ['solver.rollouts', 2],
    ['solver.miniBatch', 2],
  ].map(([name, value]) => `${name}=${value}`);
  return loadConfig({ preset: 'paper', sets: [...small, ...sets] });
}
