import { type Random, stream } from '../domain/random.ts';
import { type Redact, redactor } from '../secrets/redact.ts';
import { type Completion, isAboutModel, readCompletion, readErrorMessage } from './completion.ts';
import { JudgeError, NoVerdict } from './errors.ts';
import { linkedSignal } from './linkedSignal.ts';
import { Pace } from './pace.ts';
import type { ChatMessage } from './prompt.ts';
import { retryAfter } from './retryAfter.ts';
import { Slots } from './slots.ts';
import type { Timing } from './timing.ts';

export interface ChatClientOptions {
  /** Base URL of an OpenAI-compatible interface, without a slash at its end: http://localhost:8000/v1. */
  endpoint: string;
  model: string;
  temperature: number;
  /** Most tokens of an answer. */
  maxTokens: number;
  /** For the model's draws, and for how long is waited before another try. */
  seed: number;
  /** Requests under way at a time. */
  concurrency: number;
  /** Most requests a minute, tries included; infinite where nothing is limited. */
  requestsPerMinute: number;
  /** How often a request is tried in all. */
  tries: number;
  /** Milliseconds that a try gets, body included. Node gives up a silent server after 300,000. */
  timeout: number;
  /** The key to send; undefined where there is none. A secret. */
  key: string | undefined;
  timing: Timing;
}

/** What another try may mend, besides 5xx. */
const PASSING = new Set([408, 409, 425, 429]);

/** Milliseconds before the second try; twice as long each time, up to the longest. */
const FIRST_REST = 1_000;
const LONGEST_REST = 30_000;

/** A server that asks to wait longer is not waited for. */
const LONGEST_WAIT = 600_000;

/** Bytes of an answer that are read. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** Characters of a server's words in an error. */
const MAX_WORDS = 300;

/** How a try failed: for another one, after as many milliseconds where the server says so. */
interface Passing {
  why: string;
  wait?: number;
}

/**
 * Asks a chat model over HTTP: several requests at a time and no more than so many a minute, each tried again while that
 * may help. Nothing that it throws has the key in it, whatever the server says.
 */
export class ChatClient {
  private readonly options: ChatClientOptions;
  private readonly url: string;
  private readonly slots: Slots;
  private readonly pace: Pace;
  private readonly redact: Redact;
  /** What newer models of OpenAI call the most tokens, and refuse by its old name. */
  private limitName: 'max_tokens' | 'max_completion_tokens' = 'max_tokens';

  constructor(options: ChatClientOptions) {
    this.options = options;
    this.url = `${options.endpoint}/chat/completions`;
    this.slots = new Slots(options.concurrency);
    this.pace = new Pace(options.requestsPerMinute, options.timing);
    const { key = '' } = options;
    this.redact = redactor([key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]);
  }

  /**
   * @param name names the request's own stream of waiting times
   * @throws NoVerdict; JudgeError where no request can be answered; the reason of `signal`
   */
  complete(messages: readonly ChatMessage[], name: string, signal: AbortSignal): Promise<Completion> {
    return this.slots.with(async () => {
      const random = stream(this.options.seed, 'judge', 'rest', name);
      const { tries, timing } = this.options;
      for (let count = 1; ; count++) {
        await this.pace.turn(signal);
        const result = await this.try(messages, signal);
        if ('text' in result) return result;
        const { why, wait = restAfter(count, random) } = result;
        if (count >= tries || wait > LONGEST_WAIT) {
          const asked = wait > LONGEST_WAIT ? `, which asks to wait ${Math.ceil(wait / 1000)} s` : '';
          throw new NoVerdict('lost', `${why}${asked}, after ${count} ${count === 1 ? 'try' : 'tries'}`);
        }
        // Who is asked to wait is over a limit that all its requests count for.
        if (result.wait !== undefined) this.pace.hold(wait);
        await timing.sleep(wait, signal);
      }
    });
  }

  private async try(messages: readonly ChatMessage[], signal: AbortSignal): Promise<Completion | Passing> {
    const { model, temperature, maxTokens, seed, key, timeout, timing } = this.options;
    const limitName = this.limitName;
    const deadline = timing.timeout(timeout);
    const either = linkedSignal(signal, deadline);
    let response: Response;
    let body: string | undefined;
    try {
      response = await fetch(this.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify({ model, messages, temperature, [limitName]: maxTokens, seed }),
        redirect: 'manual',
        signal: either.signal,
      });
      body = await readBody(response);
    } catch (error) {
      signal.throwIfAborted();
      return { why: deadline.aborted ? `no answer within ${timeout / 1000} s` : this.words(causeOf(error)) };
    } finally {
      either.unlink();
    }
    const { status } = response;
    if (body === undefined) throw new NoVerdict('refused', `HTTP ${status} with more than ${MAX_ANSWER} bytes`);
    if (response.ok) {
      const completion = readCompletion(body);
      if (completion !== undefined) return completion;
      throw new NoVerdict('refused', `HTTP ${status} without a chat completion: ${this.words(body)}`);
    }
    const said = this.words(readErrorMessage(body));
    const why = said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
    if (PASSING.has(status) || status >= 500) {
      const wait = retryAfter(response.headers);
      return wait === undefined ? { why } : { why, wait };
    }
    if (status === 401 || status === 403) throw this.forbidden(status);
    if (status === 404 || (status === 400 && isAboutModel(body))) throw this.unknownModel(why);
    if (status === 400 && limitName === 'max_tokens' && said.includes('max_completion_tokens')) {
      this.limitName = 'max_completion_tokens';
      return { why, wait: 0 };
    }
    throw new NoVerdict('refused', why);
  }

  private forbidden(status: number): JudgeError {
    const { endpoint, model, key } = this.options;
    const what =
      key === undefined
        ? 'wants a key: set it in the environment as RZERO_JUDGE_KEY'
        : `does not accept the key in RZERO_JUDGE_KEY for the model ${model}`;
    return new JudgeError('forbidden', `judge: ${endpoint} ${what} (HTTP ${status})`);
  }

  private unknownModel(why: string): JudgeError {
    const { endpoint, model } = this.options;
    return new JudgeError(
      'unknown_model',
      `judge: ${endpoint} has no model "${model}", or is no base URL of an OpenAI-compatible interface (${why})`,
    );
  }

  /** A server's words as a line of an error can hold them. */
  private words(text: string): string {
    const line = this.redact(text)
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim();
    return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}...` : line;
  }
}

/** Milliseconds of rest after the `count`th try: doubled each time, of which the upper half is drawn. */
function restAfter(count: number, random: Random): number {
  const longest = Math.min(LONGEST_REST, FIRST_REST * 2 ** (count - 1));
  return longest * (0.5 + random() / 2);
}

/** @returns undefined where it is longer than any answer should be */
async function readBody(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Why there was no answer, in the words of whoever knows. */
function causeOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: inner } = (cause ?? {}) as NodeJS.ErrnoException;
  return inner || code || message;
}
