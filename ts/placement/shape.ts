import { PlacementError } from './errors.ts';

/** What of a model decides its memory and its time. */
export interface ModelShape {
  name: string;
  /** All parameters, a tied embedding counted once. */
  parameters: number;
  /** Those that one token goes through: fewer where there are experts. */
  activeParameters: number;
  layers: number;
  /** Width of the residual stream. */
  hidden: number;
  /** Width inside a block's MLP; where there are experts, inside all that one token goes through. */
  intermediate: number;
  /** Query heads, heads of keys and values, and the width of one. */
  heads: number;
  kvHeads: number;
  headSize: number;
  vocabulary: number;
  /** Most tokens of a sequence. */
  contextLength: number;
  /** Whether the output projection is the embedding. */
  tied: boolean;
  /** Of a mixture of experts: how many a layer has, and how many of them a token goes through. */
  experts?: { count: number; perToken: number };
  /** Why the count of parameters is not exact, where it is not. */
  note?: string;
}

/** How the parameters of an architecture are counted where it is not as Llama. */
interface Family {
  /** Biases of the query, key and value projections, whatever config.json says. */
  qkvBias?: true;
  /** Norms of queries and keys: of one head's width each, or of all heads'. */
  qkNorm?: 'head' | 'all';
  /** Norms of a layer, 2 unless given. */
  norms?: number;
  /** Whether the embedding is tied where config.json is silent. */
  tied?: true;
}

/** By `model_type`. Counts of these are exact, checked against transformers. */
const FAMILIES: Readonly<Record<string, Family>> = {
  llama: {},
  mistral: {},
  mixtral: {},
  phi3: {},
  qwen2: { qkvBias: true },
  qwen3: { qkNorm: 'head' },
  qwen3_moe: { qkNorm: 'head' },
  olmo2: { qkNorm: 'all' },
  gemma: { tied: true },
  gemma3_text: { tied: true, qkNorm: 'head', norms: 4 },
};

/**
 * The shape of a model by its config.json. Parameters are counted exactly for the architectures of the table above,
 * mixtures of experts included; those of others are counted as Llama's would be, and `note` says so.
 *
 * @param name what to call it
 * @param config config.json as an object; a model of several kinds of input has its text model under `text_config`
 * @throws PlacementError naming the field that is missing
 */
export function shapeOf(name: string, config: unknown): ModelShape {
  const fields = new Fields(name, config);
  const type = fields.text('model_type');
  const family = FAMILIES[type];
  const hidden = fields.count(['hidden_size', 'n_embd']);
  const layers = fields.count(['num_hidden_layers', 'n_layer']);
  const heads = fields.count(['num_attention_heads', 'n_head']);
  const kvHeads = fields.count(['num_key_value_heads'], heads);
  const headSize = fields.count(['head_dim'], Math.floor(hidden / heads));
  const vocabulary = fields.count(['vocab_size']);
  const contextLength = fields.count(['max_position_embeddings', 'n_positions', 'max_seq_len', 'seq_length']);
  // GPT-2 says null for four times the width.
  const wide = fields.count(['intermediate_size', 'n_inner'], family === undefined ? 4 * hidden : undefined);
  const tied = fields.flag('tie_word_embeddings', family === undefined || family.tied === true);
  const count = fields.count(['num_experts', 'num_local_experts', 'n_routed_experts'], 0);
  const perToken = count === 0 ? 0 : fields.count(['num_experts_per_tok']);
  const expertWide = count === 0 ? 0 : fields.count(['moe_intermediate_size'], wide);

  const [q, kv] = [heads * headSize, kvHeads * headSize];
  const outBias = family?.qkvBias !== true && fields.flag('attention_bias', false);
  const biases = (outBias || family?.qkvBias ? q + 2 * kv : 0) + (outBias ? hidden : 0);
  const qkNorms = { head: 2 * headSize, all: q + kv, none: 0 }[family?.qkNorm ?? 'none'];
  const attention = hidden * (2 * q + 2 * kv) + biases + qkNorms;
  const expert = 3 * hidden * expertWide;
  const mlp = count === 0 ? 3 * hidden * wide : hidden * count + count * expert;
  const embeddings = (tied ? 1 : 2) * vocabulary * hidden;
  const parameters = embeddings + layers * (attention + mlp + (family?.norms ?? 2) * hidden) + hidden;
  return {
    name,
    parameters,
    activeParameters: parameters - layers * (count - perToken) * expert,
    layers,
    hidden,
    intermediate: count === 0 ? wide : perToken * expertWide,
    heads,
    kvHeads,
    headSize,
    vocabulary,
    contextLength,
    tied,
    ...(count === 0 ? {} : { experts: { count, perToken } }),
    ...(family === undefined
      ? { note: `model_type "${type}" is not among those counted exactly: counted as Llama's` }
      : {}),
  };
}

/** Bytes that the keys and values of one token take over all layers, in bfloat16. */
export function tokenBytes({ layers, kvHeads, headSize }: ModelShape): number {
  return 2 * layers * kvHeads * headSize * 2;
}

/** Parameters that a token is multiplied with: the active ones, but for an embedding that is only looked up. */
export function multipliedParameters({ activeParameters, tied, vocabulary, hidden }: ModelShape): number {
  return activeParameters - (tied ? 0 : vocabulary * hidden);
}

/** The fields of a config.json. */
class Fields {
  private readonly name: string;
  private readonly tree: Readonly<Record<string, unknown>>;

  constructor(name: string, config: unknown) {
    this.name = name;
    const tree = isTree(config) && isTree(config.text_config) ? config.text_config : config;
    if (!isTree(tree)) throw new PlacementError(`config.json of ${name} must hold an object`);
    this.tree = tree;
  }

  text(field: string): string {
    const value = this.tree[field];
    if (typeof value === 'string') return value;
    throw this.missing(field, value, 'a text');
  }

  /** A whole number above 0, by the first of its names that is there. */
  count(names: readonly string[], otherwise?: number): number {
    const field = names.find((name) => (this.tree[name] ?? null) !== null);
    const value = field === undefined ? otherwise : this.tree[field];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= (field === undefined ? 0 : 1))
      return value;
    throw this.missing(field ?? (names[0] as string), value, 'a whole number above 0');
  }

  flag(field: string, otherwise: boolean): boolean {
    const value = this.tree[field] ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.missing(field, value, 'true or false');
  }

  private missing(field: string, value: unknown, allowed: string): PlacementError {
    const seen = value === undefined ? 'missing' : JSON.stringify(value);
    return new PlacementError(`config.json of ${this.name}: ${field} is ${seen}, it must be ${allowed}`);
  }
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
