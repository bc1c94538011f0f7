/**
 * Runs the packed package where users run it: in the applications that `nest new` makes, with README's quick start and
 * nothing else.
 *
 * - Nest 12, ES modules
 * - Nest 11, CommonJS, and that starter's jest as it comes
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { snippetsOf } from './snippets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'nest-clerk-packed-'));
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Known to install together; what the starters bring besides (linters, formatters) is left out. */
const NEST_11 = '11.2.10';
const APPS = [
  {
    name: 'nest12-esm',
    cli: `@nestjs/cli@${own.devDependencies['@nestjs/cli']}`,
    dependencies: ['common', 'core', 'platform-express'].map((name) => pinned(`@nestjs/${name}`)),
    devDependencies: [
      pinned('@nestjs/cli'),
      pinned('@types/express'),
      pinned('@types/node'),
      pinned('typescript'),
      'vitest@4.1.2',
    ],
    importSuffix: '.js',
  },
  {
    name: 'nest11-cjs',
    cli: '@nestjs/cli@11.0.24',
    dependencies: ['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${NEST_11}`),
    devDependencies: [
      ...['@nestjs/cli@11.0.24', '@nestjs/testing@11.2.6', 'typescript@5.9.3', 'ts-jest@29.4.5'],
      ...['@types/express', '@types/jest', '@types/node', '@types/supertest', 'jest', 'supertest'].map(pinned),
    ],
    importSuffix: '',
    ownTests: true,
  },
];

function pinned(name) {
  return `${name}@${own.devDependencies[name]}`;
}

function run(cwd, command, ...args) {
  console.log(`$ ${command} ${args.join(' ')}`);
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

const tarball = join(work, JSON.parse(run(root, 'npm', 'pack', '--json', '--pack-destination', work))[0].filename);

for (const { name, cli, dependencies, devDependencies, importSuffix, ownTests } of APPS) {
  console.log(`\n=== ${name}`);
  run(
    work,
    'npx',
    '--yes',
    '--package',
    cli,
    'nest',
    'new',
    name,
    '--skip-install',
    '--skip-git',
    '--package-manager',
    'npm',
  );
  const app = join(work, name);

  const manifest = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8'));
  const versions = (specs) => Object.fromEntries(specs.map((spec) => spec.match(/^(.+)@(.+)$/).slice(1)));
  const clerk = pinned('@clerk/backend');
  Object.assign(manifest, {
    dependencies: {
      ...versions([...dependencies, clerk, pinned('reflect-metadata'), pinned('rxjs')]),
      'nest-clerk': `file:${tarball}`,
    },
    devDependencies: versions(devDependencies),
    overrides: { 'unrs-resolver': own.overrides['unrs-resolver'] },
  });
  writeFileSync(join(app, 'package.json'), JSON.stringify(manifest, null, 2));
  run(app, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline');

  for (const { file, code } of snippetsOf(join(root, 'README.md')).filter((snippet) => snippet.file)) {
    const isTest = file.endsWith('.spec.ts');
    if (isTest && !ownTests) continue;
    writeFileSync(join(app, 'src', file), code.replaceAll(/(from '\.\/.*)\.js'/g, `$1${importSuffix}'`));
  }
  cpSync(join(root, 'test/packed'), app, { recursive: true });
  run(app, 'npx', 'nest', 'build');
  if (ownTests) run(app, 'npm', 'test');
  console.log(run(app, process.execPath, 'check-app.mjs'));
}

rmSync(work, { recursive: true });
console.log(`The packed package works in ${APPS.map(({ name }) => name).join(' and ')}.`);
