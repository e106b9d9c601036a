import { CHALLENGER_SYSTEM, CHALLENGER_USER, SOLVER_SYSTEM } from '../domain/prompts.ts';
import type { Arm, Settings } from '../domain/settings.ts';
import { rollsBack } from '../domain/warnings/rules.ts';
import type { Figure, Scores } from '../eval/scores.ts';
import { percent } from '../report/metrics.ts';
import type { IterationSummary, RunSummary } from '../report/runSummary.ts';
import { ARM_NOTES } from '../report/table.ts';
import { oneLine, plural } from '../report/text.ts';
import { type BaseLicence, termsOf } from './baseLicence.ts';
import { withFrontMatter } from './frontMatter.ts';
import { code, list, plain, table } from './markdown.ts';

/** What a model card is made of. */
export interface CardFacts {
  role: 'challenger' | 'solver';
  iteration: number;
  /** How the example opens it: its folder, or its name on the hub. */
  name: string;
  run: {
    preset: string;
    arm: Arm;
    seed: number;
    /** Iterations that it was to have. */
    iterations: number;
    finished: boolean;
    /** Of its configuration, in hex. */
    configHash: string;
    /** Of the program that wrote the card. */
    version: string;
  };
  base: {
    /** As people call it. */
    title: string;
    /** Its name on the hub, where it has one. */
    hub?: string;
    licence: BaseLicence;
  };
  weights: {
    /** All weights, adapters alone, or adapters merged into all weights. */
    form: 'whole' | 'adapter' | 'merged';
    /** float32, say. */
    dtype: string;
    /** Why that type, the rest of a sentence. */
    why: string;
  };
  settings: Settings;
  /** Of the iterations that are over. */
  summary: RunSummary;
  /** A problem of the kind that the Solver was examined with. */
  problem: string;
}

const CITATION = `\`\`\`bibtex
@article{huang2025rzero,
  title   = {R-Zero: Self-Evolving Reasoning LLM from Zero Data},
  author  = {Huang, Chengsong and Yu, Wenhao and Wang, Xiaoyang and Zhang, Hongming and Li, Zongxia and Li, Ruosen and
             Huang, Jiaxin and Mi, Haitao and Yu, Dong},
  journal = {arXiv preprint arXiv:2508.05004},
  year    = {2025}
}
\`\`\``;

/** The card of an exported model: README.md of its folder, as the hub reads it. */
export function modelCard(facts: CardFacts): string {
  const sections: [string, string][] = [
    ['How to use it', usage(facts)],
    ['What it was trained on', trainingData(facts)],
    ['Results', results(facts)],
    ['Training', training(facts)],
    ['Limitations', limitations(facts)],
    ['Licence', licence(facts.base.licence, facts.base.title, 'It holds for what is derived from it.')],
    ['Citation', `R-Zero: [arXiv 2508.05004](https://arxiv.org/abs/2508.05004)\n\n${CITATION}`],
  ];
  const text = sections.map(([title, content]) => `## ${title}\n\n${content}`).join('\n\n');
  return withFrontMatter(metadata(facts), `# ${plain(titleOf(facts))}\n\n${introduction(facts)}\n\n${text}`);
}

function titleOf({ role, iteration, base }: CardFacts): string {
  return `R-Zero ${nameOf(role)}, iteration ${iteration}, from ${base.title}`;
}

function nameOf(role: CardFacts['role']): string {
  return role === 'solver' ? 'Solver' : 'Challenger';
}

function metadata(facts: CardFacts): object {
  const { base, weights, role } = facts;
  const { license = 'unknown', name, link } = base.licence;
  const relation = weights.form === 'adapter' ? 'adapter' : 'finetune';
  const results = role === 'solver' ? modelIndex(facts) : [];
  return {
    ...(base.hub === undefined ? {} : { base_model: base.hub, base_model_relation: relation }),
    license,
    ...(name === undefined ? {} : { license_name: name }),
    ...(link === undefined ? {} : { license_link: linkOf(link, base.hub) }),
    library_name: weights.form === 'adapter' ? 'peft' : 'transformers',
    pipeline_tag: 'text-generation',
    tags: ['r-zero', 'reinforcement-learning', 'self-play', 'grpo', role, ...(relation === 'adapter' ? ['lora'] : [])],
    ...(results.length === 0 ? {} : { 'model-index': results }),
  };
}

