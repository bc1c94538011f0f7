/** Compiles every TypeScript snippet of README and docs/ as part of a strict ESM project. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { DOCUMENTS, writeSnippets } = await import('./snippets.mjs');

const folder = 'build/snippets';
rmSync(folder, { recursive: true, force: true });
const count = writeSnippets(folder, DOCUMENTS, ({ code, line }) => {
  // `/// <reference types>` ignores `paths`, so it is replaced by the path of the source.
  const resolved = code.replace(/types="nest-clerk\/(\w+)"/, 'path="../../../lib/types/$1.ts"');
  // Each snippet becomes a separate module, so that names do not clash.
  return [`line-${line}.ts`, `${resolved}\nexport {};\n`];
});
const paths = {
  'nest-clerk': ['../../lib/index.ts'],
  'nest-clerk/testing': ['../../lib/testing/index.ts'],
};
const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, paths };
writeFileSync(
  `${folder}/tsconfig.json`,
  JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['.'], exclude: [] }),
);
writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], {
  stdio: 'inherit',
});
console.log(`${count} snippets of ${DOCUMENTS.join(', ')} compile.`);
