import base from './jest.config.js';

// Only the first project: mutants do not depend on the version of Nest.
const project = base.projects?.[0] ?? base;

/**
 * The tests that run against mutants (`stryker.config.mjs`). Every test that reaches a mutant takes time, so tests are left
 * out if they need other programs, take minutes, or only repeat other tests with more data.
 *
 * @type {import('jest').Config}
 */
export default {
  ...project,
  // The path of the sandbox changes with each run. A fixed id keeps jest's cache of compiled files.
  id: 'nest-clerk-mutation',
  // Many mutants hang, and waiting for their timeout takes most of the time of a run.
  testTimeout: 10_000,
  testRunner: '<rootDir>/test/mutation/jest-circus.cjs',
  testSequencer: '<rootDir>/test/mutation/sequencer.cjs',
  testMatch: [
    // Tests of the repository and of lib/testing, which is not mutated, cannot kill a mutant.
    '<rootDir>/test/unit/!(house|testing)/*.spec.ts',
    // What only an application shows. The other e2e tests repeat it on other transports and platforms.
    '<rootDir>/test/e2e/(audit|boot|denied-requests|frontend-api-proxy|guard|handler|middleware|protection-map|session-options).spec.ts',
    '<rootDir>/test/security/cached-identities.spec.ts',
  ],
};