/** A link of the base's card may be the name of a file beside it. */
function linkOf(link: string, hub: string | undefined): string {
  return /^https?:\/\//.test(link) || hub === undefined ? link : `https://huggingface.co/${hub}/blob/main/${link}`;
}

/** Results as the hub lists them: https://huggingface.co/docs/hub/model-cards, section on evaluation results. */
function modelIndex(facts: CardFacts): object[] {
  const scores = scoresOf(facts, facts.iteration);
  if (scores === undefined) return [];
  const metrics = marksOf(scores).map(([name, figure]) => ({
    type: 'accuracy',
    name: `${name}, %`,
    value: figure.value,
  }));
  const { exam } = facts.summary.run;
  const dataset = { type: exam.replace(/[^\w.-]+/g, '-'), name: `${exam} (${scores.questions} held-out problems)` };
  const result = { task: { type: 'text-generation' }, dataset, metrics };
  return [{ name: oneLine(titleOf(facts)), results: [result] }];
}

function scoresOf({ summary }: CardFacts, iteration: number): Scores | undefined {
  return summary.evaluations.find((one) => one.iteration === iteration)?.scores;
}

/** Marks of an exam by name, of those that were taken. */
function marksOf({ greedy, mean, majority, samples }: Scores): [string, Figure][] {
  const marks: [string, Figure | undefined][] = [
    ['greedy', greedy],
    [`mean@${samples}`, mean],
    [`majority@${samples}`, majority],
  ];
  return marks.filter((mark): mark is [string, Figure] => mark[1] !== undefined);
}

function introduction(facts: CardFacts): string {
  const { role, iteration, run, base, weights, settings } = facts;
  const does =
    role === 'solver'
      ? 'The **Solver** of a run of R-Zero: it was rewarded for agreeing with its own majority vote on problems that another ' +
        'model, the Challenger, wrote for it.'
      : 'The **Challenger** of a run of R-Zero: it was rewarded for writing problems at the edge of what another model, the ' +
        'Solver, could do.';
  const title = base.hub === undefined ? plain(base.title) : `[${plain(base.hub)}](https://huggingface.co/${base.hub})`;
  const what = {
    whole: 'all weights',
    adapter: 'low-rank adapters alone',
    merged: 'low-rank adapters, merged into all weights',
  };
  const rows = [
    ['base model', title],
    ['iteration', `${iteration} of ${run.iterations}${run.finished ? '' : ' (the run is not finished)'}`],
    ['method', `${plain(run.arm)}: ${plain(ARM_NOTES[run.arm])}`],
    ['preset, seed', `${plain(run.preset)}, ${run.seed}`],
    ['configuration', `SHA-256 ${code(run.configHash)}`],
    ['weights', `${what[weights.form]}, ${weights.dtype}: ${plain(weights.why)}`],
  ];
  const { display } = termsOf(base.licence);
  const shown = display === undefined ? [] : [`**${display}**`];
  const exception = rollsBack(settings.warnings) ? ', but that its exam says where a roll-back goes' : '';
  const written = `Both come from one base model, with no tasks and no labels from people${exception}. Written by rzero ${run.version}.`;
  return [...shown, `${does} ${written}`, table(['', ''], rows, false)].join('\n\n');
}

