/**
 * Jest runs the TypeScript sources as native ES modules (NODE_OPTIONS=--experimental-vm-modules, set by
 * ts/setup/test.mjs). Types are erased by swc, never checked here: `tsc` does that.
 */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // A checkout's own outputs hold copies of package.json and modules that would shadow the sources.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.venv', '<rootDir>/.setup/', '<rootDir>/runs/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  workerThreads: false,
  maxWorkers: 2,
  testTimeout: 30_000,
};
