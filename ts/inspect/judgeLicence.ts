import type { Licence } from '../protocol/generated.ts';
import { type Finding, ok, warning } from './finding.ts';
import { licenceTerms } from './licences.ts';

/** What a model's licence asks of whoever passes on what is trained from it, and where that is written. */
export function judgeLicence({ id, name, link, file, baseModels }: Licence): Finding {
  const terms = licenceTerms(id === 'other' ? name : id);
  const of = baseModels.length === 0 ? '' : `, made from ${baseModels.join(', ')}`;
  const source = terms.link ?? (link || file);
  const where = source === '' ? '' : ` [${source}]`;
  const message = [`${terms.title}${of}.`, ...terms.demands].join(' ') + where;
  return terms.warnings.length === 0 ? ok('licence', message) : warning('licence', message, terms.warnings.join(' '));
}
