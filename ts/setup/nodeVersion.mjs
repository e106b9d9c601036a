// Old syntax only (see launch.mjs): this file must run on the Node it complains about.

/** The oldest Node that can run the project, `[major, minor]`; the `engines` of package.json say the same. */
export const OLDEST_NODE = [20, 11];

/**
 * @param {string} version as in `process.versions.node`
 * @param {string} platform as in `process.platform`
 * @returns {string} one sentence, or '' when this Node will do
 */
export function nodeProblem(version, platform) {
  const parts = version.split('.').map(Number);
  const wanted = OLDEST_NODE.join('.');
  if (parts[0] < OLDEST_NODE[0] || (parts[0] === OLDEST_NODE[0] && parts[1] < OLDEST_NODE[1])) {
    return `Node ${version} is too old: install Node ${wanted} or newer (https://nodejs.org) and run this again.`;
  }
  if (platform === 'win32') {
    return 'Windows itself is not supported: run this inside WSL, on Linux or on macOS.';
  }
  return '';
}
