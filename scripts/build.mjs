/**
 * Builds dist/: ES modules with their types by tsc, and the same as CommonJS by rolldown.
 *
 * The CommonJS side is bundled from what tsc emitted, so both carry the same decorator metadata. jose is ESM only and
 * inlined there; everything else stays an import. Entries share chunks, so a class is one class to all of them.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

/** Entries with code in them. `nest-clerk/express` and `/fastify` are types only, and need no bundle. */
const ENTRIES = { index: 'dist/esm/index.js', 'testing/index': 'dist/esm/testing/index.js' };

const tsc = (...options) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', ...options], {
    stdio: 'inherit',
  });

rmSync('dist', { recursive: true, force: true });
tsc();
tsc(...['--module', 'CommonJS', '--moduleResolution', 'bundler'], ...['--emitDeclarationOnly', '--outDir', 'dist/cjs']);

const bundle = await rolldown({
  input: ENTRIES,
  platform: 'node',
  external: [/^node:/, /^@nestjs\//, /^@clerk\//, 'rxjs', 'reflect-metadata'],
});
await bundle.write({
  dir: 'dist/cjs',
  format: 'cjs',
  exports: 'named',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
});
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
