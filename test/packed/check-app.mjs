/** Run inside a user's built application: starts it against a local Clerk, and calls its routes. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';

import * as imported from 'nest-clerk';
import * as testing from 'nest-clerk/testing';

const require = createRequire(import.meta.url);

/** If Node can `require()` ES modules, import and require load the same files; otherwise `require()` loads the CommonJS build. */
const WITHOUT_REQUIRE_OF_ESM = '--no-experimental-require-module';
const NPX_COMMAND = ['npx', '--no-install', 'nest-clerk'];
const BOOT_WITHIN_MS = 20_000;

function checkModules() {
  const required = require('nest-clerk');
  assert.equal(required.ClerkGuard, imported.ClerkGuard, 'import and require load the same ClerkGuard');
  assert.equal(
    require('nest-clerk/testing').LocalClerk,
    testing.LocalClerk,
    'import and require load the same LocalClerk',
  );

  const resolved = (...flags) =>
    execFileSync(process.execPath, [...flags, '-p', 'require.resolve("nest-clerk")'], { encoding: 'utf8' }).trim();
  assert.match(resolved(), /[\\/]esm[\\/]index\.js$/);
  const bundle = resolved(WITHOUT_REQUIRE_OF_ESM);
  assert.match(bundle, /[\\/]cjs[\\/]index\.js$/);

  const names = (exports) => Object.keys(exports).sort();
  assert.deepEqual(names(require(bundle)), names(imported), 'both builds export the same names');
  assert.deepEqual(names(require(bundle.replace('index.js', 'testing/index.js'))), names(testing));
}

/** The entries that only contain types can be imported at run time, even without Fastify. */
async function checkTypeEntries() {
  for (const entry of ['nest-clerk/express', 'nest-clerk/fastify']) {
    await import(entry);
    require(entry);
    execFileSync(process.execPath, [WITHOUT_REQUIRE_OF_ESM, '-e', `require('${entry}')`]);
  }
}

/** No optional package is installed: the application starts without them, and the declarations import none. */
function checkOptionalPeers() {
  const { peerDependenciesMeta } = require('nest-clerk/package.json');
  const optional = [...Object.keys(peerDependenciesMeta), '@nestjs/graphql', '@nestjs/platform-fastify'];
  for (const name of optional) {
    assert.throws(() => require.resolve(name), { code: 'MODULE_NOT_FOUND' }, `${name} must not be installed`);
  }
  const dist = 'node_modules/nest-clerk/dist';
  const declarations = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith('.d.ts'));
  assert.notEqual(declarations.length, 0);
  for (const file of declarations) {
    const imports = readFileSync(join(dist, file), 'utf8').matchAll(/(?:from |import\()['"]([^'"]+)['"]/g);
    for (const [, name] of imports) assert.ok(!optional.includes(name), `${file} must not import ${name}`);
  }
}

/**
 * Runs the command through `npx`, and with Node flags for which the application loads another copy of the library than the
 * command. The output of the application while it is loaded must not appear in the map.
 */
function checkCommand() {
  const expected = [
    'GET /invoices strict InvoicesController.list',
    'POST /invoices strict InvoicesController.create',
    'GET /invoices/rates lax InvoicesController.rates',
  ];
  const options = ['routes', 'noisy.mjs', '--format', 'json'];
  const main = 'node_modules/nest-clerk/dist/esm/cli/main.js';
  writeFileSync('noisy.mjs', "console.log('hello'); export * from './dist/app.module.js';");
  for (const [program, ...before] of [NPX_COMMAND, [process.execPath, WITHOUT_REQUIRE_OF_ESM, main]]) {
    const routes = JSON.parse(execFileSync(program, [...before, ...options], { encoding: 'utf8' }));
    const printed = routes.map(({ method, path, protection, handler }) => `${method} ${path} ${protection} ${handler}`);
    for (const line of expected)
      assert.ok(printed.includes(line), `the command must print\n${line}\nbut printed\n${printed.join('\n')}`);
  }
  rmSync('noisy.mjs');
}

/** If the application cannot be created, the command exits with 1, a message without a stack trace, and no output. */
function checkCommandFailures() {
  const module = (factory) => `
    import { Module } from '@nestjs/common';
    import { ClerkModule } from 'nest-clerk';
    export class AppModule {}
    Module({ imports: [${factory}] })(AppModule);`;
  for (const [factory, message] of [
    ['ClerkModule.forRootAsync({ useFactory: () => new Promise(() => undefined) })', 'never completes'],
    ['process.exit(0)', 'ended the process'],
    ["Promise.reject(new Error('DATABASE_URL is required'))", 'does not start: DATABASE_URL is required'],
  ]) {
    writeFileSync('failing.mjs', module(factory));
    const [program, ...before] = NPX_COMMAND;
    const { status, stdout, stderr } = spawnSync(program, [...before, 'routes', 'failing.mjs'], { encoding: 'utf8' });
    assert.deepEqual({ status, stdout }, { status: 1, stdout: '' }, stderr);
    assert.match(stderr, new RegExp(`${message}.*\\n$`));
    assert.doesNotMatch(stderr, /^ +at /m);
  }
  rmSync('failing.mjs');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the application as `npm run start:prod` does, and sends every request of the table. */
async function checkRoutes(flags, env, table) {
  const port = await freePort();
  const app = spawn(process.execPath, [...flags, 'dist/main.js'], {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [app.stdout, app.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));

  const deadline = Date.now() + BOOT_WITHIN_MS;
  const answer = async (method, path, token) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    for (;;) {
      assert.equal(app.exitCode, null, 'the application must not exit');
      try {
        return await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  try {
    for (const { route, token, status, includes } of table) {
      const response = await answer(...route, token);
      const body = await response.text();
      const call = `${route.join(' ')} with ${token ? `the token ${token.slice(0, 8)}…` : 'no token'} returned ${response.status}: ${body}`;
      assert.equal(response.status, status, call);
      if (includes) assert.ok(body.includes(includes), call);
    }
  } catch (error) {
    console.error(log);
    throw error;
  } finally {
    app.kill();
  }
}

checkModules();
checkOptionalPeers();
await checkTypeEntries();
checkCommand();
checkCommandFailures();

const clerk = await testing.LocalClerk.start();
try {
  const organization = clerk.createOrganization();
  const user = clerk.createUser();
  const member = await clerk.sessionToken({ user, organization });
  const biller = await clerk.sessionToken({ user, organization, permissions: ['org:invoices:create'] });
  const table = [
    { route: ['GET', '/invoices'], status: 401 },
    { route: ['GET', '/invoices'], token: 'garbage', status: 401 },
    { route: ['GET', '/invoices'], token: member, status: 200, includes: user.id },
    { route: ['GET', '/invoices/rates'], status: 200 },
    { route: ['POST', '/invoices'], status: 401 },
    { route: ['POST', '/invoices'], token: member, status: 403 },
    // Returns the user that the injected ClerkClientService loads.
    { route: ['POST', '/invoices'], token: biller, status: 201, includes: user.id },
  ];
  for (const flags of [[], [WITHOUT_REQUIRE_OF_ESM]]) {
    await checkRoutes(flags, clerk.env, table);
    console.log(`${table.length} requests returned what they should: node ${[...flags, 'dist/main.js'].join(' ')}`);
  }
} finally {
  await clerk.stop();
}
