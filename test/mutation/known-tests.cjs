/**
 * What the dry run found out about each test file: its tests, the mutants they reach, and its duration. It is kept in a file
 * in the sandbox, because Stryker's workers are separate processes.
 */
const { appendFileSync, mkdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

let known;

/** The ID of the active mutant; `undefined` in the dry run. */
exports.activeMutant = () => process.env.__STRYKER_ACTIVE_MUTANT__;

exports.remember = (rootDir, testFile) => {
  mkdirSync(join(rootDir, 'build'), { recursive: true });
  appendFileSync(join(rootDir, 'build/known-tests.jsonl'), `${JSON.stringify(testFile)}\n`);
};

/** @returns {{ path: string, names: string[], mutants: Set<string>, milliseconds: number, kills: number }} */
exports.knownTests = (rootDir, path) => {
  known ??= new Map(
    readFileSync(join(rootDir, 'build/known-tests.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((one) => [one.path, { ...one, mutants: new Set(one.mutants), kills: 0 }]),
  );
  return known.get(path);
};
