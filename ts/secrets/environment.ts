import { type Redact, redactor } from './redact.ts';

/** Variables that hold secrets by their names: RZERO_TOKEN, RZERO_JUDGE_KEY, HF_TOKEN, HUGGING_FACE_HUB_TOKEN, WANDB_API_KEY and the like. */
const SECRET = /(?:^|_)(?:TOKEN|API_KEY|JUDGE_KEY|SECRET|SECRET_KEY|ACCESS_KEY|PASSWORD)$/;

/** What is shorter is no secret, and is part of many words. */
const SHORTEST = 6;

/** Secrets that an environment holds. */
export function secretsIn(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && SECRET.test(name) && value.length >= SHORTEST ? [value] : [],
  );
}

/** What takes the secrets of an environment out of texts, and whatever looks like one. */
export function redactorFor(environment: Readonly<Record<string, string | undefined>>): Redact {
  return redactor(secretsIn(environment));
}
