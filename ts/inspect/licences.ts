/** What a licence asks of whoever publishes a model derived from one that stands under it. */
export interface LicenceTerms {
  /** What people call it. */
  title: string;
  /** Where its text is. */
  link?: string;
  /** What whoever passes a derived model on must do, a sentence each. */
  demands: readonly string[];
  /** What they must know before they do, a sentence each: limits to use, or that nothing is known. None: use is free. */
  warnings: readonly string[];
  /** What a derived model's name must begin with. */
  namePrefix?: string;
  /** What must be displayed with a derived model, word for word. */
  display?: string;
}

const NOTICE = 'Keep its copyright notice and its text with the model.';
const SHARE_ALIKE = 'Pass derived models on under the same licence.';
const CREDIT = 'Name the authors, the licence and that the model was changed.';
const NON_COMMERCIAL = 'Commercial use is not allowed: this licence is for research or other non-commercial use.';
const LOOK = 'Read it before you publish anything that is derived from the model.';

/** Licences that allow any use, by the hub's tags. */
const PERMISSIVE: Readonly<Record<string, LicenceTerms>> = {
  'apache-2.0': {
    title: 'Apache License 2.0',
    link: 'https://www.apache.org/licenses/LICENSE-2.0',
    demands: ["Keep its text and the base model's notices with the model, and say that it was changed."],
    warnings: [],
  },
  mit: { title: 'MIT License', link: 'https://opensource.org/license/mit', demands: [NOTICE], warnings: [] },
  'bsd-2-clause': {
    title: 'BSD 2-Clause License',
    link: 'https://opensource.org/license/bsd-2-clause',
    demands: [NOTICE],
    warnings: [],
  },
  'bsd-3-clause': {
    title: 'BSD 3-Clause License',
    link: 'https://opensource.org/license/bsd-3-clause',
    demands: [NOTICE],
    warnings: [],
  },
  'cc0-1.0': {
    title: 'CC0 1.0',
    link: 'https://creativecommons.org/publicdomain/zero/1.0/',
    demands: [],
    warnings: [],
  },
  unlicense: { title: 'The Unlicense', link: 'https://unlicense.org', demands: [], warnings: [] },
  'cc-by-4.0': {
    title: 'CC BY 4.0',
    link: 'https://creativecommons.org/licenses/by/4.0/',
    demands: [CREDIT],
    warnings: [],
  },
  'cc-by-sa-4.0': {
    title: 'CC BY-SA 4.0',
    link: 'https://creativecommons.org/licenses/by-sa/4.0/',
    demands: [CREDIT, SHARE_ALIKE],
    warnings: [],
  },
  'gpl-3.0': {
    title: 'GNU General Public License 3.0',
    link: 'https://www.gnu.org/licenses/gpl-3.0.html',
    demands: [NOTICE, SHARE_ALIKE],
    warnings: [],
  },
  'agpl-3.0': {
    title: 'GNU Affero General Public License 3.0',
    link: 'https://www.gnu.org/licenses/agpl-3.0.html',
    demands: [NOTICE, SHARE_ALIKE],
    warnings: [],
  },
};

const NAMED = { builtWith: 'Built with Llama', namePrefix: 'Llama' };

/** A licence of Meta's for a model by the name that it uses. */
function llama(
  model: string,
  title: string,
  link: string,
  { builtWith, namePrefix, warnings = [] }: { builtWith?: string; namePrefix?: string; warnings?: readonly string[] },
): LicenceTerms {
  const owner = 'Copyright © Meta Platforms, Inc. All Rights Reserved.';
  return {
    title,
    link,
    demands: [
      'Give a copy of the agreement to whoever gets the model.',
      ...(builtWith === undefined ? [] : [`Display "${builtWith}" prominently in what documents the model.`]),
      ...(namePrefix === undefined ? [] : [`Begin the model's name with "${namePrefix}".`]),
      `Put "${model} is licensed under the ${title}, ${owner}" into a file Notice.`,
    ],
    warnings: [
      'Use is limited by its acceptable use policy, and products with more than 700 million users a month need a ' +
        'licence of their own.',
      ...warnings,
    ],
    ...(namePrefix === undefined ? {} : { namePrefix }),
    ...(builtWith === undefined ? {} : { display: builtWith }),
  };
}

