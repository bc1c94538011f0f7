/** Builds and packs the package, and looks at it as a registry, a user's compiler and a thief of keys would. */
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

const WANTED = [
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
/** Everything else that may be there: documents, modules and their types, but neither sources nor tests. */
const ALLOWED = /^docs\/[\w-]+\.md$|^dist\/(?:esm|cjs)\/(?!.*\.(?:spec|test)\.)[\w./-]+\.(?:js|d\.ts)$/;

function checkFiles(files) {
  const strays = files.filter((file) => !WANTED.includes(file) && !ALLOWED.test(file));
  if (strays.length > 0) throw new Error(`The package holds what does not belong in it:\n${strays.join('\n')}`);
  const missing = WANTED.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`The package lacks:\n${missing.join('\n')}`);
}

/** What would tell of where it was built, or of who built it. Examples in the documentation end in an ellipsis. */
const TELLTALES = {
  'a key or a token':
    /\b(?:sk_(?:live|test)|ask|ak|mt|oat|npm|ghp|github_pat)_\w{20}|\bAKIA[A-Z\d]{16}|\beyJ[\w-]{16,}\.eyJ/,
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\w/,
  'the address of a registry, or its token':
    /\/\/[\w.:-]*(?:registry|artifactory|verdaccio|nexus)[\w.:/-]*|_authToken/i,
};
/** Paths of a machine, this one's and others'. */
const PLACES = [root, join(homedir(), '/'), '/home/', '/Users/'];

function checkContents(files) {
  const told = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const found = Object.keys(TELLTALES).filter((what) => TELLTALES[what].test(text));
    const places = PLACES.filter((place) => text.includes(place));
    return [...found, ...places].map((what) => `${file}: ${what}`);
  });
  if (told.length > 0) throw new Error(`The package tells what it should not:\n${told.join('\n')}`);
}

/** What README and the documents link to has to be installed with them. */
function checkLinks(files) {
  const markdown = files.filter((file) => file.endsWith('.md') && !file.startsWith('dist/'));
  const dead = deadLinks(
    Object.fromEntries(markdown.map((file) => [file, readFileSync(join(root, file), 'utf8')])),
    files,
  );
  if (dead.length > 0) throw new Error(`These links lead nowhere:\n${dead.join('\n')}`);
}

/**
 * In a bundle, `import.meta` may be empty and a package is no file, so the library must not use either when it is
 * loaded. The command is run as it is installed.
 */
function checkBundling(files) {
  const modules = files.filter((file) => /^dist\/(?!esm\/cli\/).*\.js$/.test(file));
  const bound = modules.filter((file) =>
    /\bimport\.meta\b|\bcreateRequire\b|\brequire\.resolve\b|\b__(?:dir|file)name\b/.test(
      readFileSync(join(root, file), 'utf8'),
    ),
  );
  if (bound.length > 0)
    throw new Error(`These modules depend on where they are, and break in a bundle:\n${bound.join('\n')}`);
  // jest does not let CommonJS import().
  const importing = modules.filter(
    (file) => file.startsWith('dist/cjs/') && /\bawait import\(/.test(readFileSync(join(root, file), 'utf8')),
  );
  if (importing.length > 0) throw new Error(`These CommonJS modules import():\n${importing.join('\n')}`);
}

/** Whatever is inlined is handed on, which its licence allows on condition that it comes along. */
function checkLicences(files) {
  const inlined = files
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...readFileSync(join(root, file), 'utf8').matchAll(/^\/\/ (?:\S*\/)?node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//gm),
    ]);
  const names = [...new Set(inlined.map(([, name]) => name))];
  if (names.join() !== INLINED.join()) throw new Error(`Inlined is ${names.join()}, not ${INLINED.join()}`);
  const lacking = names.filter((name) => !files.includes(`dist/cjs/LICENSE-${name}.md`));
  if (lacking.length > 0) throw new Error(`The package holds code without its licence: ${lacking.join(', ')}`);
}

const check = (tool, ...options) =>
  execFileSync('npx', ['--no-install', tool, ...options], { cwd: root, stdio: 'inherit' });

try {
  const { tarball, files, size } = pack(work);
  checkFiles(files);
  checkContents(files);
  checkLinks(files);
  checkBundling(files);
  checkLicences(files);
  check('publint', tarball, '--strict');
  check('attw', tarball, '--format', 'ascii');
  console.log(`The package is sound: ${files.length} files, ${Math.round(size / 1024)} kB packed.`);
} finally {
  rmSync(work, { recursive: true });
}
