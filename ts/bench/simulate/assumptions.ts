import { gpuNamed } from '../../placement/gpu.ts';
import {
  DECODE_BANDWIDTH,
  EXCHANGE,
  HOST_LINK,
  LINK,
  NETWORK,
  ROW_OVERHEAD,
  SAMPLE_FLOPS,
  SHA256,
  STEP_OVERHEAD,
  TRAIN_FLOPS,
} from '../../placement/speed.ts';
import type { LengthLaw } from '../../simulate/lengths.ts';
import { SHARES } from '../../simulate/text.ts';
import { LENGTHS, MODEL, REQUEST_SAMPLES } from './scenarios.ts';

/** All that the tables rest on, a line each. */
export function assumptions(gpus: readonly string[]): string[] {
  const percent = (share: number): string => `${Math.round(100 * share)} %`;
  const law = ({ mean, sigma }: LengthLaw): string => `mean ${mean}, sigma ${sigma}`;
  return [
    `${MODEL}, trained in float32 with AdamW, sampled in bfloat16; the sizes of the preset paper, of which one iteration is played (the paper has three, which are alike); no exam`,
    `lengths in tokens, log-normal and cut at 4,096: questions ${law(LENGTHS.question)}; answers and rollouts ${law(LENGTHS.answer)}; prompts ${LENGTHS.challengerPrompt} and ${LENGTHS.solverPrompt}`,
    `${percent(SHARES.malformed)} of the Challenger's texts hold no question, ${percent(SHARES.stock)} a stock one; how many of a question's answers agree is uniform over all`,
    ...gpus.map((name) => {
      const { memoryBytes, bandwidth, flops, link, hostLink, dollarsPerHour } = gpuNamed(name);
      const peak = `${(bandwidth / 1e12).toFixed(2)} TB/s, ${flops / 1e12} TFLOP/s, ${link / 1e9} GB/s to others of its host, ${hostLink / 1e9} to its host`;
      return `${name}: ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${peak} (data sheet), $${dollarsPerHour} an hour`;
    }),
    `reached of that: ${percent(DECODE_BANDWIDTH)} of the bandwidth and ${percent(SAMPLE_FLOPS)} of the arithmetic in sampling, ${percent(TRAIN_FLOPS)} of the arithmetic in training and scoring, ${percent(LINK)} between GPUs, ${percent(HOST_LINK)} to the host; ${NETWORK / 1e9} GB/s between hosts`,
    `a step of decoding takes ${1e3 * STEP_OVERHEAD} ms and ${1e6 * ROW_OVERHEAD} us a row besides; weights are written and read at ${EXCHANGE / 1e9} GB/s and hashed at ${SHA256 / 1e9} GB/s a thread`,
    `requests of ${REQUEST_SAMPLES} samples; an engine draws from one model at a time, takes waiting samples of it into its batch, and has as many rows as \`rzero plan\` finds`,
    'the fixed split has the same speeds, one model an engine, and for nothing: starting servers and trainers, rewards on the processor, copies of weights within a step, memory of its trainers beside its engines',
    "what the orchestrator computes takes no time; a GPU is busy while it samples, scores or trains; dollars are round figures, nobody's offer",
  ];
}