/** Licences that limit what a model may be used for, or by whom, by the hub's tags. */
const RESTRICTIVE: Readonly<Record<string, LicenceTerms>> = {
  llama2: llama('Llama 2', 'LLAMA 2 Community License', 'https://ai.meta.com/llama/license/', {
    warnings: ['Its outputs may not be used to improve any language model but Llama 2 and what is derived from it.'],
  }),
  llama3: llama('Meta Llama 3', 'Meta Llama 3 Community License', 'https://www.llama.com/llama3/license/', {
    builtWith: 'Built with Meta Llama 3',
    namePrefix: 'Llama 3',
    warnings: ['Its outputs may not be used to improve any language model but Llama 3 and what is derived from it.'],
  }),
  'llama3.1': llama('Llama 3.1', 'Llama 3.1 Community License', 'https://www.llama.com/llama3_1/license/', NAMED),
  'llama3.2': llama('Llama 3.2', 'Llama 3.2 Community License', 'https://www.llama.com/llama3_2/license/', NAMED),
  'llama3.3': llama('Llama 3.3', 'Llama 3.3 Community License', 'https://www.llama.com/llama3_3/license/', NAMED),
  llama4: llama('Llama 4', 'Llama 4 Community License', 'https://www.llama.com/llama4/license/', NAMED),
  gemma: {
    title: 'Gemma Terms of Use',
    link: 'https://ai.google.dev/gemma/terms',
    demands: [
      'Give a copy of the terms to whoever gets the model, and hold them to its use restrictions.',
      'Say in the files that were changed that they were.',
      'Put "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms" ' +
        'into a file Notice.',
    ],
    warnings: ['Use is limited by its prohibited use policy, https://ai.google.dev/gemma/prohibited_use_policy.'],
  },
  'qwen-research': {
    title: 'Qwen RESEARCH LICENSE AGREEMENT',
    link: 'https://huggingface.co/Qwen/Qwen2.5-3B/blob/main/LICENSE',
    demands: [
      'Give a copy of the agreement to whoever gets the model, and say which files were changed.',
      'Display "Built with Qwen" or "Improved using Qwen" in what documents the model.',
      'Keep its notice of attribution in a file Notice.',
    ],
    warnings: [NON_COMMERCIAL],
    display: 'Built with Qwen',
  },
  qwen: {
    title: 'Qwen LICENSE AGREEMENT',
    link: 'https://huggingface.co/Qwen/Qwen2.5-72B/blob/main/LICENSE',
    demands: [
      'Give a copy of the agreement to whoever gets the model, and say which files were changed.',
      'Display "Built with Qwen" or "Improved using Qwen" in what documents the model.',
      'Keep its notice of attribution in a file Notice.',
    ],
    warnings: ['Products with more than 100 million users a month need a licence of their own.'],
    display: 'Built with Qwen',
  },
  'cc-by-nc-4.0': {
    title: 'CC BY-NC 4.0',
    link: 'https://creativecommons.org/licenses/by-nc/4.0/',
    demands: [CREDIT],
    warnings: [NON_COMMERCIAL],
  },
  'cc-by-nc-sa-4.0': {
    title: 'CC BY-NC-SA 4.0',
    link: 'https://creativecommons.org/licenses/by-nc-sa/4.0/',
    demands: [CREDIT, SHARE_ALIKE],
    warnings: [NON_COMMERCIAL],
  },
  'cc-by-nc-nd-4.0': {
    title: 'CC BY-NC-ND 4.0',
    link: 'https://creativecommons.org/licenses/by-nc-nd/4.0/',
    demands: [],
    warnings: [NON_COMMERCIAL, 'Derived models may not be passed on.'],
  },
  ...Object.fromEntries(
    ['openrail', 'openrail++', 'bigscience-openrail-m', 'bigcode-openrail-m', 'bigscience-bloom-rail-1.0'].map(
      (tag) => [
        tag,
        {
          title: tag,
          demands: ['Give a copy of the licence to whoever gets the model, and hold them to its use restrictions.'],
          warnings: [`Use is limited by the restrictions that the licence lists. ${LOOK}`],
        },
      ],
    ),
  ),
};

/**
 * What a licence asks, as the hub's tags name it.
 *
 * It is a help to whoever publishes, and no advice of a lawyer: what counts is the licence's own text.
 *
 * @param tag `license` of a model card's front matter, or `license_name` where that is "other"; undefined where a model
 *   names none
 */
export function licenceTerms(tag: string | undefined): LicenceTerms {
  const name = tag?.trim().toLowerCase() ?? '';
  const known = Object.hasOwn(PERMISSIVE, name)
    ? PERMISSIVE[name]
    : Object.hasOwn(RESTRICTIVE, name)
      ? RESTRICTIVE[name]
      : undefined;
  if (known !== undefined) return known;
  if (['', 'unknown', 'other'].includes(name)) {
    const warning = `The base model names no licence that is known here: it may allow nothing. ${LOOK}`;
    return { title: 'unknown', demands: [], warnings: [warning] };
  }
  const nonCommercial = /(^|[^a-z])(nc|non-?commercial|research)([^a-z]|$)/.test(name) ? [NON_COMMERCIAL] : [];
  const warning = `What the licence "${tag?.trim()}" asks is not known here. ${LOOK}`;
  return { title: tag?.trim() ?? '', demands: [], warnings: [...nonCommercial, warning] };
}
