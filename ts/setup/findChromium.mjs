import { findProgram, isExecutable } from './findPython.mjs';

/** Names that Chromium goes by, on Debian and elsewhere. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What Chromium is started with: alone, without a window, and without a word to anyone. */
export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * @param {NodeJS.ProcessEnv} env RZERO_CHROMIUM names another one
 * @returns {string | undefined} its path; undefined where there is none
 */
export function findChromium(env) {
  if (env.RZERO_CHROMIUM) return isExecutable(env.RZERO_CHROMIUM) ? env.RZERO_CHROMIUM : undefined;
  return NAMES.map((name) => findProgram(name, env)).find((path) => path !== undefined);
}
