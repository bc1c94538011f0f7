/**
 * Makes `npm start` and `npm test` work in a fresh clone: installs the dependencies if they are missing or older than the
 * lockfile. Uses only Node's built-in modules, since nothing else is installed yet.
 */
import { execSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** In milliseconds since 1970; 0 if the file does not exist. */
const modifiedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (modifiedAt('node_modules/.package-lock.json') < modifiedAt('package-lock.json')) {
  console.log('Installing dependencies (npm ci) …');
  execSync('npm ci --no-audit --no-fund', { stdio: 'inherit' });
}
