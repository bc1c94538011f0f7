/** Builds and packs the package, and looks at it as a registry and a user's compiler would. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { pack } from './pack.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'nest-clerk-package-'));

const WANTED = [
  ...['README.md', 'CHANGELOG.md', 'LICENSE', 'package.json', 'dist/cjs/package.json', 'dist/esm/cli/main.js'],
  ...['index', 'testing/index', 'types/express', 'types/fastify'].flatMap((entry) =>
    ['esm', 'cjs'].flatMap((format) => [`dist/${format}/${entry}.js`, `dist/${format}/${entry}.d.ts`]),
  ),
];
/** Everything else that may be there: modules and their types, but neither sources nor tests. */
const ALLOWED = /^dist\/(?:esm|cjs)\/(?!.*\.(?:spec|test)\.)[\w./-]+\.(?:js|d\.ts)$/;

function checkFiles(files) {
  const strays = files.filter((file) => !WANTED.includes(file) && !ALLOWED.test(file));
  if (strays.length > 0) throw new Error(`The package holds what does not belong in it:\n${strays.join('\n')}`);
  const missing = WANTED.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`The package lacks:\n${missing.join('\n')}`);
}

const check = (tool, ...options) =>
  execFileSync('npx', ['--no-install', tool, ...options], { cwd: root, stdio: 'inherit' });

try {
  const { tarball, files, size } = pack(work);
  checkFiles(files);
  check('publint', tarball, '--strict');
  check('attw', tarball, '--format', 'ascii');
  console.log(`The package is sound: ${files.length} files, ${Math.round(size / 1024)} kB packed.`);
} finally {
  rmSync(work, { recursive: true });
}
