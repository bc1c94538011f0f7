/**
 * Runs the TypeScript snippets of README and docs/, or of the documents given as arguments, against the source with jest.
 * Tests run as tests, statements are executed, and applications and options are booted with a local Clerk. Fails if any of
 * them fails.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { DOCUMENTS, folderOf, writeSnippets } = await import('./snippets.mjs');

/** Import lines, with trailing comments. They stay outside of the function that runs the rest. */
const IMPORT = /^import [^;]+;.*\n/gm;
/** The comment with which a snippet of main.ts says which options its AppModule has. */
const MODULE_WITH = /^import \{ AppModule \} from '\.\/app\.module\.js'; \/\/ with (?<clerk>ClerkModule\..*)$/m;

/** Tests stay as they are. Other snippets become functions that a single test file calls, since each test file loads Nest again. */
function toFile({ code, line }) {
  return /^(describe|it)\(/m.test(code) ? [`line-${line}.spec.ts`, code] : [`line-${line}.ts`, asFunction(code)];
}

function asFunction(code) {
  const clerk = MODULE_WITH.exec(code)?.groups.clerk;
  const snippet = clerk ? withOptions(code, clerk) : code;
  const body = snippet
    .replaceAll(IMPORT, '')
    .replaceAll(/^export /gm, '')
    // Options do nothing until an application boots with them.
    .replaceAll(/^ClerkModule\.forRoot\(/gm, 'const configured = ClerkModule.forRoot(')
    // Port 3000 may be in use.
    .replaceAll('listen(3000)', 'listen(0)');
  const classes = [...body.matchAll(/^class (\w+)/gm)].map(([, name]) => name);
  const declarations = [...classes, ...(body.includes('const configured =') ? ['configured'] : [])];
  const imports = (snippet.match(IMPORT) ?? []).join('');
  return `${imports}\nexport async function run(boot) {\n${body}\nawait boot([${declarations.join(', ')}]);\n}\n`;
}

/** The test file that calls the functions. */
function testOf(snippets) {
  const tests = snippets.map(({ document, line }) => {
    const module = `./${folderOf('.', document)}/line-${line}.js`;
    return `it('${document}, line ${line}, runs', async () => runSnippet(await import('${module}')));`;
  });
  return [`import { runSnippet } from '../../scripts/run-snippet.mjs';`, '', ...tests, ''].join('\n');
}

function withOptions(code, clerk) {
  const [importsOfNest, importsOfClerk] = [
    `import { Module } from '@nestjs/common';`,
    `import { ClerkModule } from 'nest-clerk';`,
  ];
  const imports = code.replace(MODULE_WITH, `${importsOfNest}\n${importsOfClerk}\n`);
  return imports.replace(/(?<=^import .*\n)(?!import )/m, `\n@Module({ imports: [${clerk}] })\nclass AppModule {}\n`);
}

const documents = process.argv.slice(2);
mkdirSync('build', { recursive: true });
const folder = mkdtempSync('build/run-snippets-');
try {
  const functions = [];
  const count = writeSnippets(folder, documents.length > 0 ? documents : DOCUMENTS, (snippet) => {
    const [name, text] = toFile(snippet);
    if (!name.endsWith('.spec.ts')) functions.push(snippet);
    return [name, text];
  });
  writeFileSync(`${folder}/functions.spec.ts`, testOf(functions));
  const config = {
    roots: [`<rootDir>/${folder}`],
    testMatch: ['**/*.spec.ts'],
    testTimeout: 30_000,
  };
  writeFileSync(
    `${folder}/jest.config.mjs`,
    `import base from '../../jest.config.js';
const { displayName, ...project } = base.projects[0];
export default { ...project, rootDir: ${JSON.stringify(resolve('.'))}, ...${JSON.stringify(config)} };
`,
  );
  const jest = ['node_modules/jest/bin/jest.js', '--config', `${folder}/jest.config.mjs`];
  // --ci=false, since snapshots are written for the first time; --forceExit, since snippets leave servers open.
  const { status } = spawnSync(process.execPath, [...jest, '--ci=false', '--forceExit', '--maxWorkers=1'], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
  if (status === 0) console.log(`${count} snippets run.`);
} finally {
  rmSync(folder, { recursive: true });
}
