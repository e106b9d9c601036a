import { VerdictCache, verdictKey } from './cache.ts';
import { ChatClient, type ChatClientOptions } from './client.ts';
import { JudgeError, NoVerdict } from './errors.ts';
import type { Judge, JudgedResponse } from './judge.ts';
import { linkedSignal } from './linkedSignal.ts';
import { judgeMessages, readVerdict } from './prompt.ts';
import { realTiming, type Timing } from './timing.ts';

export interface JudgeOptions {
  /** Base URL of an OpenAI-compatible interface, without a key in it: http://localhost:8000/v1. */
  endpoint: string;
  /** The model's name there. */
  model: string;
  /** 0 or more; 0 unless given. The paper has 0.1. */
  temperature?: number;
  /** Where verdicts are kept from one evaluation to the next, and shared; null, or absent: nowhere. */
  cacheFile?: string | null;
  /** Requests under way at a time, from 1; 8 unless given. */
  concurrency?: number;
  /** Most requests a minute, tries included; null, or absent: no limit but the server's. */
  requestsPerMinute?: number | null;
  /** Most tokens of what the judge says, its thinking included; 4,096 unless given. */
  maxTokens?: number;
  /** For the judge's draws; 0 unless given. */
  seed?: number;
  /** Seconds that a try gets; 120 unless given, at most 300. */
  timeoutSeconds?: number;
  /** How often a request is tried in all, from 1; 6 unless given. */
  tries?: number;
  /** RZERO_JUDGE_KEY is the key for the endpoint, where it wants one. */
  env: Readonly<Record<string, string | undefined>>;
  /** Told what nobody may have meant, at once. */
  warn?(text: string): void;
  /** Real unless given. */
  timing?: Timing;
}

/** A judge that can say what it did. */
export interface EndpointJudge extends Judge {
  /** One sentence of all calls so far: how many answers were judged, what was asked for that, and what is missing and why. */
  summary(): string;
}

/** So many requests in a row without an answer are an endpoint without one. */
const GIVEN_UP_AFTER = 8;

/** Reasons for missing verdicts that a summary names, the most frequent first. */
const MOST_REASONS = 3;

/**
 * A judge behind an OpenAI-compatible endpoint. A verdict is asked for once, also by several calls at a time, and then known;
 * what had no verdict is asked for again by the next call. Calls at a time share the limits. A blank answer is wrong, and
 * nobody is asked.
 *
 * @throws JudgeError where the options cannot be meant or the cache is none; an error of the file system
 */
export function createJudge(options: JudgeOptions): EndpointJudge {
  return new CachedJudge(options);
}

/** A verdict, or why there is none. */
type Outcome = boolean | NoVerdict;

class CachedJudge implements EndpointJudge {
  readonly model: string;
  readonly endpoint: string;
  readonly temperature: number;
  private readonly settings: ChatClientOptions;
  private readonly client: ChatClient;
  private readonly cache: VerdictCache;
  private readonly pending = new Map<string, Promise<Outcome>>();
  /** Of all calls: answers judged, requests, their tokens, and why verdicts are missing: how many, by reason. */
  private readonly tally = { judged: 0, requests: 0, promptTokens: 0, completionTokens: 0 };
  private readonly missing = new Map<string, number>();
  private wasAnswered = false;
  /** Requests in a row without an answer. */
  private unanswered = 0;

  constructor(options: JudgeOptions) {
    this.settings = checked(options);
    const { model, endpoint, temperature, key } = this.settings;
    this.model = model;
    this.endpoint = endpoint;
    this.temperature = temperature;
    this.client = new ChatClient(this.settings);
    this.cache = new VerdictCache(options.cacheFile ?? null);
    if (key !== undefined && isOpenRoad(endpoint)) {
      options.warn?.(`judge: the key goes to ${endpoint} unencrypted; use https:// where the network is not your own`);
    }
  }

  async judge(responses: readonly JudgedResponse[], signal: AbortSignal): Promise<readonly (boolean | null)[]> {
    const over = linkedSignal(signal);
    const all = responses.map((response) => this.outcome(response, over.signal));
    try {
      const outcomes = await Promise.all(all);
      const lost = outcomes.find((outcome) => outcome instanceof NoVerdict && outcome.code === 'lost');
      if (!this.wasAnswered && lost !== undefined) throw this.givenUp(lost as NoVerdict);
      return outcomes.map((outcome) => this.count(outcome));
    } catch (error) {
      over.abort(error);
      await Promise.allSettled(all);
      throw error;
    } finally {
      over.unlink();
    }
  }

  summary(): string {
    const { judged, requests, promptTokens, completionTokens } = this.tally;
    const count = (value: number): string => value.toLocaleString('en-US');
    const missing = [...this.missing.values()].reduce((sum, each) => sum + each, 0);
    const often = [...this.missing].sort(([, a], [, b]) => b - a);
    const why = often.slice(0, MOST_REASONS).map(([reason, times]) => `${times} ${reason}`);
    if (often.length > why.length) why.push('...');
    const used = `${count(requests)} asked for (${count(promptTokens)} tokens in, ${count(completionTokens)} out)`;
    const end = missing === 0 ? 'none is missing' : `${missing} missing: ${why.join('; ')}`;
    return `judge ${this.model}: ${count(judged)} answers judged, ${used}, ${end}`;
  }

