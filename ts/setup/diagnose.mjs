import { EXIT } from './problem.mjs';

// What npm and pip print is the only place where they say why they failed: their exit codes say nothing.

const DISK = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i;
const DENIED = /EACCES|EROFS|Permission denied|Read-only file system/i;

const NPM_NETWORK =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|EHOSTUNREACH|ENETUNREACH|EIDLETIMEOUT|E50\d|E429)\b/;
const NPM_CERTIFICATE = /\b(UNABLE_TO_\w+|SELF_SIGNED_CERT\w*|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_\w+|ERR_TLS_\w+)\b/;

const PIP_NETWORK =
  /NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|ProxyError|Temporary failure in name resolution|Connection refused|Network is unreachable|ConnectionResetError|RemoteDisconnected|Read timed out|50\d Server Error/;
const PIP_CERTIFICATE = /SSLError|CERTIFICATE_VERIFY_FAILED/;

/**
 * Why npm failed, from what it printed.
 *
 * @param {string} output
 * @returns {{exitCode: number, sentence: string} | undefined} undefined when it cannot be told
 */
export function diagnoseNpm(output) {
  const network = NPM_NETWORK.exec(output);
  const certificate = NPM_CERTIFICATE.exec(output);
  const refused = /\bE(401|403)\b/.exec(output);
  const absent = /(?:No matching version found for|is not in this registry|404 Not Found - GET) ?(\S*)/.exec(output);
  return (
    disk(output) ??
    (certificate &&
      unavailable(
        `npm does not trust its registry's certificate (${certificate[1]}): set npm's \`cafile\` to your network's and run this again.`,
      )) ??
    (network &&
      unavailable(
        `npm cannot reach its registry (${network[1]}): check the network, the proxy and npm's \`registry\` setting and run this again.`,
      )) ??
    (refused &&
      unavailable(
        `npm's registry refused access (${refused[1]}): put valid credentials in .npmrc and run this again.`,
      )) ??
    (absent &&
      unavailable(
        `npm's registry does not offer a package that is needed (${absent[1] || 'see above'}): point npm's \`registry\` at one that does and run this again.`,
      )) ??
    (/\bEINTEGRITY\b/.test(output)
      ? unavailable(
          'what npm received differs from package-lock.json: run `npm cache clean --force`, then this again, or use another registry.',
        )
      : undefined) ??
    (/can only install packages when your package\.json and package-lock\.json/.test(output)
      ? {
          exitCode: EXIT.config,
          sentence:
            'package-lock.json does not match package.json: run `npm install` and keep the lock file it writes.',
        }
      : undefined) ??
    denied(output)
  );
}

/**
 * Why pip failed, from what it printed.
 *
 * @param {string} output
 * @param {string} python what to call the interpreter, such as 'Python 3.13.0'
 * @returns {{exitCode: number, sentence: string} | undefined} undefined when it cannot be told
 */
export function diagnosePip(output, python) {
  const absent = /No matching distribution found for ([^\s;]+)/.exec(output);
  const unbuilt = /(?:Failed building wheel for|Failed to build) ['"]?([\w.-]+)/.exec(output);
  return (
    disk(output) ??
    (PIP_CERTIFICATE.test(output)
      ? unavailable(
          "pip does not trust its index's certificate: set pip's `cert` (or PIP_CERT) to your network's and run this again.",
        )
      : undefined) ??
    (PIP_NETWORK.test(output)
      ? unavailable(
          "pip cannot reach its index: check the network, the proxy and pip's `index-url` setting and run this again.",
        )
      : undefined) ??
    (/\b(401|403) Client Error|User for \S+: /.test(output)
      ? unavailable("pip's index refused access: put valid credentials into pip's settings and run this again.")
      : undefined) ??
    (/ResolutionImpossible|conflicting dependencies/.test(output)
      ? unavailable(
          'pip found no set of versions that fits py_worker/constraints.txt: install them yourself and name that Python in RZERO_PYTHON.',
        )
      : undefined) ??
    (absent &&
      unavailable(
        `pip's index offers no ${absent[1]} for ${python} on ${process.platform} ${process.arch}: use a Python or an index that has it (RZERO_PYTHON, PIP_EXTRA_INDEX_URL).`,
      )) ??
    (unbuilt &&
      unavailable(
        `pip found no ready-made ${unbuilt[1]} for ${python} and could not build it: use Python 3.11, 3.12 or 3.13, or name an environment that has it in RZERO_PYTHON.`,
      )) ??
    denied(output)
  );
}

function disk(output) {
  return DISK.test(output)
    ? unavailable(
        'the disk is full: free some space (`npm cache clean --force`, `pip cache purge`) and run this again.',
      )
    : undefined;
}

function denied(output) {
  return DENIED.test(output)
    ? unavailable(
        'a file or folder cannot be written: give yourself write access to it (see above) and run this again.',
      )
    : undefined;
}

function unavailable(sentence) {
  return { exitCode: EXIT.unavailable, sentence };
}
