import type { PhaseSettings, Settings } from '../domain/settings.ts';
import { rollsBack } from '../domain/warnings/rules.ts';
import { adapterParameters } from './memory.ts';
import type { ModelShape } from './shape.ts';
import { type Piece, piecesOf, promptOf, SAMPLE_SHARE, type Workload } from './workload.ts';

/** One kind of thing that a run has on disk. */
export interface DiskItem {
  what: string;
  /** Most bytes at a time while the run is under way. */
  underWay: number;
  /** Bytes that stay when it is over. */
  afterwards: number;
}

/** The space that a run needs on disk: no more than these together. */
export interface DiskNeed {
  items: readonly DiskItem[];
  underWay: number;
  afterwards: number;
}

/** What of a configuration decides the space. */
export interface Kept extends Workload {
  settings: Workload['settings'] & Pick<Settings, 'arm' | 'storage' | 'warnings'>;
}

/** Bytes of a token's id, of its log-prob, and of its text: UTF-8 in JSON, of a vocabulary of word pieces. */
const ID = 4;
const LOGPROB = 4;
const TEXT = 4;

/** Bytes of a sample's record beside its text: marks, rewards, quotes. */
const MARKS = 50;

/** Bytes of a weight, and of one with AdamW's two moments. */
const FP32 = 4;
const RESUMABLE = 3 * FP32;

/** Folders of a hand-over: the last two, of which somebody may be reading, and one that is being written. */
const HANDED_OVER = 3;

/**
 * What a run has on disk, at expected lengths of samples. Weights are written in float32, as they are trained, adapters
 * alone where those are; what is handed over to other workers, in the type that they sample in.
 *
 * @param handover bytes of a weight that is handed over: 2 on GPUs, 4 on CPUs; 0 where one worker does all
 */
export function diskNeed(kept: Kept, shape: ModelShape, handover: 0 | 2 | 4): DiskNeed {
  const { loraRank } = kept.settings.trainer;
  const trained = loraRank === 0 ? shape.parameters : adapterParameters(shape, loraRank);
  const items: DiskItem[] = [
    modelsItem(kept, trained),
    checkpointsItem(kept, trained),
    answersItem(kept, shape),
    recordsItem(kept, shape),
    handoverItem(trained, handover > 0 && loraRank > 0 ? FP32 : handover),
  ]
    .filter(({ underWay }) => underWay > 0)
    .map(({ what, underWay, afterwards }) => ({
      what,
      underWay: Math.ceil(underWay),
      afterwards: Math.ceil(afterwards),
    }));
  const total = (column: 'underWay' | 'afterwards') => items.reduce((sum, item) => sum + item[column], 0);
  return { items, underWay: total('underWay'), afterwards: total('afterwards') };
}

/**
 * The Challengers and Solvers that stay (ts/store/needed.ts): of as many iterations as have a Solver that may judge the
 * next, and meanwhile of the one that is under way.
 */
function modelsItem({ settings }: Kept, trained: number): DiskItem {
  const { iterations, arm, roles, storage, warnings } = settings;
  const last = roles.judge === 'ensemble' ? roles.ensemble : 1;
  // A roll-back goes to the best, with those that judge beside it.
  const best = rollsBack(warnings) ? last : storage.keepModels === 'best' ? 1 : 0;
  const stay = storage.keepModels === 'every' ? iterations : Math.min(iterations, best + last);
  const each = FP32 * trained * (arm === 'untrained-challenger' ? 1 : 2);
  const lasts = last === 1 ? 'the last iteration' : `the last ${last} iterations`;
  const whose = storage.keepModels === 'every' ? 'every iteration' : best > 0 ? `the best and ${lasts}` : lasts;
  return {
    what: `models of ${whose}, float32`,
    underWay: each * Math.min(iterations, stay + 1),
    afterwards: each * stay,
  };
}

/** Those that stay of the phase that is under way, and one that is being written; of the phase where that is most. */
function checkpointsItem({ settings }: Kept, trained: number): DiskItem {
  const { arm, storage, roles, challenger, solver } = settings;
  const ofPhase = ({ steps, klCoef }: PhaseSettings) => {
    // After the last step the model is there; and a run that is told to stop writes one after any step.
    const written = Math.min(steps - 1, Math.floor((steps - 1) / storage.checkpointEvery) + 1);
    const follows = roles.anchor === 'ema' && klCoef > 0;
    const count = Math.min(written, storage.keepCheckpoints + 1);
    return { count, follows, bytes: count * trained * (RESUMABLE + (follows ? FP32 : 0)) };
  };
  const phases = (arm === 'untrained-challenger' ? [solver] : [challenger, solver]).map(ofPhase);
  const { count, follows, bytes } = phases.reduce((most, phase) => (phase.bytes > most.bytes ? phase : most));
  const what = `${count} checkpoints: weights, moments${follows ? ', anchor' : ''}, float32`;
  return { what, underWay: bytes, afterwards: 0 };
}

/** Recorded samples and log-probs: of the phase that has most, or of all. */
function answersItem(kept: Kept, shape: ModelShape): DiskItem {
  const phases = phasesOf(kept, shape).map(({ piece, runs }) => ({ runs, bytes: answerBytes(piece, shape) }));
  const all = phases.reduce((sum, { runs, bytes }) => sum + runs * bytes, 0);
  if (kept.settings.storage.keepAnswers) return { what: 'recorded answers', underWay: all, afterwards: all };
  const most = Math.max(...phases.map(({ bytes }) => bytes));
  return { what: 'recorded answers of the largest phase', underWay: most, afterwards: 0 };
}

function answerBytes({ times, draws, batch }: Piece, shape: ModelShape): number {
  const drawn = draws.reduce((sum, { prompts, each, maxTokens }) => {
    const tokens = each * SAMPLE_SHARE * maxTokens;
    return sum + prompts * (ID * promptOf(shape) + (ID + LOGPROB + TEXT) * tokens);
  }, 0);
  const [first] = draws;
  const samples = first === undefined ? 0 : first.prompts * first.each;
  const scored = batch === undefined ? 0 : batch.scorings * samples * batch.length * LOGPROB;
  return times * (drawn + scored);
}

/** Texts of all samples of all iterations, with what was made of them. */
function recordsItem(kept: Kept, shape: ModelShape): DiskItem {
  const bytes = phasesOf(kept, shape).reduce((sum, { piece: { times, draws }, runs }) => {
    const texts = draws.map(
      ({ prompts, each, maxTokens }) => prompts * each * (MARKS + TEXT * SAMPLE_SHARE * maxTokens),
    );
    return sum + runs * times * texts.reduce((all, one) => all + one, 0);
  }, 0);
  return { what: 'records: texts of all samples', underWay: bytes, afterwards: bytes };
}

function handoverItem(trained: number, bytes: number): DiskItem {
  const type = bytes === FP32 ? 'float32' : 'bfloat16';
  return {
    what: `${HANDED_OVER} hand-overs to samplers, ${type}`,
    underWay: HANDED_OVER * bytes * trained,
    afterwards: 0,
  };
}

/** The phases that there are, and how often a run has each: the base model sits the exam, too. */
function phasesOf(kept: Kept, shape: ModelShape): { piece: Piece; runs: number }[] {
  const { arm, iterations } = kept.settings;
  return piecesOf(kept, shape)
    .filter(({ name }) => arm !== 'untrained-challenger' || name !== 'Challenger step')
    .map((piece) => ({ piece, runs: piece.name === 'evaluation' ? iterations + 1 : iterations }));
}
