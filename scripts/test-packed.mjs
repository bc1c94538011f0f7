/**
 * Runs the packed package where users run it: in the applications that `nest new` makes, with README's quick start and
 * nothing else.
 *
 * - Nest 12, ES modules, and that starter's vitest as it comes
 * - Nest 11, CommonJS, and that starter's jest as it comes
 *
 * Then each compiles `test/packed/src` in every module resolution that its TypeScript has, and is made one file by esbuild
 * and by webpack: README's application, and one with gateways and message handlers.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { pack } from './pack.mjs';
import { snippetsOf } from './snippets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const NODE10 = ['-p', 'tsconfig.node10.json', '--module', 'commonjs', '--moduleResolution', 'node10'];

/** Optional packages, which an application of HTTP alone does without. */
const TRANSPORTS = ['websockets', 'platform-ws', 'platform-socket.io', 'microservices'].map(
  (name) => `@nestjs/${name}`,
);

/** Known to install together; what the starters bring besides (linters, formatters) is left out. */
const APPS = [
  {
    name: 'nest12-esm',
    cli: pinned('@nestjs/cli'),
    dependencies: ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express'].map(pinned),
    devDependencies: [
      ...['@nestjs/cli', '@nestjs/testing', '@types/express', '@types/node', '@types/supertest'].map(pinned),
      ...['supertest', 'typescript'].map(pinned),
      ...['vite-tsconfig-paths@5.1.4', 'vitest@4.1.2'],
    ],
    importSuffix: '.js',
    node10: [...NODE10, '--ignoreDeprecations', '6.0'],
    transports: TRANSPORTS.map(pinned),
  },
  {
    name: 'nest11-cjs',
    cli: '@nestjs/cli@11.0.24',
    dependencies: ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express'].map((name) => `${name}@11.2.10`),
    devDependencies: [
      ...['@nestjs/cli@11.0.24', '@nestjs/testing@11.2.6', 'typescript@5.9.3', 'ts-jest@29.4.5'],
      ...['@types/express', '@types/jest', '@types/node', '@types/supertest', 'jest', 'supertest'].map(pinned),
    ],
    importSuffix: '',
    node10: NODE10,
    transports: TRANSPORTS.map((name) => `${name}@11.2.6`),
  },
];

function pinned(name) {
  const version = own.devDependencies[name];
  if (!version) throw new Error(`${name} is not among the devDependencies`);
  return `${name}@${version}`;
}

/** Applications see a clean environment: no keys of ours, and no NODE_ENV that forbids the local Clerk. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('CLERK_') && name !== 'NODE_ENV'),
);

function run(cwd, command, ...args) {
  console.log(`$ ${command} ${args.join(' ')}`);
  execFileSync(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'], timeout: 180_000 });
}

const install = (app, ...packages) =>
  run(app, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...packages);

/** What `nest new` makes, with the package and exact versions in its manifest. */
function createApp(work, tarball, { name, cli, dependencies, devDependencies }) {
  const options = ['--skip-install', '--skip-git', '--package-manager', 'npm'];
  run(work, 'npx', '--yes', '--prefer-offline', '--package', cli, 'nest', 'new', name, ...options);
  const app = join(work, name);
  const manifest = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8'));
  const versions = (specs) => Object.fromEntries(specs.map((spec) => spec.match(/^(.+)@(.+)$/).slice(1)));
  const peers = ['@clerk/backend', 'reflect-metadata', 'rxjs'].map(pinned);
  Object.assign(manifest, {
    dependencies: { ...versions([...dependencies, ...peers]), 'nest-clerk': `file:${tarball}` },
    devDependencies: versions(devDependencies),
    overrides: { 'unrs-resolver': own.overrides['unrs-resolver'] },
  });
  writeFileSync(join(app, 'package.json'), JSON.stringify(manifest, null, 2));
  install(app);
  return app;
}

/** README's quick start and test, typed in as they stand. */
function followReadme(app, importSuffix) {
  const snippets = snippetsOf(join(root, 'README.md')).filter(({ file }) => file);
  for (const wanted of ['app.module.ts', 'invoices.controller.ts', 'invoices.spec.ts']) {
    if (!snippets.some(({ file }) => file === wanted)) throw new Error(`README.md has no ${wanted}`);
  }
  for (const { file, code } of snippets) {
    writeFileSync(join(app, 'src', file), code.replaceAll(/(from '\.\/.*)\.js'/g, `$1${importSuffix}'`));
  }
}

/** Compiles the package's declarations themselves too (`skipLibCheck: false`), where Clerk's allow it. */
function checkTypes(app, node10) {
  install(app, '--save-dev', '--save-exact', pinned('fastify'));
  const resolutions = [
    ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ];
  for (const resolution of resolutions)
    run(app, process.execPath, 'check-types.mjs', '-p', 'tsconfig.types.json', ...resolution);
  run(app, process.execPath, 'check-types.mjs', ...node10);
}

/** As for AWS Lambda: everything in one file, with and without Nest's optional packages. */
function checkBundles(app, transports) {
  install(app, '--save-dev', '--save-exact', ...['esbuild', 'webpack'].map(pinned));
  run(app, process.execPath, 'check-bundle.mjs');
  install(app, '--save-exact', ...transports, ...['ws', 'socket.io-client'].map(pinned));
  run(app, process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.bundle.json');
  run(app, process.execPath, 'check-bundle.mjs', 'transports');
}

const work = mkdtempSync(join(tmpdir(), 'nest-clerk-packed-'));
try {
  const { tarball } = pack(work);
  for (const { importSuffix, node10, transports, ...starter } of APPS) {
    console.log(`\n=== ${starter.name}`);
    const app = createApp(work, tarball, starter);
    followReadme(app, importSuffix);
    run(app, 'npm', 'run', 'build');
    run(app, 'npm', 'test');
    cpSync(join(root, 'test/packed'), app, { recursive: true });
    run(app, process.execPath, 'check-app.mjs');
    checkTypes(app, node10);
    checkBundles(app, transports);
  }
} catch (error) {
  console.error(`\nThe applications are kept in ${work}`);
  throw error;
}
rmSync(work, { recursive: true });
console.log(`\nThe packed package works in ${APPS.map(({ name }) => name).join(' and ')}.`);
