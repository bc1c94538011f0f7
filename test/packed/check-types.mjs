/**
 * Run inside of a user's application: `tsc` with the given options, failing on any error but those in Clerk's own
 * declarations. They do not compile by themselves: @clerk/shared names types of packages that it does not install
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
  `Types are sound${found.length > 0 ? `, apart from ${found.length} errors in Clerk's own declarations` : ''}.`,
);
