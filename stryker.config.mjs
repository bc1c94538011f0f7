/**
 * Mutation testing: Stryker changes lib/ in a few thousand places and checks for each change (a mutant) whether a test
 * fails. `npm run mutation` covers all of lib/, `npm run mutation:changed` only what has changed. The thresholds are in
 * scripts/check-mutation.mjs, which also lists the survivors in build/mutation/survivors.md.
 *
 * No kind of mutant is excluded, nor those that only run while a file is loaded: tables consist of such mutants. (Stryker
 * does not mutate decorators.) `// Stryker disable` is only for a check that guards against bypasses which no known
 * request can reach; any other mutant may survive.
 *
 * @see https://stryker-mutator.io/docs/stryker-js/configuration/
 */
export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  // The dry run records which tests reach a mutant (test/mutation/jest-circus.cjs).
  jest: { configFile: 'jest.mutation.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  // All of test/ tests lib/testing. Only scripts/test-packed.mjs tests main.ts, in a process of its own.
  mutate: ['lib/**/*.ts', '!lib/testing/**', '!lib/types/**', '!lib/index.ts', '!lib/cli/main.ts'],
  ignorePatterns: ['/build', '/dist', '/coverage', '/bench', '/sample'],
  tempDirName: 'build/stryker',
  reporters: ['clear-text', 'progress-append-only', 'json', 'html'],
  clearTextReporter: { logTests: false, reportTests: false, reportMutants: false, skipFull: true },
  jsonReporter: { fileName: 'build/mutation/mutation.json' },
  htmlReporter: { fileName: 'build/mutation/mutation.html' },
  incrementalFile: 'build/mutation/incremental.json',
  concurrency: 2,
  // jest keeps the modules of each run in memory, so a worker grows by about 20 MB with each mutant.
  maxTestRunnerReuse: 100,
  // In addition to the time of the tests in the dry run. Generous, so that a busy machine does not count as a timeout.
  timeoutMS: 60_000,
  dryRunTimeoutMinutes: 15,
};
