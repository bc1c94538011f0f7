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
  testPathIgnorePatterns: [
    '/node_modules/',
    // About the repository, or about lib/testing, which is not mutated.
    '/test/unit/(house|testing)/',
    // The samples, and a real browser.
    '/test/e2e/(sample|browser)',
    // Every fault of Clerk, and what becomes of it: minutes.
    '/test/e2e/(faults|outage)',
    // Seconds of real time; test/unit/guard/stream-expiry.spec.ts has the same with a clock of its own.
    '/test/e2e/streams',
    // Attacks, values and requests by the thousand.
    '/test/e2e/parity',
    '/test/security/(corpus|differential|floods|properties|regular)',
  ],
};
