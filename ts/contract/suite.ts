import { ATTEMPTS } from './cases/attempts.ts';
import { CONNECTION } from './cases/connection.ts';
import { CONTROL } from './cases/control.ts';
import { DISTRIBUTION } from './cases/distribution.ts';
import { ENDS } from './cases/ends.ts';
import { HANDSHAKE } from './cases/handshake.ts';
import { INSPECTION } from './cases/inspection.ts';
import { LOSSES } from './cases/losses.ts';
import { MACHINE } from './cases/machine.ts';
import { REPEATS } from './cases/repeats.ts';
import { REQUESTS } from './cases/requests.ts';
import { SAMPLING_CASES } from './cases/sampling.ts';
import { SIZES } from './cases/sizes.ts';
import { SLEEP } from './cases/sleep.ts';
import { STOP_STRINGS } from './cases/stopStrings.ts';
import { TOGETHER } from './cases/together.ts';
import { TRAINING } from './cases/training.ts';
import { VERSIONS } from './cases/versions.ts';
import { WEIGHTS } from './cases/weights.ts';
import type { Case } from './context.ts';

/** Everything that proto/protocol.yml and proto/README.md promise of a worker. Those that end the worker come last. */
export const CASES: readonly Case[] = [
  ...HANDSHAKE,
  ...REQUESTS,
  ...INSPECTION,
  ...SAMPLING_CASES,
  ...STOP_STRINGS,
  ...DISTRIBUTION,
  ...TOGETHER,
  ...SIZES,
  ...TRAINING,
  ...LOSSES,
  ...REPEATS,
  ...WEIGHTS,
  ...VERSIONS,
  ...SLEEP,
  ...CONTROL,
  ...MACHINE,
  ...CONNECTION,
  ...ATTEMPTS,
  ...ENDS,
];
