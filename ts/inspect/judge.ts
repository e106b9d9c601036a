import type { InspectModelResult, RenderedPrompt, Token, Tokenizer } from '../protocol/generated.ts';
import type { Asked } from './asked.ts';
import { type Finding, failed, ok, TOPICS, type Topic, warning } from './finding.ts';
import { judgeLicence } from './judgeLicence.ts';

/** What can be done about an obstacle, and what it is an obstacle to. */
const OBSTACLES: Readonly<Record<InspectModelResult['obstacles'][number]['code'], readonly [Topic, string]>> = {
  remote_code: ['model', 'take a model whose architecture is one of transformers'],
  unknown_architecture: ['model', 'take a causal language model of an architecture that transformers knows'],
  no_weights: ['weights', 'copy all of its files'],
  pickles: ['weights', 'convert them: load the model with transformers, then save_pretrained writes safetensors'],
  no_tokenizer: ['tokenizer', 'put the tokenizer of the model into its folder'],
  not_trainable: ['training', 'take another model'],
  not_sampled: ['sampling', 'take another model, or another worker.backend'],
};

/**
 * Judge a model by what a worker said of it.
 *
 * @param asked the conversations that the worker was asked to render, in that order
 * @returns findings in the order of {@link TOPICS}, `memory` is not among them
 */
export function judgeModel(report: InspectModelResult, asked: readonly Asked[]): Finding[] {
  const findings: Finding[] = report.obstacles.map(({ code, message }) => {
    const [topic, hint] = OBSTACLES[code];
    return failed(topic, message, hint);
  });
  const has = (topic: Topic) => findings.some((finding) => finding.topic === topic);
  const add = (...more: Finding[]) => findings.push(...more);
  if (!has('model')) add(judgeKind(report));
  if (!has('weights')) add(judgeWeights(report));
  const { tokenizer } = report;
  if (tokenizer !== undefined) {
    if (!has('tokenizer')) add(judgeVocabulary(report, tokenizer));
    add(judgeTexts(tokenizer), judgeTemplate(tokenizer));
    add(...judgePrompts(report.prompts, asked, tokenizer), ...judgeEnds(report, tokenizer));
    if (report.contextLength > 0) add(judgeContext(report, asked));
  }
  if (!has('training') && report.architecture !== '') add(judgeTraining(report));
  if (!has('sampling') && report.architecture !== '') add(ok('sampling', 'the worker can draw from it'));
  add(judgeLicence(report.licence));
  return findings.toSorted((a, b) => TOPICS.indexOf(a.topic) - TOPICS.indexOf(b.topic));
}

/** Those that a run is told of: not what is for whoever passes a model on, or weighs one against another. */
export function forTheRun(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ topic }) => topic !== 'licence' && topic !== 'texts');
}

function judgeKind({ architecture, modelType, parameters, tied }: InspectModelResult): Finding {
  const count = parameters.toLocaleString('en');
  return ok('model', `${architecture} (${modelType}), ${count} parameters${tied ? ', tied embeddings' : ''}`);
}

function judgeWeights({ weights: { formats, bytes, types } }: InspectModelResult): Finding {
  if (formats.length === 0) return ok('weights', 'in no file');
  const kinds = types.length === 0 ? '' : ` of ${types.join(', ')}`;
  const pickles = formats.includes('pickle') ? '; its pickles are not read' : '';
  return ok('weights', `safetensors${kinds}, ${bytes.toLocaleString('en')} bytes${pickles}`);
}

function judgeVocabulary({ vocabularySize }: InspectModelResult, { name, size }: Tokenizer): Finding {
  const message = `${name} with ${size.toLocaleString('en')} tokens`;
  if (vocabularySize === 0) return ok('tokenizer', message);
  const rows = `the embedding has ${vocabularySize.toLocaleString('en')}`;
  if (size <= vocabularySize) return ok('tokenizer', `${message}; ${rows}`);
  return failed('tokenizer', `${message}, but ${rows}`, 'resize the embedding, or take the tokenizer it was made with');
}

function judgeTexts({ changed }: Tokenizer): Finding {
  if (changed.length === 0) return ok('texts', 'come back as they were: ASCII, LaTeX, Unicode, white space');
  const shown = changed.map(({ text, back }) => `${quoted(text)} comes back as ${quoted(back)}`);
  const hint = 'questions go from one role to the other as text: what does not come back is lost on the way';
  return warning('texts', shown.join('; '), hint);
}

function judgeTemplate({ template }: Tokenizer): Finding {
  if (template === undefined) return ok('template', 'none: turns are lines of text, `role: content`');
  const { cue, endOfTurn } = template;
  const ends = endOfTurn === undefined ? '' : `, turns end with ${endOfTurn.text}`;
  return ok('template', `a chat template${cue === '' ? '' : `, replies begin behind ${quoted(cue)}`}${ends}`);
}

const TEMPLATE_HINT =
  'mend chat_template.jinja (or chat_template in tokenizer_config.json), or remove it: turns are lines of text then';

