/** Builds and packs the package, then checks its files, contents, links, bundling, imports, licences, `exports` and types. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { deadLinks } from './links.mjs';
import { pack } from './pack.mjs';
import { INLINED } from './sbom.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'nest-clerk-package-'));

const REQUIRED = [
  ...[
    'README.md',
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'SECURITY.md',
    'package.json',
    'dist/cjs/package.json',
    'dist/cjs/LICENSE-jose.md',
    'dist/esm/cli/main.js',
  ],
  ...['index', 'testing/index', 'types/express', 'types/fastify'].flatMap((entry) =>
    ['esm', 'cjs'].flatMap((format) => [`dist/${format}/${entry}.js`, `dist/${format}/${entry}.d.ts`]),
  ),
];
/**
 * Other files that the package may contain: documents, types, the chunk that entries share, and the command, but neither
 * sources nor tests. Each further file that an entry loads delays the start of every application.
 */
const ALLOWED =
  /^docs\/[\w-]+\.md$|^dist\/(?!.*\.(?:spec|test)\.)(?:(?:esm|cjs)\/(?:shared\.js|[\w./-]+\.d\.ts)|esm\/cli\/[\w.-]+\.js)$/;

/** What `import 'nest-clerk'` loads, besides Node's own modules. The root of jose would load all of jose. */
const LOADED = {
  files: ['index.js', 'shared.js'],
  packages: [
    ...['@clerk/backend', '@clerk/backend/errors', '@clerk/backend/internal', '@clerk/backend/proxy'],
    ...['@nestjs/common', '@nestjs/core', 'jose/decode/protected_header', 'jose/jwks/remote', 'jose/jwt/decode'],
    ...['lru-cache', 'reflect-metadata', 'rxjs'],
  ],
};

function checkFiles(files) {
  const unexpected = files.filter((file) => !REQUIRED.includes(file) && !ALLOWED.test(file));
  if (unexpected.length > 0) throw new Error(`The package contains unexpected files:\n${unexpected.join('\n')}`);
  const missing = REQUIRED.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`These files are missing from the package:\n${missing.join('\n')}`);
}

/** Secrets and traces of the build machine. Example keys in the documentation end in an ellipsis, so they do not match. */
const LEAKS = {
  'a key or a token':
    /\b(?:sk_(?:live|test)|ask|ak|mt|oat|npm|ghp|github_pat)_\w{20}|\bAKIA[A-Z\d]{16}|\beyJ[\w-]{16,}\.eyJ/,
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\w/,
  'the URL of a registry, or its token': /\/\/[\w.:-]*(?:registry|artifactory|verdaccio|nexus)[\w.:/-]*|_authToken/i,
};
/** Absolute paths, of this machine or another. */
const PATHS = [root, join(homedir(), '/'), '/home/', '/Users/'];

function checkContents(files) {
  const leaks = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const found = Object.keys(LEAKS).filter((kind) => LEAKS[kind].test(text));
    const paths = PATHS.filter((path) => text.includes(path));
    return [...found, ...paths].map((leak) => `${file}: ${leak}`);
  });
  if (leaks.length > 0) throw new Error(`The package contains secrets or local paths:\n${leaks.join('\n')}`);
}

/** Every file that README and the documents link to must be in the package. */
function checkLinks(files) {
  const markdown = files.filter((file) => file.endsWith('.md') && !file.startsWith('dist/'));
  const dead = deadLinks(
    Object.fromEntries(markdown.map((file) => [file, readFileSync(join(root, file), 'utf8')])),
    files,
  );
  if (dead.length > 0) throw new Error(`These links are dead:\n${dead.join('\n')}`);
}

/**
 * In a bundle, `import.meta` may be empty, and packages are not files on disk, so the library must not depend on either.
 * The command may: it is never bundled.
 */
function checkBundling(files) {
  const modules = files.filter((file) => /^dist\/(?!esm\/cli\/).*\.js$/.test(file));
  const unbundlable = modules.filter((file) =>
    /\bimport\.meta\b|\bcreateRequire\b|\brequire\.resolve\b|\b__(?:dir|file)name\b/.test(
      readFileSync(join(root, file), 'utf8'),
    ),
  );
  if (unbundlable.length > 0)
    throw new Error(`These modules depend on their own location, and break in a bundle:\n${unbundlable.join('\n')}`);
  // jest does not support import() in CommonJS.
  const importing = modules.filter(
    (file) => file.startsWith('dist/cjs/') && /\bawait import\(/.test(readFileSync(join(root, file), 'utf8')),
  );
  if (importing.length > 0) throw new Error(`These CommonJS modules call import():\n${importing.join('\n')}`);
}

/** An import that is loaded at once. Those of optional packages are indented, in the body of a function. */
const IMPORT = /^(?:import (?:.+ from )?|(?:(?:let|const) \w+ = )?require\()"([^"]+)"\)?;$/gm;

/** Follows the imports of the main entry. */
function checkLoadedModules() {
  for (const format of ['esm', 'cjs']) {
    const files = new Set(['index.js']);
    const packages = new Set();
    for (const file of files) {
      const text = readFileSync(join(root, 'dist', format, file), 'utf8');
      for (const [, name] of text.matchAll(IMPORT)) {
        if (name.startsWith('.')) files.add(join(name));
        else if (!name.startsWith('node:')) packages.add(name);
      }
    }
    const expected = LOADED.packages.filter((name) => format === 'esm' || !INLINED.includes(name.split('/')[0]));
    assert.deepEqual([...files], LOADED.files, `the files that dist/${format}/index.js loads`);
    assert.deepEqual([...packages].sort(), expected, `the packages that dist/${format}/index.js loads`);
  }
}

/** Inlined code is redistributed, so its licence must be in the package. Only the CommonJS build inlines any. */
function checkLicences(files) {
  const inlinedInto = (format) => {
    const modules = files.filter((file) => file.startsWith(`dist/${format}/`) && file.endsWith('.js'));
    const inlined = modules.flatMap((file) => [
      ...readFileSync(join(root, file), 'utf8').matchAll(/^\/\/ (?:\S*\/)?node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//gm),
    ]);
    return [...new Set(inlined.map(([, name]) => name))];
  };
  assert.deepEqual(inlinedInto('esm'), [], 'the packages inlined into dist/esm');
  assert.deepEqual(inlinedInto('cjs'), INLINED, 'the packages inlined into dist/cjs');
  const unlicensed = INLINED.filter((name) => !files.includes(`dist/cjs/LICENSE-${name}.md`));
  if (unlicensed.length > 0) throw new Error(`The licence of inlined code is missing: ${unlicensed.join(', ')}`);
}

const check = (tool, ...options) =>
  execFileSync('npx', ['--no-install', tool, ...options], { cwd: root, stdio: 'inherit' });

try {
  const { tarball, files, size } = pack(work);
  checkFiles(files);
  checkContents(files);
  checkLinks(files);
  checkBundling(files);
  checkLoadedModules();
  checkLicences(files);
  check('publint', tarball, '--strict');
  check('attw', tarball, '--format', 'ascii');
  console.log(`The package passes all checks: ${files.length} files, ${Math.round(size / 1024)} kB packed.`);
} finally {
  rmSync(work, { recursive: true });
}
