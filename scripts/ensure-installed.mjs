/**
 * Lets `npm start` and `npm test` work on a fresh clone: installs the dependencies when they are missing or older than
 * the lockfile. Node's builtins only, since nothing else is there yet.
 */
import { execSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** In milliseconds since 1970; 0 where there is no such file. */
const changed = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (changed('node_modules/.package-lock.json') < changed('package-lock.json')) {
  console.log('Installing dependencies (npm ci) …');
  execSync('npm ci --no-audit --no-fund', { stdio: 'inherit' });
}
