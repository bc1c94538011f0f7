/** Packs the package and looks at it as a registry and a user's compiler would. Run after the build. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const work = mkdtempSync(join(tmpdir(), 'nest-clerk-package-'));

const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', work], { encoding: 'utf8' }));
const tarball = join(work, packed.filename);

const ALLOWED = [
  /^dist\/(esm|cjs)\/[\w./-]+\.(js|d\.ts)$/,
  /^dist\/cjs\/package\.json$/,
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
];
const strays = packed.files.map(({ path }) => path).filter((path) => !ALLOWED.some((pattern) => pattern.test(path)));
if (strays.length > 0) throw new Error(`The package holds what does not belong in it:\n${strays.join('\n')}`);
for (const wanted of ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/esm/index.js', 'dist/cjs/index.js']) {
  if (!packed.files.some(({ path }) => path === wanted)) throw new Error(`The package lacks ${wanted}`);
}

const check = (tool, ...options) =>
  execFileSync('npx', ['--no-install', tool, tarball, ...options], { stdio: 'inherit' });
check('publint', '--strict');
check('attw', '--format', 'ascii');

rmSync(work, { recursive: true });
console.log(`${packed.filename}: ${packed.files.length} files, ${Math.round(packed.size / 1024)} kB packed.`);