function usage(facts: CardFacts): string {
  const { role, name, weights, settings, problem } = facts;
  const messages =
    role === 'solver'
      ? [
          ['system', SOLVER_SYSTEM],
          ['user', problem],
        ]
      : [
          ['system', CHALLENGER_SYSTEM],
          ['user', CHALLENGER_USER],
        ];
  const { sampling } = role === 'solver' ? settings.evaluation : settings.questions;
  const drawing = `do_sample=True, temperature=${sampling.temperature}, top_p=${sampling.topP}, top_k=${sampling.topK}`;
  const needs = weights.form === 'adapter' ? ' It needs the package `peft`, and loads its base model too.' : '';
  return `It was trained with this prompt, in the chat template that lies beside it, and sampled so.${needs}

\`\`\`python
from transformers import AutoModelForCausalLM, AutoTokenizer

name = ${JSON.stringify(name)}  # this folder, or its name on the hub
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, dtype="auto")

messages = [
${messages.map(([by, content]) => `    {"role": ${JSON.stringify(by)}, "content": ${JSON.stringify(content)}},`).join('\n')}
]
prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
output = model.generate(
    **inputs, max_new_tokens=${sampling.maxTokens}, ${drawing}
)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
\`\`\``;
}

function trainingData({ summary, iteration, settings }: CardFacts): string {
  const votes = settings.questions.votes ?? settings.answering.votes;
  const rows = upTo(summary.iterations, iteration).flatMap((one) => {
    const questions = one.phases.questions?.last;
    if (questions === undefined) return [];
    const kept = questions.kept ?? one.audit?.kept.count;
    return [
      [
        String(one.iteration),
        String(questions.candidates ?? ''),
        share(questions.wellFormed),
        `${kept ?? ''} (${share(questions.keptShare)})`,
        ...audited(one),
      ],
    ];
  });
  const head = [
    'iteration',
    'questions asked',
    'well-formed',
    'kept',
    'in the exam’s domain',
    'labels right, of those kept',
  ];
  const isAudited = rows.some((row) => row.slice(4).some((cell) => cell !== ''));
  const columns = isAudited ? head.length : 4;
  return [
    `No data from people. The Challenger of each iteration wrote questions, and the Solver of the iteration before answered each ` +
      `of them ${votes} times. The majority answer is the label (a pseudo-label: nobody checked it), and the questions on which the ` +
      'answers agreed neither too much nor too little were kept to train on.',
    rows.length === 0
      ? 'No question phase of the run is over yet.'
      : table(
          head.slice(0, columns),
          rows.map((row) => row.slice(0, columns)),
        ),
    ...(isAudited ? ['The last two columns were measured after the run, by code that training could not reach.'] : []),
  ].join('\n\n');
}

/** What the truth says of an iteration's questions; nothing where a model asks in another way than the exam does. */
function audited({ audit }: IterationSummary): [string, string] {
  if (audit === null || audit.asked.wellPosed === 0) return ['', ''];
  return [share(audit.asked.wellPosed), share(audit.kept.trainedLabelAccuracy ?? audit.kept.labelAccuracy)];
}

function upTo(iterations: readonly IterationSummary[], last: number): IterationSummary[] {
  return iterations.filter(({ iteration }) => iteration <= last);
}

function results(facts: CardFacts): string {
  const { summary, role, iteration } = facts;
  const evaluations = summary.evaluations.filter((one) => one.iteration <= iteration);
  const first = evaluations[0]?.scores;
  if (first === undefined) return 'The run has not measured anything yet.';
  const names = marksOf(first).map(([name]) => name);
  const rows = evaluations.map(({ iteration, scores }) => [
    iteration === 0 ? 'base model' : `iteration ${iteration}`,
    ...marksOf(scores).map(([, figure]) => interval(figure)),
  ]);
  const gain = evaluations.at(-1)?.gain;
  const gains = [gain?.greedy, gain?.mean, gain?.majority].flatMap((one) =>
    one === undefined ? [] : [interval(one.figure, true)],
  );
  const { temperature, topP, topK } = facts.settings.evaluation.sampling;
  const whose =
    role === 'solver' ? '' : ' They are those of the Solver of the same run, which trained on what this model wrote.';
  const open = evaluations.some((one) => one.iteration === iteration)
    ? []
    : ['This iteration itself was not measured.'];
  return [
    `Answers that are right, in % of ${plural(first.questions, 'held-out problems')} (${plain(summary.run.exam)}), with 95 % intervals over ` +
      `problems.${whose}`,
    table(['', ...names], [...rows, ...(gains.length === names.length ? [['gain over the base', ...gains]] : [])]),
    `Greedy is one answer a problem without sampling; mean@k the share of ${plural(first.samples, 'sampled answers')} a problem that are right, ` +
      `majority@k that of the majority among them (temperature ${temperature}, top-p ${topP}, top-k ${topK}). ` +
      'The problems are of one narrow kind. Nothing else was measured: no benchmark, no safety test.',
    ...open,
  ].join('\n\n');
}

