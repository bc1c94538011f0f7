/**
 * Run inside a user's application: bundles it into one file with esbuild and with webpack, starts that file outside the
 * application's folder, without its node_modules, and calls it.
 *
 * By default, it bundles the README's application, which has no optional package of Nest; with the argument `transports`,
 * `bundle/main.ts`, which has gateways and message handlers.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { build as esbuild } from 'esbuild';
import { LocalClerk } from 'nest-clerk/testing';
import webpack from 'webpack';

const BOOT_WITHIN_MS = 30_000;

const require = createRequire(join(process.cwd(), 'package.json'));
const MAJOR = JSON.parse(readFileSync('node_modules/@nestjs/core/package.json', 'utf8')).version.split('.')[0];
const withTransports = process.argv[2] === 'transports';
const entry = withTransports ? 'bundle/built/main.js' : 'dist/bundled.js';
// The starter of Nest 12 has a top-level await, which CommonJS does not support.
if (!withTransports)
  writeFileSync(entry, readFileSync('dist/main.js', 'utf8').replace(/^await bootstrap/m, 'void bootstrap'));

/** Packages that Nest loads only if they are installed, among them the clients of brokers. */
const OPTIONAL = [
  ...[
    '@nestjs/microservices',
    '@nestjs/microservices/*',
    '@nestjs/websockets/*',
    'class-transformer',
    'class-validator',
  ],
  ...['@nestjs/platform-fastify', '@fastify/static', '@fastify/view'],
  ...[
    '@grpc/grpc-js',
    '@grpc/proto-loader',
    'amqp-connection-manager',
    'amqplib',
    'ioredis',
    'kafkajs',
    'mqtt',
    'nats',
  ],
  ...['@nats-io/*', 'bufferutil', 'utf-8-validate'],
];
const isInstalled = (name) => {
  try {
    require.resolve(name.replace('/*', ''));
    return true;
  } catch {
    return false;
  }
};
const external = OPTIONAL.filter((name) => !isInstalled(name));

/** Defines `import.meta.url` in CommonJS bundles. Nest's WsAdapter needs it. */
const SHIM = {
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { 'import.meta.url': 'importMetaUrl' },
};
/** Defines `require()` in ES module bundles: bundled CommonJS code requires Node's built-in modules. */
const REQUIRE = {
  banner: {
    js: 'import { createRequire as createRequireOf } from "node:module"; const require = createRequireOf(import.meta.url);',
  },
};

const byEsbuild = (format, more = {}) => [
  `esbuild --format=${format}${more.define ? ' with import.meta.url' : ''}`,
  format === 'esm' ? 'mjs' : 'cjs',
  (outfile) => {
    const options = { bundle: true, platform: 'node', target: 'node20', keepNames: true, logLevel: 'error' };
    return esbuild({ ...options, entryPoints: [entry], outfile, format, external, ...more });
  },
];

/** As Nest's own builder by default, but with all packages in the bundle, which Nest leaves outside. */
const byWebpack = (more = {}) => [
  `webpack${more.optimization ? ', minimized' : ''}`,
  'cjs',
  (outfile) =>
    new Promise((done, reject) => {
      const compiler = webpack({
        entry: join(process.cwd(), entry),
        target: 'node',
        output: { path: dirname(outfile), filename: 'main.cjs', library: { type: 'commonjs2' } },
        externalsPresets: { node: true },
        mode: 'none',
        optimization: { nodeEnv: false },
        node: { __filename: false, __dirname: false },
        plugins: [
          new webpack.IgnorePlugin({ checkResource: (name) => matches(external, name) }),
          // Otherwise Nest's import() calls would become separate files.
          new webpack.optimize.LimitChunkCountPlugin({ maxChunks: 1 }),
        ],
        ...more,
      });
      compiler.run((error, stats) => {
        const failed =
          error ?? (stats.hasErrors() ? new Error(stats.toString({ all: false, errors: true })) : undefined);
        compiler.close(() => (failed ? reject(failed) : done()));
      });
    }),
];
const matches = (names, name) =>
  names.some((each) => each === name || (each.endsWith('/*') && name.startsWith(each.slice(0, -1))));

/**
 * The WsAdapter of Nest 12 requires `ws` relative to `import.meta.url`: esbuild leaves that package outside, and CommonJS
 * bundles need the shim. Nothing else needs it.
 */
const canLoadWs = (name) => MAJOR === '11' || name !== 'esbuild --format=cjs';

