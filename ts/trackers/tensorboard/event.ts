import type { Histogram } from './histogram.ts';
import { bytes, double, float, int, message, packedDoubles } from './protobuf.ts';

// TensorBoard's messages by the numbers of their fields: event.proto, summary.proto, tensor.proto and
// plugins/hparams/plugin_data.proto of TensorBoard 2.21.

/** When something happened: seconds since 1970, and the step of the run. */
export interface Moment {
  wallTime: number;
  step: number;
}

const DT_STRING = 7;
const DATA_CLASS_TENSOR = 2;

/** The first event of a file: the version of its format. */
export function fileVersion(wallTime: number): Buffer {
  return Buffer.concat([double(1, wallTime), bytes(3, 'brain.Event:2')]);
}

/** From here on a run is told anew: what earlier files say of this step and later ones does not count. */
export function sessionStart({ wallTime, step }: Moment): Buffer {
  const START = 1;
  return Buffer.concat([double(1, wallTime), int(2, step), message(7, int(1, START))]);
}

/** Numbers by tag. They are kept as 32-bit floats. */
export function scalars({ wallTime, step }: Moment, values: Readonly<Record<string, number>>): Buffer {
  const all = Object.entries(values).map(([tag, value]) => message(1, bytes(1, tag), float(2, value)));
  return Buffer.concat([double(1, wallTime), int(2, step), message(5, ...all)]);
}

export function histogram({ wallTime, step }: Moment, tag: string, values: Histogram): Buffer {
  const { min, max, num, sum, sumSquares, limits, counts } = values;
  const all = message(
    5,
    ...[min, max, num, sum, sumSquares].map((value, index) => double(index + 1, value)),
    packedDoubles(6, limits),
    packedDoubles(7, counts),
  );
  return Buffer.concat([double(1, wallTime), int(2, step), message(5, message(1, bytes(1, tag), all))]);
}

/** A text, which TensorBoard shows as Markdown. */
export function text({ wallTime, step }: Moment, tag: string, markdown: string): Buffer {
  const shape = message(2, message(2, int(1, 1)));
  const tensor = message(8, int(1, DT_STRING), shape, bytes(8, markdown));
  const metadata = message(9, message(1, bytes(1, 'text')), int(4, DATA_CLASS_TENSOR));
  return Buffer.concat([double(1, wallTime), int(2, step), message(5, message(1, bytes(1, tag), metadata, tensor))]);
}

/** What the page HPARAMS shows of a run: its options, of which each is a number, a boolean or a text. */
export function hparams(wallTime: number, options: readonly (readonly [string, number | boolean | string])[]): Buffer {
  const TAG = '_hparams_/session_start_info';
  const value = (option: number | boolean | string): Buffer => {
    if (typeof option === 'number') return double(2, option);
    return typeof option === 'boolean' ? int(4, Number(option)) : bytes(3, option);
  };
  const all = options.map(([name, option]) => message(1, bytes(1, name), message(2, value(option))));
  const info = message(3, ...all, double(5, wallTime));
  const metadata = message(9, message(1, bytes(1, 'hparams'), bytes(2, info)), int(4, DATA_CLASS_TENSOR));
  return Buffer.concat([double(1, wallTime), message(5, message(1, bytes(1, TAG), metadata))]);
}
