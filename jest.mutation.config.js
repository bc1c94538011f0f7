import base from './jest.config.js';

<<<<<<< HEAD
// The first project is enough: lib/ is the same for every version of Nest.
const project = base.projects?.[0] ?? base;

/**
 * The tests of mutation testing (`stryker.config.mjs`). Every test that reaches a mutant runs for it, so tests that need
 * other programs, take minutes, or mostly repeat others are left out.
=======
// Only the first project: mutants do not depend on the version of Nest.
const project = base.projects?.[0] ?? base;

/**
 * The tests that run against mutants (`stryker.config.mjs`). Every test that reaches a mutant takes time, so tests are left
 * out if they need other programs, take minutes, or only repeat other tests with more data.
>>>>>>> wt-prose
 *
 * @type {import('jest').Config}
 */
export default {
  ...project,
<<<<<<< HEAD
  // A fixed ID lets jest reuse its cache of compiled files, although the sandbox has a new name each time.
  id: 'nest-clerk-mutation',
  // Many mutants never respond. They count as killed after this timeout, which takes most of the time of a run.
=======
  // The path of the sandbox changes with each run. A fixed id keeps jest's cache of compiled files.
  id: 'nest-clerk-mutation',
  // Many mutants hang, and waiting for their timeout takes most of the time of a run.
>>>>>>> wt-prose
  testTimeout: 10_000,
  testRunner: '<rootDir>/test/mutation/jest-circus.cjs',
  testSequencer: '<rootDir>/test/mutation/sequencer.cjs',
  testMatch: [
<<<<<<< HEAD
    // Tests of the repository and of lib/testing detect no mutants.
    '<rootDir>/test/unit/!(house|testing)/*.spec.ts',
    // What only shows in an application. The other e2e tests repeat it for transports, platforms and many requests.
=======
    // Tests of the repository and of lib/testing, which is not mutated, cannot kill a mutant.
    '<rootDir>/test/unit/!(house|testing)/*.spec.ts',
    // What only an application shows. The other e2e tests repeat it on other transports and platforms.
>>>>>>> wt-prose
    '<rootDir>/test/e2e/(audit|boot|frontend-api-proxy|guard|handler|middleware|protection-map|refusals|session-options).spec.ts',
    '<rootDir>/test/security/cached-identities.spec.ts',
  ],
};
