/**
 * Builds dist/: ES modules with their types by tsc, and the same as CommonJS by rolldown.
 *
 * The CommonJS side is bundled from what tsc emitted, so both carry the same decorator metadata. jose is ESM only and
 * inlined there, with its licence beside it; everything else stays an import. Entries share chunks, so a class is one
 * class to all of them.
 *
 * No source maps: what is shipped is not minified and keeps its comments, so a stack trace already points at readable
 * code; maps would double the package and point at sources that are not in it.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** The last two hold types only; their empty modules let `import 'nest-clerk/express'` run as well as compile. */
const ENTRIES = Object.fromEntries(
  ['index', 'testing/index', 'types/express', 'types/fastify'].map((name) => [name, `dist/esm/${name}.js`]),
);

const tsc = (...options) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', ...options], {
    stdio: 'inherit',
  });

rmSync('dist', { recursive: true, force: true });
tsc();
// No CommonJS is emitted here, and `import.meta`, which rolldown translates, would not be let through as such.
tsc(...['--module', 'ESNext', '--moduleResolution', 'bundler'], ...['--emitDeclarationOnly', '--outDir', 'dist/cjs']);
// The command is run, not imported: an ES module is enough.
rmSync('dist/cjs/cli', { recursive: true });

/**
 * Optional packages are loaded by `await import()` in a `try`. An application of CommonJS has them by `require()`, which
 * is also all that jest lets it do; the call has to stay directly in the `try`, where bundlers accept a missing package.
 */
const requireOptionalPackages = {
  name: 'require-optional-packages',
  renderChunk: (code) => code.replace(/\bawait import\(("[^"]+")\)/g, 'require($1)'),
};

const bundle = await rolldown({
  input: ENTRIES,
  platform: 'node',
  plugins: [requireOptionalPackages],
  external: [/^node:/, /^@nestjs\//, /^@clerk\//, 'lru-cache', 'rxjs', 'reflect-metadata'],
});
await bundle.write({
  dir: 'dist/cjs',
  format: 'cjs',
  exports: 'named',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
});
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
copyFileSync('node_modules/jose/LICENSE.md', 'dist/cjs/LICENSE-jose.md');
