/**
 * Tests the packed package in applications created by `nest new`, with the quick start of README:
 *
 * - Nest 12 with ES modules and the starter's own vitest configuration
 * - Nest 11 with CommonJS and the starter's own jest configuration
 *
 * Each application then compiles `test/packed/src` with every module resolution of its TypeScript version. Its quick start,
 * and an application with gateways and message handlers, are bundled into a single file by esbuild and by webpack.
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

/** Optional packages, which an application with only HTTP does not need. */
const TRANSPORTS = ['websockets', 'platform-ws', 'platform-socket.io', 'microservices'].map(
  (name) => `@nestjs/${name}`,
);

/** Versions that install together. The starters' other packages (linters, formatters) are left out. */
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

/** The environment of the applications: without Clerk keys, and without a NODE_ENV in which the local Clerk does not start. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('CLERK_') && name !== 'NODE_ENV'),
);

function run(cwd, command, ...args) {
  console.log(`$ ${command} ${args.join(' ')}`);
  execFileSync(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'], timeout: 180_000 });
}

const install = (app, ...packages) =>
  run(app, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...packages);

/** Runs `nest new`, then adds the package and exact versions to the manifest. */
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

/** Copies README's quick start and test into the application. */
function followReadme(app, importSuffix) {
  const snippets = snippetsOf(join(root, 'README.md')).filter(({ file }) => file);
  for (const wanted of ['app.module.ts', 'invoices.controller.ts', 'invoices.spec.ts']) {
    if (!snippets.some(({ file }) => file === wanted)) throw new Error(`README.md has no ${wanted}`);
  }
  for (const { file, code } of snippets) {
    writeFileSync(join(app, 'src', file), code.replaceAll(/(from '\.\/.*)\.js'/g, `$1${importSuffix}'`));
  }
}

/** Type-checks the package's declarations too (`skipLibCheck: false`), where Clerk's declarations allow it. */
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

/** Bundles everything into a single file, as for AWS Lambda, with and without Nest's optional packages. */
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
