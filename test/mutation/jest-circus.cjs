/**
 * jest's own runner with two additions that Stryker cannot configure: it stops at the first failure, since one failure kills
 * a mutant, and does not load test files that do not reach the mutant. (The file name contains "jest-circus" because Stryker
 * checks for it.)
 */
const { default: circus } = require('jest-circus/runner');

const { activeMutant, readTestFile, recordTestFile } = require('./known-tests.cjs');

let killed;

module.exports = (...args) => (activeMutant() === undefined ? dryRun(...args) : mutantRun(...args));

async function dryRun(globalConfig, config, environment, runtime, path, ...others) {
  const coverage = () => environment.global.__stryker__?.mutantCoverage ?? { static: {}, perTest: {} };
  const before = { ...coverage().static };
  const start = Date.now();
  const result = await circus(globalConfig, config, environment, runtime, path, ...others);
  const milliseconds = Date.now() - start;

  const names = result.testResults.map(({ fullName }) => fullName);
  const { static: whileLoading, perTest } = coverage();
  const mutants = new Set([
    ...Object.keys(whileLoading).filter((id) => whileLoading[id] !== before[id]),
    ...names.flatMap((name) => Object.keys(perTest[name] ?? {})),
  ]);
  recordTestFile(config.rootDir, { path, names, mutants: [...mutants], milliseconds });
  return result;
}

async function mutantRun(globalConfig, config, environment, runtime, path, ...others) {
  const mutant = activeMutant();
  const testFile = readTestFile(config.rootDir, path);
  if (killed === mutant || !testFile.mutants.has(mutant)) return skipped(testFile);

  const inner = environment.handleTestEvent;
  environment.handleTestEvent = async (event, state) => {
    if (event.name === 'test_fn_failure' || event.name === 'hook_failure') killed = mutant;
    // The failure of a beforeAll is reported by the tests after it, so a test that has its error must not be skipped.
    const hasErrors = event.test?.errors.length > 0;
    if (event.name === 'test_start' && killed === mutant && !hasErrors) event.test.mode = 'skip';
    await inner?.call(environment, event, state);
  };
  const result = await circus(globalConfig, config, environment, runtime, path, ...others);
  if (result.numFailingTests > 0) {
    killed = mutant;
    testFile.kills += 1;
  }
  return result;
}

/** The result that jest reports for a file in which all tests are skipped. */
function skipped({ path, names }) {
  const testResults = names.map((fullName) => ({
    ancestorTitles: [],
    failureDetails: [],
    failureMessages: [],
    fullName,
    numPassingAsserts: 0,
    status: 'pending',
    title: fullName,
  }));
  const snapshot = {
    added: 0,
    fileDeleted: false,
    matched: 0,
    unchecked: 0,
    uncheckedKeys: [],
    unmatched: 0,
    updated: 0,
  };
  return {
    leaks: false,
    numFailingTests: 0,
    numPassingTests: 0,
    numPendingTests: names.length,
    numTodoTests: 0,
    openHandles: [],
    perfStats: { start: 0, end: 0, runtime: 0, slow: false },
    skipped: true,
    snapshot,
    testFilePath: path,
    testResults,
  };
}
