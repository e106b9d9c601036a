import type { Finding } from './finding.ts';

/** A model that a run cannot begin with. */
export class ModelUnusable extends Error {
  override readonly name = 'ModelUnusable';

  /** @param findings those that failed, at least one */
  constructor(model: string, findings: readonly Finding[]) {
    const said = findings.map(
      ({ topic, message, hint }) => `${topic}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
    );
    super(`model ${model} cannot be used: ${said.join('; ')}\n\`rzero model check ${model}\` says all there is to it`);
  }
}
