/**
 * Builds dist/: tsc emits ES modules to build/modules and their types to dist/, and rolldown bundles the modules into a few
 * files of each format: most of the time that importing a package takes goes into finding and reading its files.
 *
 * Both formats are bundled from tsc's output, so that both have its decorator metadata. Entries share a chunk, so that a
 * class is the same class in all of them. Packages stay imports, so that applications can update them, except that jose
 * is inlined into CommonJS: it is ESM only, and jest does not support `require()` of ES modules. Its licence is copied
 * next to it.
 *
 * The output is not minified, so stack traces point at readable code, and a comment before each module names its source.
 * Source maps would double the size of the package and point at sources that are not in it. JSDoc is only in the
 * declarations, where editors read it: in the code too, it would add a quarter to the size of the package.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** The last two contain only types; their empty modules make `import 'nest-clerk/express'` work at run time too. */
const ENTRIES = Object.fromEntries(
  ['index', 'testing/index', 'types/express', 'types/fastify'].map((name) => [name, `build/modules/${name}.js`]),
);
const PACKAGES = [/^node:/, /^@nestjs\//, /^@clerk\//, 'lru-cache', 'rxjs', 'reflect-metadata'];

async function bundle({ write, ...options }) {
  const bundled = await rolldown({ input: ENTRIES, platform: 'node', ...options });
  const shared = { name: 'shared', minShareCount: 2 };
  const names = { entryFileNames: '[name].js', chunkFileNames: '[name].js', codeSplitting: { groups: [shared] } };
  await bundled.write({ ...names, comments: { jsdoc: false }, ...write });
}

/**
 * The source loads optional packages by `await import()` in a `try`. The CommonJS build uses `require()`, since jest does
 * not support import() in CommonJS. The call must stay directly in the `try`, where bundlers accept a missing package.
 */
const requireOptionalPackages = {
  name: 'require-optional-packages',
  renderChunk: (code) => code.replace(/\bawait import\(("[^"]+")\)/g, 'require($1)'),
};

for (const folder of ['dist', 'build/modules']) rmSync(folder, { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
// Applications read a declaration as CommonJS or as an ES module by its folder; the text is the same.
cpSync('dist/esm', 'dist/cjs', { recursive: true });
// The command is run, never imported, so the ES modules are enough. They import nothing but the entries: no need to bundle.
rmSync('dist/cjs/cli', { recursive: true });
cpSync('build/modules/cli', 'dist/esm/cli', { recursive: true });

await bundle({ external: [...PACKAGES, /^jose\b/], write: { dir: 'dist/esm', format: 'esm' } });
await bundle({
  external: PACKAGES,
  plugins: [requireOptionalPackages],
  write: { dir: 'dist/cjs', format: 'cjs', exports: 'named' },
});
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
copyFileSync('node_modules/jose/LICENSE.md', 'dist/cjs/LICENSE-jose.md');
