/**
 * Stores what the dry run records for each test file: its tests, the mutants they reach, and how long it takes. It is a file
 * because Stryker's workers are separate processes. It is in the sandbox, and deleted with it.
 */
const { appendFileSync, mkdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

let known;

/** The id of the active mutant; `undefined` in the dry run. */
exports.activeMutant = () => process.env.__STRYKER_ACTIVE_MUTANT__;

exports.recordTestFile = (rootDir, testFile) => {
  mkdirSync(join(rootDir, 'build'), { recursive: true });
  appendFileSync(join(rootDir, 'build/known-tests.jsonl'), `${JSON.stringify(testFile)}\n`);
};

/** @returns {{ path: string, names: string[], mutants: Set<string>, milliseconds: number, kills: number }} */
exports.readTestFile = (rootDir, path) => {
  known ??= new Map(
    readFileSync(join(rootDir, 'build/known-tests.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((one) => [one.path, { ...one, mutants: new Set(one.mutants), kills: 0 }]),
  );
  return known.get(path);
};
