import type { Conversation, InspectModelResult, RenderedPrompt } from '../../protocol/generated.ts';
import { CONTEXT_LENGTH } from './policy.ts';
import { END, encodeConversation, renderConversation, VOCABULARY } from './text.ts';

/** What `inspect_model` says of a bigram model over bytes: every text comes back. */
export function reportOf(conversations: readonly Conversation[]): InspectModelResult {
  const end = { id: END, text: '<end>' };
  return {
    modelType: 'bigram',
    architecture: 'bigram',
    parameters: VOCABULARY ** 2,
    tied: false,
    vocabularySize: VOCABULARY,
    contextLength: CONTEXT_LENGTH,
    weights: { formats: [], bytes: 0, types: [] },
    tokenizer: {
      name: 'bytes',
      size: VOCABULARY,
      template: { cue: '<assistant>', endOfTurn: end },
      eos: [end],
      changed: [],
    },
    prompts: conversations.map(
      ({ messages }): RenderedPrompt => ({
        text: renderConversation(messages),
        tokens: encodeConversation(messages).length,
        merged: false,
      }),
    ),
    packing: 'packs',
    packingReason: '',
    obstacles: [],
    licence: { id: '', name: '', link: '', file: '', baseModels: [] },
  };
}
