/** Compiles every TypeScript snippet of the documents, as a user's strict ESM project would. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { snippetsOf } from './snippets.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const documents = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const folder = 'build/snippets';
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

let count = 0;
for (const document of documents) {
  for (const { file, code: written } of snippetsOf(document)) {
    count += 1;
    // Reference lines are resolved before any `paths`, so here they name the source.
    const code = written.replace(/types="nest-clerk\/(\w+)"/, 'path="../../lib/types/$1.ts"');
    // Unnamed snippets become modules of their own, so that their names do not meet.
    writeFileSync(`${folder}/${file ?? `snippet-${count}.ts`}`, file ? code : `${code}\nexport {};\n`);
  }
}
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
console.log(`${count} snippets of ${documents.join(', ')} compile.`);