function judgePrompts(prompts: readonly RenderedPrompt[], asked: readonly Asked[], { template }: Tokenizer): Finding[] {
  const findings = prompts.flatMap((prompt, index) => judgePrompt(prompt, asked[index] as Asked));
  const last = prompts.findIndex((_, index) => asked[index]?.who === 'Solver');
  const behind = last < 0 ? '' : tailOf(prompts[last] as RenderedPrompt, asked[last] as Asked);
  if (template !== undefined && template.cue === '' && behind.trim() === '' && findings.length === 0) {
    findings.push(warning('prompts', 'nothing tells the model that its turn begins', TEMPLATE_HINT));
  }
  if (findings.length > 0) return findings;
  const sizes = prompts.map(({ tokens }, index) => `${asked[index]?.who} ${tokens}`).join(', ');
  const merged = prompts.some((prompt) => prompt.merged)
    ? '; the template takes no system turn, so its text opens the first user turn'
    : '';
  return [ok('prompts', `hold all they should; tokens: ${sizes}${merged}`)];
}

/** What of a conversation the model would not see. */
function judgePrompt({ text, tokens, refused }: RenderedPrompt, { who, conversation }: Asked): Finding[] {
  if (refused !== undefined) {
    return [failed('prompts', `${who}: the chat template refuses it: ${refused}`, TEMPLATE_HINT)];
  }
  const lost = conversation.messages.find(({ content }) => !text.includes(content.trim()));
  if (lost !== undefined) {
    const what = `${who}: the chat template drops the ${lost.role} turn's text`;
    return [failed('prompts', what, TEMPLATE_HINT)];
  }
  if (tokens === 0) return [failed('prompts', `${who}: it becomes no token`, TEMPLATE_HINT)];
  const end = conversation.messages.at(-1);
  if (end?.role === 'assistant' && !text.trimEnd().endsWith(end.content.trimEnd())) {
    return [failed('prompts', `${who}: the chat template closes what the model is to go on with`, TEMPLATE_HINT)];
  }
  return [];
}

/** What follows the last turn's text. */
function tailOf({ text }: RenderedPrompt, { conversation }: Asked): string {
  const content = conversation.messages.at(-1)?.content.trim() ?? '';
  return text.slice(text.lastIndexOf(content) + content.length);
}

function judgeEnds({ vocabularySize }: InspectModelResult, { eos, template, pad }: Tokenizer): Finding[] {
  const hint = (token: Token | undefined) =>
    `set eos_token_id in generation_config.json${token === undefined ? '' : `, [${[...eos.map(({ id }) => id), token.id].join(', ')}] here`}`;
  if (eos.length === 0) {
    const message = 'no token ends a sample: each would run to its most tokens';
    return [failed('end of text', message, hint(template?.endOfTurn))];
  }
  const unknown = eos.filter(({ id, text }) => text === '' || (vocabularySize > 0 && id >= vocabularySize));
  const ids = (tokens: readonly Token[]) => tokens.map(({ id }) => id).join(', ');
  if (unknown.length === eos.length) {
    return [
      failed(
        'end of text',
        `its vocabulary has no token ${ids(unknown)}, with which samples should end`,
        hint(undefined),
      ),
    ];
  }
  const findings: Finding[] = [];
  if (unknown.length > 0) {
    const message = `its vocabulary has no token ${ids(unknown)}, which should end samples too`;
    findings.push(warning('end of text', message, hint(undefined)));
  }
  const end = template?.endOfTurn;
  if (template !== undefined && end === undefined) {
    const message = `the chat template ends a turn without a token of its own; samples end with ${texts(eos)}`;
    findings.push(warning('end of text', message, TEMPLATE_HINT));
  } else if (end !== undefined && !eos.some(({ id }) => id === end.id)) {
    const message = `turns end with ${end.text}, samples with ${texts(eos)}: a sample goes on behind its turn`;
    findings.push(warning('end of text', message, hint(end)));
  }
  if (findings.length > 0) return findings;
  const padding = pad === undefined ? 'no padding token, and none is needed' : `padding is ${pad.text}`;
  return [ok('end of text', `samples end with ${texts(eos)}; ${padding}`)];
}

function judgeContext({ contextLength, prompts }: InspectModelResult, asked: readonly Asked[]): Finding {
  const room = contextLength.toLocaleString('en');
  let longest = 0;
  for (const [index, { tokens }] of prompts.entries()) {
    const { who, maxTokens } = asked[index] as Asked;
    if (tokens >= contextLength) {
      const message = `${who}: the prompt's ${tokens} tokens fill the context of ${room}`;
      return failed('context', message, 'take a model with a longer context');
    }
    longest = Math.max(longest, tokens + maxTokens);
  }
  if (longest <= contextLength)
    return ok('context', `${room} tokens, of which a run may need ${longest.toLocaleString('en')}`);
  const message = `${room} tokens, fewer than the ${longest.toLocaleString('en')} of a prompt and its longest sample`;
  return warning(
    'context',
    message,
    'samples end where it is full; lower maxTokens (*.sampling.maxTokens), or take another model',
  );
}

function judgeTraining({ packing, packingReason }: InspectModelResult): Finding {
  if (packing === 'packs') return ok('training', 'in packed sequences');
  if (packing === 'tried') return ok('training', `packed or padded: ${packingReason}`);
  return ok('training', `on padded sequences, which takes more memory and time: ${packingReason}`);
}

function texts(tokens: readonly Token[]): string {
  return tokens.map(({ id, text }) => text || String(id)).join(', ');
}

/** In quotes, with line ends and tabs as they are written in code. */
function quoted(text: string): string {
  return `"${text.replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}
