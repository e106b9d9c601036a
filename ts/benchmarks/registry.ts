import type { Description, HubSource } from './description.ts';

/**
 * Where the hub keeps its own Parquet version of a data set, CONFIG/SPLIT/0000.parquet. Taken where neither a commit nor
 * the names of the repository's own files could be found out: the layout of that branch is always the same.
 */
const CONVERTED = 'refs/convert/parquet';

const hub = (name: string, revision: string, ...files: string[]): HubSource => ({ hub: name, revision, files });

/** Free answers, put as the Solver was trained, compared by the rule grader, with the paper's sizes. */
const MATH = { group: 'math', prompt: 'solver', extraction: 'boxed', maxTokens: 4096 } as const;
const GREEDY = { metric: 'greedy', samples: 0 } as const;
const MEAN = { metric: 'mean', samples: 32 } as const;

/** Reasoning before a letter takes more room. */
const CHOICE = { group: 'general', prompt: 'choice', extraction: 'choice', maxTokens: 8192, ...GREEDY } as const;

/**
 * The paper's benchmarks: the data sets, splits and fields of its evaluation, in the order of its tables. `samples` is the
 * k of mean@k in the paper's protocol, drawn as samples and not as copies of one greedy answer.
 */
export const REGISTRY: readonly Description[] = [
  {
    name: 'amc',
    title: 'AMC',
    ...MATH,
    ...MEAN,
    source: hub('zwhe99/amc23', 'f9810c0439cd3c670ec885d328a2f06a87f3694a', 'data/test-00000-of-00001.parquet'),
    fields: { question: 'question', answer: 'answer' },
    items: 40,
  },
  {
    name: 'minerva',
    title: 'Minerva',
    ...MATH,
    ...GREEDY,
    source: hub('zwhe99/simplerl-minerva-math', CONVERTED, 'default/test/0000.parquet'),
    fields: { question: 'problem', answer: 'answer' },
    items: 272,
  },
  {
    // The published code reads the CSV of openai/simple-evals, on a server of its own that has no revisions; these are
    // the same 500 problems, which can be pinned and cached.
    name: 'math-500',
    title: 'MATH-500',
    ...MATH,
    ...GREEDY,
    source: hub('HuggingFaceH4/MATH-500', '6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be', 'test.jsonl'),
    fields: { question: 'problem', answer: 'answer', id: 'unique_id', category: 'subject' },
    items: 500,
  },
  {
    name: 'gsm8k',
    title: 'GSM8K',
    ...MATH,
    ...GREEDY,
    source: hub('openai/gsm8k', '740312add88f781978c0658806c59bc2815b9866', 'main/test-00000-of-00001.parquet'),
    fields: { question: 'question', answer: { from: 'answer', after: '####' } },
    items: 1319,
  },
  {
    name: 'olympiadbench',
    title: 'OlympiadBench',
    ...MATH,
    ...GREEDY,
    source: hub('zwhe99/simplerl-OlympiadBench', CONVERTED, 'default/test/0000.parquet'),
    fields: { question: 'question', answer: { from: 'final_answer', first: true } },
    items: 675,
  },
  {
    name: 'aime-2025',
    title: 'AIME 2025',
    ...MATH,
    ...MEAN,
    source: hub(
      'yentinglin/aime_2025',
      '6f71d77b0b89b9dabe07ab466c51df33f514df7f',
      'data/train-00000-of-00001-243207c6c994e1bd.parquet',
    ),
    fields: { question: 'problem', answer: 'answer', id: 'id' },
    items: 30,
  },
  {
    name: 'aime-2024',
    title: 'AIME 2024',
    ...MATH,
    ...MEAN,
    source: hub(
      'HuggingFaceH4/aime_2024',
      '2fe88a2f1091d5048c0f36abc874fb997b3dd99a',
      'data/train-00000-of-00001.parquet',
    ),
    fields: { question: 'problem', answer: 'answer', id: 'id' },
    items: 30,
  },
  {
    name: 'supergpqa',
    title: 'SuperGPQA',
    ...CHOICE,
    source: hub('m-a-p/SuperGPQA', '4430d4458112c7d4497fdcf94d7cc223313d6acf', 'SuperGPQA-all.jsonl'),
    fields: {
      question: 'question',
      choices: 'options',
      answer: 'answer_letter',
      id: 'uuid',
      category: 'discipline',
    },
    items: 26_529,
  },
  {
    name: 'mmlu-pro',
    title: 'MMLU-Pro',
    ...CHOICE,
    source: hub('TIGER-Lab/MMLU-Pro', 'b189ec765aa7ed75c8acfea42df31fdae71f97be', 'data/test-00000-of-00001.parquet'),
    fields: { question: 'question', choices: 'options', answer: 'answer', id: 'question_id', category: 'category' },
    items: 12_032,
  },
  {
    // Its questions bring their options along, where they have any, and many have none.
    name: 'bbeh',
    title: 'BBEH',
    ...CHOICE,
    prompt: 'solver',
    extraction: 'exact',
    source: hub('MrLight/bbeh-eval', 'main', 'train.jsonl'),
    fields: { question: 'question', answer: 'answer', category: 'task' },
    items: 4520,
  },
];
