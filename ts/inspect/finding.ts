/** What a model is judged by, in the order of a report. */
export const TOPICS = [
  'model',
  'weights',
  'tokenizer',
  'texts',
  'template',
  'prompts',
  'end of text',
  'context',
  'training',
  'sampling',
  'memory',
  'licence',
] as const;

export type Topic = (typeof TOPICS)[number];

/** One thing that was looked at. */
export interface Finding {
  topic: Topic;
  /** `failed`: the model cannot be used as it is. */
  status: 'ok' | 'warning' | 'failed';
  message: string;
  /** What to do about it. */
  hint?: string;
}

export const ok = (topic: Topic, message: string): Finding => ({ topic, status: 'ok', message });

export const warning = (topic: Topic, message: string, hint: string): Finding => ({
  topic,
  status: 'warning',
  message,
  hint,
});

export const failed = (topic: Topic, message: string, hint: string): Finding => ({
  topic,
  status: 'failed',
  message,
  hint,
});