  private count(outcome: Outcome): boolean | null {
    this.tally.judged += 1;
    if (typeof outcome === 'boolean') return outcome;
    this.missing.set(outcome.message, (this.missing.get(outcome.message) ?? 0) + 1);
    return null;
  }

  private async outcome(response: JudgedResponse, signal: AbortSignal): Promise<Outcome> {
    if (response.answer.trim() === '') return false;
    const key = verdictKey(this, response);
    for (;;) {
      const known = this.cache.get(key);
      if (known !== undefined) return known;
      const asked = this.pending.get(key);
      if (asked === undefined) break;
      try {
        return await asked;
      } catch (error) {
        // The call that asked may have been told to stop, and this one not.
        signal.throwIfAborted();
        if (error instanceof JudgeError) throw error;
      }
    }
    const asking = this.ask(key, response, signal).finally(() => this.pending.delete(key));
    this.pending.set(key, asking);
    return asking;
  }

  private async ask(key: string, response: JudgedResponse, signal: AbortSignal): Promise<Outcome> {
    this.tally.requests += 1;
    try {
      const { text, cutOff, tokens } = await this.client.complete(judgeMessages(response), key, signal);
      this.wasAnswered = true;
      this.unanswered = 0;
      this.tally.promptTokens += tokens.prompt;
      this.tally.completionTokens += tokens.completion;
      if (cutOff) return new NoVerdict('no_verdict', `cut off at ${this.settings.maxTokens} tokens`);
      const right = readVerdict(text);
      if (right === null) return new NoVerdict('no_verdict', 'without a verdict in the text');
      this.cache.set(key, right);
      return right;
    } catch (error) {
      if (!(error instanceof NoVerdict)) throw error;
      this.unanswered += 1;
      const isSilent = error.code === 'lost' && !this.wasAnswered;
      const most = isSilent ? Math.min(GIVEN_UP_AFTER, this.settings.concurrency) : GIVEN_UP_AFTER;
      if (this.unanswered >= most) throw this.givenUp(error);
      return error;
    }
  }

  private givenUp({ code, message }: NoVerdict): JudgeError {
    return code === 'lost'
      ? new JudgeError('unavailable', `judge: ${this.endpoint} does not answer: ${message}`)
      : new JudgeError('wrong_options', `judge: ${this.endpoint} refuses what it is asked: ${message}`);
  }
}

/** The options as the client takes them, with what is not given. @throws JudgeError */
function checked(options: JudgeOptions): ChatClientOptions {
  const { endpoint, model, env, timing = realTiming } = options;
  const { temperature = 0, concurrency = 8, maxTokens = 4096, seed = 0, timeoutSeconds = 120, tries = 6 } = options;
  const requestsPerMinute = options.requestsPerMinute ?? Number.POSITIVE_INFINITY;
  if (model.trim() === '') throw wrong('model', '""', 'names of models');
  for (const [name, value] of Object.entries({ concurrency, maxTokens, tries })) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw wrong(name, value, 'whole numbers from 1');
  }
  if (!(temperature >= 0 && Number.isFinite(temperature))) throw wrong('temperature', temperature, 'numbers from 0');
  if (!(requestsPerMinute > 0)) throw wrong('requestsPerMinute', requestsPerMinute, 'numbers above 0');
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 300))
    throw wrong('timeoutSeconds', timeoutSeconds, 'numbers up to 300');
  if (!Number.isSafeInteger(seed)) throw wrong('seed', seed, 'whole numbers');
  return {
    endpoint: checkedEndpoint(endpoint),
    model,
    temperature,
    maxTokens,
    seed,
    concurrency,
    requestsPerMinute,
    tries,
    timeout: timeoutSeconds * 1000,
    key: keyIn(env),
    timing,
  };
}

function wrong(name: string, value: string | number, allowed: string): JudgeError {
  return new JudgeError('wrong_options', `judge: ${name} is ${value}, allowed are ${allowed}`);
}

/** An address without what could be a secret, and without slashes at its end. */
function checkedEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  throw new JudgeError(
    'wrong_options',
    'judge: the endpoint is no base URL such as http://localhost:8000/v1 (without user, password, query and fragment; a key ' +
      'stands in RZERO_JUDGE_KEY)',
  );
}

/** The key for the endpoint. A secret. */
function keyIn(env: JudgeOptions['env']): string | undefined {
  const key = env.RZERO_JUDGE_KEY?.trim();
  if (!key) return undefined;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new JudgeError(
    'wrong_options',
    'judge: RZERO_JUDGE_KEY is no key: it has blanks, or signs outside of ASCII, in it',
  );
}

/** Whether what is sent there can be read on the way. */
function isOpenRoad(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
