import 'reflect-metadata';

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { NestApplication } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { run } from '../../../lib/cli/run.js';
import type { ProtectedRoute } from '../../../lib/index.js';

const cwd = join(__dirname, '../../support/cli');
const environment = { ...process.env };

/** Runs the command as a shell would, except that jest loads the files. */
const command = (...argv: string[]) => commandIn(cwd, ...argv);

async function commandIn(folder: string, ...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const exitCode = await run(argv, {
    cwd: folder,
    env: process.env,
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    load: async (file) => jest.requireActual<object>(file),
  });
  return { exitCode, out: out.join('\n'), err: err.join('\n') };
}

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('CLERK_')) delete process.env[name];
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => {
  process.env = environment;
});

describe('nest-clerk routes', () => {
  it('prints the map of a root module to stdout as text, and warnings to stderr', async () => {
    const { exitCode, out, err } = await command('routes', 'app.module.mjs');
    expect(exitCode).toBe(0);
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['METHOD', 'PATH', 'TRANSPORT', 'PROTECTION', 'TOKENS', 'REQUIREMENTS', 'HANDLER'],
      ['GET', '/cats', 'http', 'strict (default)', 'session_token (default)', '–', 'CatsController.list'],
    ]);
    expect(err).toContain('authorizedParties is not set');
    expect(err).not.toContain('mind the cats');
  });

  it('prints JSON and Markdown with --format', async () => {
    const { out } = await command('routes', 'app.module.mjs', '--format', 'json');
    const [route, ...others] = JSON.parse(out) as ProtectedRoute[];
    expect(route).toMatchObject({ method: 'GET', path: '/cats', protection: 'strict' });
    expect(others).toEqual([]);
    const { out: table } = await command('routes', './app.module.mjs', '--format=markdown');
    expect(table).toMatch(/^\| method \|/);
  });

  it('uses the function that is the default export, with the prefix that it sets', async () => {
    const { exitCode, out } = await command('routes', 'create-app.mjs');
    expect({ exitCode, out }).toMatchObject({ exitCode: 0, out: expect.stringContaining(' /api/cats ') });
  });

  it('uses the function or module that --export names', async () => {
    expect((await command('routes', 'create-app.mjs', '--export', 'createApp')).out).toContain(' /api/cats ');
    expect((await command('routes', 'app.module.mjs', '--export', 'AppModule')).out).toContain(' /cats ');
  });

  it.each(['production', 'test', 'development', undefined])(
    'needs no key with NODE_ENV %s, makes no request, and leaves the environment unchanged',
    async (environmentName) => {
      if (environmentName === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = environmentName;
      const fetched = jest.spyOn(globalThis, 'fetch');
      const listened = jest.spyOn(Server.prototype, 'listen');
      try {
        const before = { ...process.env };
        const { exitCode, out } = await command('routes', 'app.module.mjs');
        expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.stringContaining(' /cats ') });
        expect({ ...process.env }).toEqual(before);
        expect([fetched, listened].map(({ mock }) => mock.calls)).toEqual([[], []]);
      } finally {
        process.env.NODE_ENV = environment.NODE_ENV;
      }
    },
  );

  it.each<[string, Record<string, string>]>([
    [
      'both keys of the application',
      { CLERK_PUBLISHABLE_KEY: `pk_live_${btoa('a.example.com$')}`, CLERK_SECRET_KEY: 'sk_live_1' },
    ],
    ['only a publishable key', { CLERK_PUBLISHABLE_KEY: `pk_live_${btoa('a.example.com$')}` }],
    [
      'only a publishable key of a development instance',
      { CLERK_PUBLISHABLE_KEY: `pk_test_${btoa('a.clerk.accounts.dev$')}` },
    ],
    ['only a secret key', { CLERK_SECRET_KEY: 'sk_test_1' }],
    ['a URL of the Backend API', { CLERK_API_URL: 'https://api.clerk.test' }],
    [
      'a public key for tokens',
      {
        CLERK_JWT_KEY: generateKeyPairSync('rsa', { modulusLength: 2048 })
          .publicKey.export({ type: 'spki', format: 'pem' })
          .toString(),
      },
    ],
    ['a satellite', { CLERK_IS_SATELLITE: 'true', CLERK_DOMAIN: 'a.example.com' }],
    [
      'a satellite of a development instance',
      { CLERK_IS_SATELLITE: 'true', CLERK_PUBLISHABLE_KEY: `pk_test_${btoa('a.clerk.accounts.dev$')}` },
    ],
  ])('prints the map with %s in the environment', async (_, given) => {
    Object.assign(process.env, given);
    const { exitCode, out } = await command('routes', 'app.module.mjs');
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.stringContaining(' /cats ') });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['publishable key', { CLERK_PUBLISHABLE_KEY: 'pk_live_' }, /CLERK_PUBLISHABLE_KEY\) must start with/],
    ['secret key', { CLERK_SECRET_KEY: 'secret' }, /CLERK_SECRET_KEY\) must start with sk_test_ or sk_live_/],
    ['public key for tokens', { CLERK_JWT_KEY: 'pem' }, /CLERK_JWT_KEY\) is not a readable public key/],
    ['machine secret key', { CLERK_MACHINE_SECRET_KEY: 'mine' }, /CLERK_MACHINE_SECRET_KEY\) must start with ask_/],
  ])('exits with 1 and names the variable for a malformed %s', async (_, given, sentence) => {
    Object.assign(process.env, given);
    const { exitCode, err } = await command('routes', 'app.module.mjs');
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringMatching(sentence) });
  });

  it.each<[string, string[], RegExp]>([
    ['a missing file', ['nowhere.js'], /There is no file .*nowhere\.js\. .*build first/],
    ['a folder', ['.'], /There is no file/],
    ['TypeScript', ['src/app.module.ts'], /is TypeScript, .*\. Build first, .* dist\/app\.module\.js/],
    ['a file that throws', ['broken.mjs'], /^broken\.mjs cannot be loaded: cats are out$/],
    [
      'several modules',
      ['several.mjs'],
      /exports several modules, DogsModule, OpenModule: name the root module with --export, as in --export DogsModule\./,
    ],
    [
      'an unknown export',
      ['several.mjs', '--export', 'CatsModule'],
      /does not export CatsModule\. It exports DogsModule/,
    ],
    ['a class without @Module()', ['create-app.mjs', '--export', 'Forgotten'], /Forgotten .* is neither a class with/],
    [
      'a function that returns nothing',
      ['create-app.mjs', '--export', 'createNothing'],
      /does not return a Nest application/,
    ],
    [
      'an application without ClerkModule',
      ['several.mjs', '--export', 'OpenModule'],
      /import ClerkModule\.forRoot\(\)/,
    ],
    [
      'decorators that contradict each other',
      ['several.mjs', '--export', 'DogsModule'],
      /The application does not start: nest-clerk cannot protect[^]*DogsController\.list: @Public\(\) and @RequirePermission\(\) contradict/,
    ],
  ])('exits with 1 and says what to do about %s', async (_, argv, sentence) => {
    const { exitCode, out, err } = await command('routes', ...argv);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(err).toMatch(sentence);
  });

  it('runs no lifecycle hook, and needs no key although a factory and a validation require it', async () => {
    const { exitCode, out, err } = await command('routes', 'hooks.mjs');
    expect({ exitCode, out, err }).toMatchObject({ exitCode: 0, out: expect.stringContaining(' /birds ') });
    expect(err).not.toContain('was called');
  });

  it('needs no key if a factory reads it from another variable, and leaves the environment unchanged', async () => {
    const before = { ...process.env };
    const { exitCode, out, err } = await command('routes', 'own-names.mjs');
    expect({ exitCode, out, err }).toMatchObject({ exitCode: 0, out: expect.stringContaining(' /owls ') });
    expect({ ...process.env }).toEqual(before);
  });

  it('exits with 1 and names any other variable that a factory requires', async () => {
    const { exitCode, err } = await command('routes', 'own-names.mjs', '--export', 'ForeignKeyModule');
    expect({ exitCode, err }).toEqual({
      exitCode: 1,
      err: expect.stringContaining('"STRIPE_SECRET_KEY" does not exist'),
    });
  });

  it.each(['main.mjs', 'listening.mjs'])(
    'exits with 1 for %s, which starts the application, before it listens',
    async (file) => {
      const listened = jest.spyOn(Server.prototype, 'listen');
      const init = jest.spyOn(NestApplication.prototype, 'init');
      const { exitCode, out, err } = await command('routes', file);
      expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
      expect(err).toMatch(/starts the application, as main\.js does\. Name the file of the root module/);
      expect([listened, init].map(({ mock }) => mock.calls)).toEqual([[], []]);
    },
  );

  it('prints the map of an application after a run with one that starts itself', async () => {
    await command('routes', 'main.mjs');
    expect(await command('routes', 'app.module.mjs')).toMatchObject({ exitCode: 0 });
  });

  it('prints a policy error once', async () => {
    const { err } = await command('routes', 'several.mjs', '--export', 'DogsModule');
    expect(err.match(/contradict each other/g)).toHaveLength(1);
  });
});

