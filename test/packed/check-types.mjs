/**
 * Run inside a user's application: runs `tsc` with the given options, and fails on any error except those in Clerk's own
 * declarations, which do not compile on their own: @clerk/shared imports types of packages that it does not install
 * (@stripe/stripe-js, @coinbase/wallet-sdk, …).
 */
import { spawnSync } from 'node:child_process';

const { status, stdout, error } = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '--pretty', 'false', ...process.argv.slice(2)],
  { encoding: 'utf8' },
);
if (error) throw error;

const found = stdout.split('\n').filter((line) => /error TS\d+:/.test(line));
const ours = found.filter((line) => !line.startsWith('node_modules/@clerk/'));
if (ours.length > 0 || (status !== 0 && found.length === 0)) {
  console.error(ours.join('\n') || stdout);
  process.exit(1);
}
console.log(
  `The types compile${found.length > 0 ? `, except for ${found.length} errors in Clerk's own declarations` : ''}.`,
);
