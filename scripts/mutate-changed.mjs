/**
<<<<<<< HEAD
 * Mutation testing of what has changed in lib/ since a base: MUTATION_BASE, or where this branch left origin/main, or the
 * previous commit. Uncommitted changes count too. A clone without such a commit (a shallow one) mutates nothing.
=======
 * Runs the mutation tests on the lines of lib/ that have changed since a base: MUTATION_BASE, else the merge base with
 * origin/main, else the previous commit. Uncommitted changes are included. If a shallow clone has no base, nothing is
 * mutated.
>>>>>>> wt-prose
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import config from '../stryker.config.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

<<<<<<< HEAD
/** The number of lines that takes a few minutes. Larger changes need `npm run mutation`. */
const MAX_LINES = 150;
/** These folders decide who gets in, so they come first. The others follow by name. */
const FIRST = ['guard', 'policy', 'authentication'];
=======
/** As many lines as take a few minutes; `npm run mutation` covers the rest of a large change. */
const MAX_LINES = 150;
/** The layers that decide about access come first; the others follow by name. */
const FIRST_LAYERS = ['guard', 'policy', 'authentication'];
>>>>>>> wt-prose

const git = (...args) => {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return status === 0 ? stdout.trim() : undefined;
};
const commit = (name) => git('rev-parse', '--verify', '--quiet', `${name}^{commit}`);

function findBase() {
<<<<<<< HEAD
  const given = process.env.MUTATION_BASE;
  if (given) {
    const base = commit(given);
    if (!base) throw new Error(`MUTATION_BASE is ${given}, which is not a commit of this clone.`);
=======
  const requested = process.env.MUTATION_BASE;
  if (requested) {
    const base = commit(requested);
    if (!base) throw new Error(`MUTATION_BASE is ${requested}, which is not a commit of this clone.`);
>>>>>>> wt-prose
    return base;
  }
  const mergeBase = commit('origin/main') && git('merge-base', 'origin/main', 'HEAD');
  return mergeBase && mergeBase !== commit('HEAD') ? mergeBase : commit('HEAD~1');
}

<<<<<<< HEAD
/** The changed lines of each file that may be mutated, as ranges in Stryker's form: `lib/a.ts:3-7`. */
=======
/** The changed lines of each file that may be mutated, as line ranges for Stryker: `lib/a.ts:3-7`. */
>>>>>>> wt-prose
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
  console.log('This clone has no commit to compare with (it is shallow, or has one commit), so nothing is mutated.');
  process.exit();
}
const changed = changedSince(base);
const selected = [];
const skipped = [];
let lines = 0;
for (const one of changed) {
  const fits = lines + one.lines <= MAX_LINES;
<<<<<<< HEAD
  (fits ? chosen : left).push(one);
=======
  (fits ? selected : skipped).push(one);
>>>>>>> wt-prose
  if (fits) lines += one.lines;
}
if (selected.length === 0) {
  console.log(`No line of lib/ has changed since ${base}.`);
  process.exit();
}
<<<<<<< HEAD
console.log(`Mutating what has changed since ${base}: ${lines} lines of ${chosen.length} files.`);
if (left.length > 0) {
  console.log(`Too large, so only \`npm run mutation\` covers: ${left.map(({ file }) => file).join(', ')}.`);
=======
console.log(`Mutating the changes since ${base}: ${lines} lines of ${selected.length} files.`);
if (skipped.length > 0) {
  const names = skipped.map(({ file }) => file).join(', ');
  console.log(`Not mutated, since only ${MAX_LINES} lines are: ${names}. Run \`npm run mutation\` for them.`);
>>>>>>> wt-prose
}

const report = config.jsonReporter.fileName;
rmSync(report, { force: true });
const run = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });
try {
  const ranges = selected.flatMap((one) => one.ranges).join(',');
  run('node_modules/@stryker-mutator/core/bin/stryker.js', 'run', '--mutate', ranges);
  if (existsSync(report)) run('scripts/check-mutation.mjs', '--changed');
} catch (error) {
<<<<<<< HEAD
  // The command has printed the error itself.
=======
  // The command has printed the error.
>>>>>>> wt-prose
  process.exitCode = error.status ?? 1;
}
