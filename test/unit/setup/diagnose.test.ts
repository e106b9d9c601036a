import { describe, expect, test } from '@jest/globals';
import { setupModule } from './project.ts';

interface Diagnosis {
  exitCode: number;
  sentence: string;
}
interface Diagnose {
  diagnoseNpm(output: string): Diagnosis | undefined;
  diagnosePip(output: string, python: string): Diagnosis | undefined;
}

const { diagnoseNpm, diagnosePip } = await setupModule<Diagnose>('diagnose.mjs');

// Lines as npm 10 and 11 print them.
describe('npm', () => {
  test.each([
    ['npm error code EAI_AGAIN', 69, 'cannot reach its registry (EAI_AGAIN)'],
    ['npm ERR! code ECONNREFUSED', 69, 'cannot reach its registry (ECONNREFUSED)'],
    ['npm error code E503\nnpm error 503 Service Unavailable', 69, 'cannot reach its registry (E503)'],
    ['npm error code SELF_SIGNED_CERT_IN_CHAIN', 69, "does not trust its registry's certificate"],
    ['npm error code E401\nnpm error Incorrect or missing password.', 69, 'refused access (401)'],
    ['npm error code ETARGET\nnpm error notarget No matching version found for zod@4.6.7.', 69, 'zod@4.6.7'],
    [
      "npm error code E404\nnpm error 404  'zod@4.6.7' is not in this registry.",
      69,
      'does not offer a package that is needed',
    ],
    ['npm error code EINTEGRITY', 69, 'differs from package-lock.json'],
    ['npm error nospc ENOSPC: no space left on device, write', 69, 'the disk is full'],
    ['npm error code EACCES\nnpm error path /srv/rzero/node_modules', 69, 'cannot be written'],
    [
      'npm error code EUSAGE\nnpm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.',
      78,
      'package-lock.json does not match package.json',
    ],
  ])('%j', (output, exitCode, sentence) => {
    expect(diagnoseNpm(output)).toEqual({ exitCode, sentence: expect.stringContaining(sentence) });
  });

  test('anything else is left to the log', () => {
    expect(diagnoseNpm('npm error Cannot read properties of undefined')).toBeUndefined();
    expect(diagnoseNpm('')).toBeUndefined();
  });
});

// Lines as pip 23 to 26 print them.
describe('pip', () => {
  test.each([
    [
      "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('<pip._vendor...>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')'",
      'cannot reach its index',
    ],
    ["ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed'))", 'cannot reach its index'],
    ['ERROR: HTTP error 503 while getting https://index/\n503 Server Error: Service Unavailable', 'cannot reach'],
    ["SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", 'certificate'],
    ['ERROR: 401 Client Error: Unauthorized for url: https://index/simple/torch/', 'refused access'],
    [
      'ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)\nERROR: No matching distribution found for torch==2.13.0',
      'offers no torch==2.13.0 for Python 3.15.0',
    ],
    ['ERROR: ResolutionImpossible: for help visit', 'no set of versions'],
    ['  ERROR: Failed building wheel for pyzmq', 'no ready-made pyzmq for Python 3.15.0'],
    ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', 'the disk is full'],
    ["ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '.venv'", 'cannot be written'],
  ])('%j', (output, sentence) => {
    expect(diagnosePip(output, 'Python 3.15.0')).toEqual({
      exitCode: 69,
      sentence: expect.stringContaining(sentence),
    });
  });

  test('anything else is left to the log', () => {
    expect(diagnosePip('AssertionError', 'Python 3.12.0')).toBeUndefined();
  });
});

test('each sentence is one', () => {
  for (const output of ['ENOTFOUND', 'E401', 'ENOSPC', 'EINTEGRITY', 'CERT_HAS_EXPIRED', 'EACCES']) {
    expect(diagnoseNpm(`npm error code ${output}`)?.sentence).toMatch(/^[^\n]+[^.\n]\.$/);
  }
});
