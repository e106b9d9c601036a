import { main as rzero } from './rzeroCommand.mjs';

/**
 * `npm start [-- OPTIONS]`: a run with the defaults, which need no GPU and no download of a model.
 *
 * @param {string[]} args options of `rzero run`
 */
export async function main(args) {
  await rzero(['run', ...args]);
}
