import type { Finding as ModelFinding } from '../inspect/finding.ts';
import { size } from '../report/text.ts';
import { type Check, failed, ok, skipped, type Verdict, warning } from './check.ts';

/** Where a configuration's model is, or why it is nowhere. */
export type ModelPlace =
  | { place: 'mock' }
  | { place: 'nowhere' }
  | { place: 'folder'; folder: string; hasConfig: boolean; hasWeights: boolean }
  | { place: 'cache'; folder: string }
  | { place: 'offline' }
  | { place: 'unreachable'; url: string; reason: string }
  /** What the hub answered for its config.json: a status of HTTP, and the hub's own word for it, or "". */
  | { place: 'hub'; url: string; status: number; word: string; token: boolean };

export interface ModelFacts {
  name: string;
  where: ModelPlace;
}

const TOKEN = '`hf auth login`, or set HF_TOKEN';

export const MODEL: Check<ModelFacts> = {
  id: 'model',
  title: 'Model',
  judge({ name, where }) {
    switch (where.place) {
      case 'mock':
        return skipped('the mock computes none');
      case 'folder':
        return ofFolder(name, where);
      case 'cache':
        return ok(`${name} is in the cache: ${where.folder}`);
      case 'nowhere':
        return failed(
          'configuration',
          `${name} is no folder here, and no name on the hub`,
          'give a Hugging Face folder or hub name: --model ./folder, --model owner/name',
        );
      case 'offline':
        return failed(
          'configuration',
          `${name} is not in the cache, and HF_HUB_OFFLINE is set`,
          `where there is a network: HF_HUB_OFFLINE=0 hf download ${name}; or give a folder: --model ./folder`,
        );
      case 'unreachable':
        return failed(
          'unavailable',
          `${where.url} cannot be fetched: ${where.reason}`,
          `without a way to the hub: set HF_ENDPOINT to a mirror, or fetch it elsewhere (hf download ${name} --local-dir ./model) and give the folder: --model ./model`,
        );
      case 'hub':
        return ofHub(name, where);
    }
  },
};

function ofFolder(name: string, { folder, hasConfig, hasWeights }: Extract<ModelPlace, { place: 'folder' }>): Verdict {
  const found = name === folder ? folder : `${name}: ${folder}`;
  const missing = [...(hasConfig ? [] : ['config.json']), ...(hasWeights ? [] : ['*.safetensors'])];
  if (missing.length === 0) return ok(found);
  return failed(
    'configuration',
    `${found} holds no ${missing.join(' and no ')}`,
    'give a Hugging Face folder, with config.json, the tokenizer and weights in safetensors',
  );
}

function ofHub(name: string, { url, status, word, token }: Extract<ModelPlace, { place: 'hub' }>): Verdict {
  if (status >= 200 && status < 300)
    return ok(`${name} is on the hub, ${token ? 'which takes the token' : 'open to all'}`);
  const page = url.replace(/\/resolve\/.*$/, '');
  const said = `${url} answers ${status}${word === '' ? '' : ` (${word})`}`;
  if (status === 401 || status === 403) {
    const terms = `accept its terms at ${page}`;
    return token
      ? failed(
          'credentials',
          `${said}: the token is not accepted, or its account has no access to ${name}`,
          `${terms} with the account of the token (hf auth whoami); a fine-grained token also needs the right to read gated repositories`,
        )
      : failed(
          'credentials',
          `${said}: ${name} is gated or private, or there is none of that name, and there is no token`,
          `${terms}, then ${TOKEN}`,
        );
  }
  if (status === 404)
    return failed('configuration', `${said}: there is no such model`, `look for its name at ${new URL(url).origin}`);
  return failed(
    'unavailable',
    said,
    'try again later, or fetch the model elsewhere and give its folder: --model ./folder',
  );
}

/** What fitting a plan has come to. */
export type PlanFacts =
  | { kind: 'mock' }
  | { kind: 'unknown' }
  /** Float32 on the CPU: bytes that the largest phase takes, of the bytes that there are. */
  | { kind: 'cpu'; needBytes: number; memoryBytes: number }
  | { kind: 'fits'; text: string };

export const PLAN: Check<PlanFacts> = {
  id: 'plan',
  title: 'Fit',
  judge(facts) {
    switch (facts.kind) {
      case 'mock':
        return skipped('the mock computes no model');
      case 'unknown':
        return skipped('what the model takes is not known');
      case 'fits':
        return ok(facts.text);
      case 'cpu': {
        const { needBytes, memoryBytes } = facts;
        const found = `one worker computes on the CPU: it needs about ${size(needBytes)} of ${size(memoryBytes)} of memory`;
        if (needBytes <= memoryBytes) return ok(found);
        return failed(
          'configuration',
          found,
          'take GPUs (rzero plan --gpus 8 --gpu h100), a smaller model, or adapters: --set trainer.loraRank=32',
        );
      }
    }
  },
};

/** What a worker finds of the model: template, prompts, end of text, tokenizer, architecture. */
export const MODEL_THERE: Check<readonly ModelFinding[]> = {
  id: 'model-there',
  title: 'Model, as it sees it',
  judge(findings) {
    const wrong = findings.filter(({ status }) => status === 'failed');
    const doubtful = findings.filter(({ status }) => status === 'warning');
    const said = (some: readonly ModelFinding[]) => some.map(({ topic, message }) => `${topic}: ${message}`).join('; ');
    const hints = (some: readonly ModelFinding[]) => some.flatMap(({ hint }) => hint ?? []).join('\n');
    if (wrong.length > 0) return failed('configuration', said(wrong), hints(wrong));
    if (doubtful.length > 0) return warning(said(doubtful), hints(doubtful));
    return ok(`nothing is wrong with ${findings.map(({ topic }) => topic).join(', ')}`);
  },
};
