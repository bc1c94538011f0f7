/**
<<<<<<< HEAD
 * Mutation testing: Stryker changes lib/ in a few thousand places and checks for each change (a mutant) whether a test
 * fails. `npm run mutation` covers all of lib/, `npm run mutation:changed` only what has changed. The thresholds are in
 * scripts/check-mutation.mjs, which also lists the survivors in build/mutation/survivors.md.
 *
 * No kind of mutant is excluded, nor those that only run while a file is loaded: tables consist of such mutants. (Stryker
 * does not mutate decorators.) `// Stryker disable` is only for a check that guards against bypasses which no known
 * request can reach; any other mutant may survive.
=======
 * Mutation testing: changes lib/ in a few thousand ways and checks that a test fails each time. `npm run mutation` mutates
 * all files, `npm run mutation:changed` the changed ones; scripts/check-mutation.mjs has the thresholds.
 *
 * All kinds of mutants are enabled, including static ones, which run while a file is loaded: tables consist of those.
 * (Stryker does not mutate decorators.) A mutant that behaves like the original is disabled in the source, by
 * `// Stryker disable next-line` with the reason.
>>>>>>> wt-prose
 *
 * @see https://stryker-mutator.io/docs/stryker-js/configuration/
 */
export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  // The dry run records which tests reach a mutant (test/mutation/jest-circus.cjs).
  jest: { configFile: 'jest.mutation.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
<<<<<<< HEAD
  // All of test/ tests lib/testing. Only scripts/test-packed.mjs tests main.ts, in a process of its own.
=======
  // All tests use lib/testing, so it is not mutated. main.ts is only run by scripts/test-packed.mjs.
>>>>>>> wt-prose
  mutate: ['lib/**/*.ts', '!lib/testing/**', '!lib/types/**', '!lib/index.ts', '!lib/cli/main.ts'],
  ignorePatterns: ['/build', '/dist', '/coverage', '/docs', '/bench', '/sample'],
  tempDirName: 'build/stryker',
  reporters: ['clear-text', 'progress-append-only', 'json', 'html'],
  clearTextReporter: { logTests: false, reportTests: false, reportMutants: false, skipFull: true },
  jsonReporter: { fileName: 'build/mutation/mutation.json' },
  htmlReporter: { fileName: 'build/mutation/mutation.html' },
  incrementalFile: 'build/mutation/incremental.json',
  concurrency: 2,
  // jest keeps the modules of each run in memory, so a worker grows by about 20 MB with each mutant.
  maxTestRunnerReuse: 100,
<<<<<<< HEAD
  // In addition to the time of the tests in the dry run. Generous, so that a busy machine does not count as a timeout.
=======
  // Added to the time of the tests in the dry run. It is long, so that a slow machine does not count as a killed mutant.
>>>>>>> wt-prose
  timeoutMS: 60_000,
  dryRunTimeoutMinutes: 15,
};