describe('nest-clerk routes on a bundle with Nest in it', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nest-clerk-bundle-'));
    const source = `
      export { createApp } from ${JSON.stringify(join(cwd, 'create-app.mjs'))};
      export { AppModule } from ${JSON.stringify(join(cwd, 'app.module.mjs'))};
      globalThis.loadedBundles = (globalThis.loadedBundles ?? 0) + 1;
      export const READY = 'Nest application successfully started';`;
    writeFileSync(join(folder, 'main.mjs'), source);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    delete (globalThis as { loadedBundles?: number }).loadedBundles;
  });

  it('exits with 1, suggests --export, and does not load the bundle', async () => {
    const { exitCode, err } = await commandIn(folder, 'routes', 'main.mjs');
    expect({ exitCode, err }).toEqual({
      exitCode: 1,
      err: expect.stringMatching(/^main\.mjs is a bundle with Nest in it[^]*--export createApp\.$/),
    });
    expect(globalThis).not.toHaveProperty('loadedBundles');
  });

  it('exits with 1 for a module of the bundle, which belongs to another copy of Nest', async () => {
    const { exitCode, err } = await commandIn(folder, 'routes', 'main.mjs', '--export', 'AppModule');
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringMatching(/is a bundle with Nest in it/) });
  });

  it('prints the map of the application that its function returns', async () => {
    const { exitCode, out } = await commandIn(folder, 'routes', 'main.mjs', '--export', 'createApp');
    expect({ exitCode, out }).toMatchObject({ exitCode: 0, out: expect.stringContaining(' /api/cats ') });
  });
});