/** `57.5 [40.0, 72.5]`, with a sign for a gain. */
function interval({ value, low, high }: Figure, gain = false): string {
  const sign = gain && value > 0 ? '+' : '';
  return `${sign}${value.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}

function training({ role, settings, weights }: CardFacts): string {
  const phase = settings[role];
  const { optimizer, sampling } = phase;
  const { loraRank, loraAlpha } = settings.trainer;
  const decisive = (value: number, text: string) => (value === 0 ? 'none' : text);
  const rows: [string, string][] = [
    ['steps in each iteration', `${phase.steps}`],
    ['prompts in a step × samples of each', `${phase.prompts} × ${phase.rollouts}`],
    ['samples in an update', `${phase.miniBatch}`],
    [
      'loss',
      `${phase.loss}, a mean over ${phase.aggregation}s, ratio in [1 - ${phase.clipLow}, 1 + ${phase.clipHigh}]`,
    ],
    ['advantage', phase.credit.advantage],
    ['KL term', decisive(phase.klCoef, `${phase.klCoef} (${phase.klEstimator}, to the ${settings.roles.anchor})`)],
    ['importance weights', decisive(phase.importanceCap, `at most ${phase.importanceCap}`)],
    [
      'AdamW',
      `learning rate ${optimizer.learningRate}, betas ${optimizer.beta1} and ${optimizer.beta2}, weight decay ${optimizer.weightDecay}, ` +
        `gradient norm at most ${optimizer.maxGradNorm}`,
    ],
    [
      'sampling',
      `temperature ${sampling.temperature}, top-p ${sampling.topP}, top-k ${sampling.topK}, ${sampling.maxTokens} tokens at most`,
    ],
    ...(weights.form === 'whole' ? [] : ([['adapters', `rank ${loraRank}, alpha ${loraAlpha}`]] as [string, string][])),
  ];
  return table(
    ['option', 'value'],
    rows.map(([name, value]) => [name, plain(value)]),
    false,
  );
}

function limitations({ role, run }: CardFacts): string {
  const arm = run.arm === 'full' ? [] : [`This is an ablation, ${plain(run.arm)}: ${plain(ARM_NOTES[run.arm])}.`];
  const own =
    role === 'solver'
      ? ['It was trained to agree with itself: where it was confidently wrong, it learned to be so more often.']
      : [
          'Its questions may be ill-posed or have no answer: its reward cannot tell what is hard from what makes no sense.',
        ];
  return list([
    ...arm,
    'Pseudo-labels are majority votes of a model, and some are wrong. The share of wrong ones tends to grow with the iterations.',
    'The Challenger drifts: from iteration to iteration its questions may leave the domain that one had in mind.',
    ...own,
    'It was not tuned to be safe, helpful or honest. What the base model says, it may say too.',
  ]);
}

/** What a base's licence asks. @param reach what it holds for, a sentence */
export function licence(of: BaseLicence, base: string, reach: string): string {
  const { title, link, demands, warnings } = termsOf(of);
  const named =
    link !== undefined && /^https?:\/\/[^\s()<>]+$/.test(link) ? `[${plain(title)}](${link})` : plain(title);
  const known = title === 'unknown' ? 'is under a licence that is not known here' : `is under ${named}`;
  return [
    `The base model, ${plain(base)}, ${known}. ${reach}`,
    ...(warnings.length === 0 ? [] : [list(warnings.map((warning) => `**${plain(warning)}**`))]),
    ...(demands.length === 0 ? [] : ['It asks of whoever passes a derived model on:', list(demands.map(plain))]),
    'What counts is its own text.',
  ].join('\n\n');
}

function share(value: number | null | undefined): string {
  return value == null ? '' : percent(value, 0);
}
