/**
 * Builds dist/: tsc emits ES modules and their types, and rolldown turns them into CommonJS.
 *
 * The CommonJS build is bundled from tsc's output, so that both formats have the same decorator metadata. jose is ESM only,
 * so it is inlined there, and its licence is copied next to it; every other package stays an import. Entries share chunks,
 * so that a class is the same class in all of them.
 *
 * There are no source maps: the output is not minified and keeps its comments, so stack traces already point at readable
 * code. Maps would double the size of the package and point at sources that are not in it.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** The last two contain only types; their empty modules make `import 'nest-clerk/express'` work at run time too. */
const ENTRIES = Object.fromEntries(
  ['index', 'testing/index', 'types/express', 'types/fastify'].map((name) => [name, `dist/esm/${name}.js`]),
);

const tsc = (...options) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', ...options], {
    stdio: 'inherit',
  });

rmSync('dist', { recursive: true, force: true });
tsc();
// Only types are emitted here. With `--module commonjs`, tsc would reject `import.meta`, which rolldown translates.
tsc(...['--module', 'ESNext', '--moduleResolution', 'bundler'], ...['--emitDeclarationOnly', '--outDir', 'dist/cjs']);
// The command is run, never imported, so the ES module is enough.
rmSync('dist/cjs/cli', { recursive: true });

/**
 * The source loads optional packages by `await import()` in a `try`. The CommonJS build uses `require()`, since jest does
 * not support import() in CommonJS. The call must stay directly in the `try`, where bundlers accept a missing package.
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