describe('nest-clerk routes with the HTTP platform of the application', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nest-clerk-platform-'));
    writeFileSync(join(folder, 'app.mjs'), `export { AppModule } from ${JSON.stringify(join(cwd, 'app.module.mjs'))};`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('uses Fastify if the application has only that', async () => {
    const installed = dirname(require.resolve('@nestjs/platform-fastify/package.json'));
    mkdirSync(join(folder, 'node_modules/@nestjs'), { recursive: true });
    symlinkSync(installed, join(folder, 'node_modules/@nestjs/platform-fastify'));
    const init = jest.spyOn(FastifyAdapter.prototype, 'init');
    const { exitCode, out } = await command('routes', join(folder, 'app.mjs'));
    expect({ exitCode, out }).toMatchObject({ exitCode: 0, out: expect.stringContaining(' /cats ') });
    expect(init).toHaveBeenCalled();
  });

  it('exits with 1 if the application has neither Express nor Fastify', async () => {
    const { exitCode, err } = await command('routes', join(folder, 'app.mjs'));
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining('on its own platform') });
  });
});

describe('nest-clerk', () => {
  it.each(['--help', '-h'])('prints its usage to stdout with %s', async (option) => {
    const { exitCode, out } = await command(option);
    expect({ exitCode, out }).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('npx nest-clerk routes [file]'),
    });
  });

  it.each<[string, string[], string]>([
    ['no command', [], 'No command given.'],
    ['an unknown command', ['paths'], 'There is no command "paths".'],
    ['three files', ['routes', 'a.js', 'b.js', 'c.js'], 'Only one file can be named; unexpected: b.js c.js.'],
    ['an unknown format', ['routes', 'a.js', '--format', 'xml'], 'There is no format "xml".'],
    ['an unknown option', ['routes', 'a.js', '--watch'], '--watch'],
  ])('exits with 2 and prints problem and usage to stderr for %s', async (_, argv, problem) => {
    const { exitCode, out, err } = await command(...argv);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    expect(err).toContain(problem);
    expect(err).toContain('npx nest-clerk routes [file]');
  });
});