const BUNDLES = [byEsbuild('cjs'), byEsbuild('cjs', SHIM), byEsbuild('esm', REQUIRE), byWebpack()];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a bundle, passes its ports to `ask`, and stops it. */
async function whileRunning(file, env, ask) {
  const [port, rpcPort] = [await freePort(), await freePort()];
  const ports = { PORT: String(port), RPC_PORT: String(rpcPort), NEST_MAJOR: MAJOR };
  const app = spawn(process.execPath, [file], { cwd: dirname(file), env: { ...process.env, ...env, ...ports } });
  let log = '';
  for (const stream of [app.stdout, app.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));
  try {
    const deadline = Date.now() + BOOT_WITHIN_MS;
    while (!(await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))) {
      assert.equal(app.exitCode, null, 'the bundle must not exit');
      assert.ok(Date.now() < deadline, `the bundle must start within ${BOOT_WITHIN_MS} ms`);
      await delay(100);
    }
    await ask(port, rpcPort);
  } catch (error) {
    console.error(log);
    throw error;
  } finally {
    app.kill();
  }
}

async function askHttp(port, token, userId) {
  const ask = (headers) => fetch(`http://127.0.0.1:${port}/invoices`, { headers });
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask({ authorization: 'Bearer garbage' })).status, 401);
  const answer = await ask({ authorization: `Bearer ${token}` });
  assert.equal(answer.status, 200);
  assert.ok((await answer.text()).includes(userId));
}

/** Sends a message to the gateway and returns its answer, in the format of `ws`. */
const ASK_GATEWAY = {
  ws: async (port, token) => {
    const { WebSocket } = await import('ws');
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers });
    await once(socket, 'open');
    const answer = once(socket, 'message');
    socket.send(JSON.stringify({ event: 'say', data: 'hello' }));
    const [text] = await answer;
    socket.terminate();
    return JSON.parse(text);
  },
  'socket.io': async (port, token) => {
    const { io } = await import('socket.io-client');
    const socket = io(`http://127.0.0.1:${port}`, { auth: { token }, transports: ['websocket'], reconnection: false });
    const answer = new Promise((resolve) => socket.onAny((event, data) => resolve({ event, data })));
    socket.emit('say', 'hello');
    const reply = await answer;
    socket.disconnect();
    return reply;
  },
};

const DENIAL = {
  status: 'error',
  statusCode: 401,
  code: 'authentication-required',
};

async function askGateway(kind, port, token, userId) {
  const { event, data } = await ASK_GATEWAY[kind](port);
  assert.equal(event, 'exception');
  assert.deepEqual({ ...data, message: undefined }, { ...DENIAL, message: undefined });
  assert.deepEqual(await ASK_GATEWAY[kind](port, token), { event: 'said', data: userId });
}

async function askMicroservice(port, token, userId) {
  const { ClientProxyFactory, Transport } = await import('@nestjs/microservices');
  const { firstValueFrom } = await import('rxjs');
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  const ask = (payload) => firstValueFrom(client.send('invoices', payload)).catch((denial) => denial);
  try {
    const denial = await ask({});
    assert.deepEqual({ ...denial, message: undefined }, { ...DENIAL, message: undefined });
    assert.deepEqual(await ask({ token }), { userId });
  } finally {
    await client.close();
  }
}

const clerk = await LocalClerk.start();
const work = mkdtempSync(join(tmpdir(), 'nest-clerk-bundle-'));
try {
  const user = clerk.createUser();
  mkdirSync(join(work, 'node_modules'));
  if (withTransports) symlinkSync(resolve('node_modules/ws'), join(work, 'node_modules/ws'));
  for (const [index, [name, extension, bundle]] of BUNDLES.entries()) {
    const file = join(work, String(index), `main.${extension}`);
    mkdirSync(dirname(file));
    await bundle(file);
    for (const kind of withTransports ? Object.keys(ASK_GATEWAY) : ['none']) {
      if (kind === 'ws' && !canLoadWs(name)) continue;
      await whileRunning(file, { ...clerk.env, SOCKETS: kind }, async (port, rpcPort) => {
        // A new token for each run: bundling takes longer than the lifetime of a session token.
        const token = await clerk.sessionToken({ user });
        await askHttp(port, token, user.id);
        if (!withTransports) return;
        await askGateway(kind, port, token, user.id);
        await askMicroservice(rpcPort, token, user.id);
      });
    }
    console.log(`The bundle of ${entry} returned what it should: ${name}`);
  }
} finally {
  await clerk.stop();
  rmSync(work, { recursive: true });
}
