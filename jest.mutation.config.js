import base from './jest.config.js';

// Of several projects the first: mutants live in lib/, whichever Nest it runs on.
const project = base.projects?.[0] ?? base;

/**
 * The tests that mutants are held against (`stryker.config.mjs`): each mutant pays for every test that reaches it, so what
 * needs other programs, or minutes, or only repeats others at length, stays out.
 *
 * @type {import('jest').Config}
 */
export default {
  ...project,
  // The sandbox has another name each time; what has been compiled is found again all the same.
  id: 'nest-clerk-mutation',
  // Many a mutant never answers; waiting for it kills it, and takes most of the time of a run.
  testTimeout: 10_000,
  testRunner: '<rootDir>/test/mutation/jest-circus.cjs',
  testSequencer: '<rootDir>/test/mutation/sequencer.cjs',
  testMatch: [
    // Those about the repository, and about lib/testing, have nothing to say of a mutant.
    '<rootDir>/test/unit/!(house|testing)/*.spec.ts',
    // What only shows in an application; the rest of e2e repeats it over transports, platforms and thousands of requests.
    '<rootDir>/test/e2e/(audit|boot|frontend-api-proxy|guard|handler|middleware|protection-map|refusals|session-options).spec.ts',
    '<rootDir>/test/security/cached-identities.spec.ts',
  ],
};
