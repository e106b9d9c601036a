/** The base models that the paper trains. */
export const BACKBONES = ['qwen3-4b', 'qwen3-8b', 'octothinker-3b', 'octothinker-8b'] as const;

export type Backbone = (typeof BACKBONES)[number];

/** As people write them. */
export const BACKBONE_NAMES: Readonly<Record<Backbone, string>> = {
  'qwen3-4b': 'Qwen3-4B-Base',
  'qwen3-8b': 'Qwen3-8B-Base',
  'octothinker-3b': 'OctoThinker-3B',
  'octothinker-8b': 'OctoThinker-8B',
};

/**
 * Which of the paper's base models a model is: a hub name or a folder, by its last part. The paper trains base models, so
 * that a chat model of the same size is none of them; which of OctoThinker's branches it took, it does not say, so any
 * counts.
 *
 * @returns null where it is none of them
 */
export function backboneOf(model: string): Backbone | null {
  const name = (model.split(/[\\/]/).findLast((part) => part !== '') ?? '').toLowerCase();
  const qwen = /^qwen3-(4b|8b)-base$/.exec(name);
  if (qwen !== null) return `qwen3-${qwen[1]}` as Backbone;
  const octo = /^octothinker-(3b|8b)-(?:(?:long|short|hybrid)-)?base$/.exec(name);
  return octo === null ? null : (`octothinker-${octo[1]}` as Backbone);
}
