/**
 * Runs the mutation tests on the lines of lib/ that have changed since a base: MUTATION_BASE, else the merge base with
 * origin/main, else the previous commit. Uncommitted changes are included. If a shallow clone has no base, nothing is
 * mutated.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import config from '../stryker.config.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** As many lines as take a few minutes; `npm run mutation` covers the rest of a large change. */
const MAX_LINES = 150;
/** The layers that decide about access come first; the others follow by name. */
const FIRST_LAYERS = ['guard', 'policy', 'authentication'];

const git = (...args) => {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return status === 0 ? stdout.trim() : undefined;
};
const commit = (name) => git('rev-parse', '--verify', '--quiet', `${name}^{commit}`);

function findBase() {
  const requested = process.env.MUTATION_BASE;
  if (requested) {
    const base = commit(requested);
    if (!base) throw new Error(`MUTATION_BASE is ${requested}, which is not a commit of this clone.`);
    return base;
  }
  const mergeBase = commit('origin/main') && git('merge-base', 'origin/main', 'HEAD');
  return mergeBase && mergeBase !== commit('HEAD') ? mergeBase : commit('HEAD~1');
}

/** The changed lines of each file that may be mutated, as line ranges for Stryker: `lib/a.ts:3-7`. */
function changedSince(base) {
  const paths = config.mutate.map((glob) =>
    glob.startsWith('!') ? `:(exclude,glob)${glob.slice(1)}` : `:(glob)${glob}`,
  );
  const files = new Map();
  let file;
  for (const line of git('diff', '--unified=0', '--no-color', '--no-ext-diff', base, '--', ...paths).split('\n')) {
    if (line.startsWith('+++ ')) file = line.startsWith('+++ b/') ? line.slice('+++ b/'.length) : undefined;
    const [, start, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (!file || start === undefined || count === '0') continue;
    const changes = files.get(file) ?? { file, lines: 0, ranges: [] };
    changes.lines += Number(count);
    changes.ranges.push(`${file}:${start}-${Number(start) + Number(count) - 1}`);
    files.set(file, changes);
  }
  const rank = ({ file: name }) => [...FIRST_LAYERS, name.split('/')[1]].indexOf(name.split('/')[1]);
  return [...files.values()].sort((a, b) => rank(a) - rank(b) || (a.file < b.file ? -1 : 1));
}

const base = findBase();
if (!base) {
  console.log('This clone has no commit to compare with (it is shallow, or has one commit): nothing is mutated.');
  process.exit();
}
const changed = changedSince(base);
const selected = [];
const skipped = [];
let lines = 0;
for (const one of changed) {
  const fits = lines + one.lines <= MAX_LINES;
  (fits ? selected : skipped).push(one);
  if (fits) lines += one.lines;
}
if (selected.length === 0) {
  console.log(`No line of lib/ has changed since ${base}.`);
  process.exit();
}
console.log(`Mutating the changes since ${base}: ${lines} lines of ${selected.length} files.`);
if (skipped.length > 0) {
  const names = skipped.map(({ file }) => file).join(', ');
  console.log(`Not mutated, since only ${MAX_LINES} lines are: ${names}. Run \`npm run mutation\` for them.`);
}

const report = config.jsonReporter.fileName;
rmSync(report, { force: true });
const run = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });
try {
  const ranges = selected.flatMap((one) => one.ranges).join(',');
  run('node_modules/@stryker-mutator/core/bin/stryker.js', 'run', '--mutate', ranges);
  if (existsSync(report)) run('scripts/check-mutation.mjs', '--changed');
} catch (error) {
  // The command has printed the error.
  process.exitCode = error.status ?? 1;
}
