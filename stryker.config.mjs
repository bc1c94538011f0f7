/**
 * Mutation testing: breaks lib/ in a few thousand ways and asks whether a test notices. `npm run mutation` runs all of it,
 * `npm run mutation:changed` what has changed; scripts/check-mutation.mjs holds the thresholds.
 *
 * No kind of mutant is left out, nor those that only run while a file is loaded: much of what tables say is of that kind.
 * (Decorators Stryker leaves alone.) A mutant that cannot be told from the original is switched off where it stands, by
 * `// Stryker disable next-line`, with the reason.
 *
 * @see https://stryker-mutator.io/docs/stryker-js/configuration/
 */
export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  // Which tests reach a mutant is known from the dry run (test/mutation/jest-circus.cjs).
  jest: { configFile: 'jest.mutation.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  // lib/testing is tested by all of test/, and main.ts only by scripts/test-packed.mjs, which spawns it.
  mutate: ['lib/**/*.ts', '!lib/testing/**', '!lib/types/**', '!lib/index.ts', '!lib/cli/main.ts'],
  ignorePatterns: ['/build', '/dist', '/coverage', '/docs', '/bench', '/sample'],
  tempDirName: 'build/stryker',
  reporters: ['clear-text', 'progress-append-only', 'json', 'html'],
  clearTextReporter: { logTests: false, reportTests: false, reportMutants: false, skipFull: true },
  jsonReporter: { fileName: 'build/mutation/mutation.json' },
  htmlReporter: { fileName: 'build/mutation/mutation.html' },
  incrementalFile: 'build/mutation/incremental.json',
  concurrency: 2,
  // jest leaves the modules of each run in memory: a worker grows by some 20 MB with each mutant.
  maxTestRunnerReuse: 100,
  // Beyond what the tests of a mutant took in the dry run. Much, lest a busy machine be taken for a killed mutant.
  timeoutMS: 60_000,
  dryRunTimeoutMinutes: 15,
};
