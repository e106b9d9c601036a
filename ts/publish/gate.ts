import { type BaseLicence, termsOf } from './baseLicence.ts';
import { list } from './markdown.ts';

/** Who is going to see it, and under which name. */
export interface Publication {
  /** OWNER/NAME */
  repository: string;
  kind: 'model' | 'dataset';
  isPrivate: boolean;
}

/**
 * Why something that comes from a base model must not be made public just so: what its licence limits or asks of the name.
 *
 * @returns a message for people; undefined where the licence lets it pass
 */
export function objection(licence: BaseLicence, { repository, kind, isPrivate }: Publication): string | undefined {
  if (isPrivate) return undefined;
  const { title, link, demands, warnings, namePrefix } = termsOf(licence);
  const name = repository.split('/')[1] ?? '';
  const misnamed = kind === 'model' && namePrefix !== undefined && !isNamed(name, namePrefix);
  const reasons = [...warnings, ...(misnamed ? [`The name ${name} does not begin with "${namePrefix}".`] : [])];
  if (reasons.length === 0) return undefined;
  const licensed = title === 'unknown' ? 'under a licence that is not known' : `under: ${title}`;
  const asked = demands.length === 0 ? [] : ['It asks of whoever passes on what is derived from it:', list(demands)];
  return [
    `${repository} would be public, and its base model is ${licensed}${link === undefined ? '' : ` (${link})`}.`,
    list(reasons),
    ...asked,
    'Once that is settled, push with --accept-licence; or with --private, for a repository that nobody else sees.',
  ].join('\n');
}

/** A blank of the prefix may be a dash in a name. */
function isNamed(name: string, prefix: string): boolean {
  const letters = (text: string) => text.toLowerCase().replace(/[\s_-]/g, '');
  return letters(name).startsWith(letters(prefix));
}
