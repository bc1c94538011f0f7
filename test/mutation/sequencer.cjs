/** Runs the test files first that are likely to kill a mutant quickly: unit tests, fast ones, and those that killed others. */
const { activeMutant, readTestFile } = require('./known-tests.cjs');

module.exports = class {
  sort(tests) {
    if (activeMutant() === undefined) return tests;
    const cost = ({ path, context }) => {
      const { milliseconds, kills } = readTestFile(context.config.rootDir, path);
      return milliseconds / (1 + kills);
    };
    const isUnit = ({ path }) => Number(path.includes('/unit/'));
    return [...tests].sort((a, b) => isUnit(b) - isUnit(a) || cost(a) - cost(b));
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
};
