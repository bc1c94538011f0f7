/**
 * Mutation testing: changes lib/ in a few thousand ways and checks that a test fails each time. `npm run mutation` mutates
 * all files, `npm run mutation:changed` the changed ones; scripts/check-mutation.mjs has the thresholds.
 *
 * All kinds of mutants are enabled, including static ones, which run while a file is loaded: tables consist of those.
 * (Stryker does not mutate decorators.) A mutant that behaves like the original is disabled in the source, by
 * `// Stryker disable next-line` with the reason.
 *
 * @see https://stryker-mutator.io/docs/stryker-js/configuration/
 */
export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  // The dry run records which tests reach a mutant (test/mutation/jest-circus.cjs).
  jest: { configFile: 'jest.mutation.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  // All tests use lib/testing, so it is not mutated. main.ts is only run by scripts/test-packed.mjs.
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
  // Added to the time of the tests in the dry run. It is long, so that a slow machine does not count as a killed mutant.
  timeoutMS: 60_000,
  dryRunTimeoutMinutes: 15,
};
