import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BaseLicence, licenceOfCard, licenceOfMetadata, licenceOfText } from '../publish/baseLicence.ts';
import { cachedSnapshot, hubUrl, isHubName, isOffline } from './hubFiles.ts';
import { modelSource } from './places.ts';

/** Milliseconds that the hub gets to answer with a small file. */
const DEADLINE = 20_000;

/** A file with a licence's text, or with what it obliges to pass on. */
export const LICENCE_FILE = /^(licen[cs]e|notice|use_policy)(\.(md|txt))?$/i;

/** A run's base model, as far as it can be found here and on the hub. */
export interface BaseModel {
  /** As people call it. */
  title: string;
  /** Its name on the hub, unless it is a folder of this machine. */
  hub?: string;
  licence: BaseLicence;
  /** float32, bfloat16, ...; absent where its config.json is not found. */
  dtype?: string;
  /** Files with its licence, by path. */
  licenceFiles: string[];
  /** What could not be looked up, for people to know. */
  notes: string[];
}

/**
 * What a card says of a base model: from its folder or the hub's cache, and what those lack from the hub (at
 * HF_ENDPOINT, unless HF_HUB_OFFLINE is set). What cannot be looked up is left out, with a note.
 */
export async function describeBase(model: string, workingFolder: string, env: NodeJS.ProcessEnv): Promise<BaseModel> {
  const source = modelSource(model, workingFolder);
  if (model === 'embedded') {
    return { ...fromFolder(source), title: 'the embedded base model of rzero', licence: { license: 'apache-2.0' } };
  }
  if (existsSync(source)) return { ...fromFolder(source), title: basename(source) };
  const cached = cachedSnapshot(model, env);
  const found = cached === undefined ? {} : fromFolder(cached);
  const base: BaseModel = { licence: {}, licenceFiles: [], notes: [], ...found, title: model };
  if (!isHubName(model)) return base;
  base.hub = model;
  const url = hubUrl(env);
  if (base.licence.license === undefined) {
    const info = await lookUp(`${url}/api/models/${model}`, `the licence of ${model}`, env, base.notes);
    const { cardData } = (info ?? {}) as { cardData?: Record<string, unknown> };
    base.licence = licenceOfMetadata(cardData ?? {});
  }
  if (base.dtype === undefined) {
    const file = `${url}/${model}/resolve/main/config.json`;
    const dtype = dtypeOf(await lookUp(file, `the float type of ${model}`, env, base.notes));
    if (dtype !== undefined) base.dtype = dtype;
  }
  return base;
}

function fromFolder(folder: string): Pick<BaseModel, 'licence' | 'dtype' | 'licenceFiles' | 'notes'> {
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return '';
    }
  };
  const files = readdirSync(folder).filter((name) => LICENCE_FILE.test(name));
  const ofCard = licenceOfCard(read('README.md'));
  const ofText = files.map((name) => licenceOfText(read(name))).find(({ license }) => license !== undefined);
  const dtype = dtypeOf(parse(read('config.json')));
  return {
    licence: ofCard.license === undefined ? (ofText ?? {}) : ofCard,
    ...(dtype === undefined ? {} : { dtype }),
    licenceFiles: files.map((name) => join(folder, name)),
    notes: [],
  };
}

/** The float type that a config.json names. */
export function dtypeOf(config: unknown): string | undefined {
  const { dtype, torch_dtype: old, text_config: text } = (config ?? {}) as Record<string, unknown>;
  const named = dtype ?? old;
  if (typeof named === 'string') return named.replace(/^torch\./, '');
  return text === undefined ? undefined : dtypeOf(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JSON document of the hub; undefined, with a note, where it cannot be had. */
async function lookUp(url: string, what: string, env: NodeJS.ProcessEnv, notes: string[]): Promise<unknown> {
  const missing = (why: string): void => {
    notes.push(`${what} could not be looked up: ${why}`);
  };
  if (isOffline(env)) return missing('it is not in the cache, and HF_HUB_OFFLINE is set');
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE) });
    if (response.ok) return await response.json();
    return missing(`${url} answers ${response.status}`);
  } catch (error) {
    const { message, cause } = error as Error;
    return missing(`${url}: ${(cause as Error | undefined)?.message ?? message}`);
  }
}
