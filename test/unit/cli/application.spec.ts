import 'reflect-metadata';

import { createServer } from 'node:http';
import { join } from 'node:path';

import { Logger } from '@nestjs/common';

import { run } from '../../../lib/cli/run.js';

const cwd = join(__dirname, '../../support/cli');
const KEY = { CLERK_SECRET_KEY: 'sk_test_1' };

/** The parts of an application that the command uses, recording the calls. */
function application(more: object = {}) {
  const steps: unknown[] = [];
  const step = (name: string) => async () => void steps.push(name);
  const get = (...asked: unknown[]) => {
    steps.push(asked);
    return { audit: step('audit'), routes: () => [] };
  };
  return { steps, app: { init: step('init'), close: step('close'), get, ...more } };
}

async function command(createApp: () => unknown, env: Record<string, string | undefined> = KEY) {
  const [out, err]: [string[], string[]] = [[], []];
  const io = { cwd, env, out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const load = async (file: string) => (file.endsWith('app.module.mjs') ? { createApp } : {});
  const argv = ['routes', 'app.module.mjs', '--export', 'createApp', '--format', 'json'];
  return { exitCode: await run(argv, { ...io, load }), out, err };
}

const failing = (problem: unknown) => () => Promise.reject(problem as Error);

afterEach(() => jest.restoreAllMocks());
afterAll(() => Logger.overrideLogger(['log', 'warn', 'error']));

describe('nest-clerk routes with an application', () => {
  it('audits it and prints its map, without init() and close()', async () => {
    const { app, steps } = application();
    expect(await command(() => app)).toEqual({ exitCode: 0, out: ['[]'], err: [] });
    expect(steps).toEqual([[Symbol.for('nest-clerk:protection-map'), { strict: false }], 'audit']);
  });

  const NO_APPLICATION =
    'The application does not start: the function does not return a Nest application. Return the result of NestFactory.create() from it.';

  it.each<[string, () => unknown, string]>([
    ['is undefined', () => undefined, NO_APPLICATION],
    ['has no get()', () => application({ get: undefined }).app, NO_APPLICATION],
    ['fails to be created', failing(new Error('no database')), 'The application does not start: no database'],
    [
      'fails to be created because a connection is refused',
      failing(
        new TypeError('fetch failed', { cause: Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }) }),
      ),
      'The application does not start: fetch failed (ECONNREFUSED)',
    ],
    ['fails to be created with a value that is not an Error', failing('text'), 'The application does not start: text'],
    [
      'fails the audit',
      () => application({ get: () => ({ audit: failing(new Error('contradiction')) }) }).app,
      'The application does not start: contradiction',
    ],
    [
      'listens',
      () => new Promise((resolve) => createServer().listen(0, () => resolve(application().app))),
      'app.module.mjs starts the application, as main.js does. Name the file of the root module, such as dist/app.module.js, or move what sets up the application into a function that returns it without listening, in a file of its own, and name it: dist/create-app.js --export createApp.',
    ],
    [
      'has no protection map',
      () =>
        application({
          get: () => {
            throw new Error('unknown element');
          },
        }).app,
      'The application has no protection map: import ClerkModule.forRoot() of nest-clerk in its root module.',
    ],
    [
      'has a protection map that throws',
      () =>
        application({
          get: () => ({
            audit: async () => undefined,
            routes: () => {
              throw new Error('cats are out');
            },
          }),
        }).app,
      'cats are out',
    ],
  ])('that %s exits with 1 and prints the reason', async (_, createApp, sentence) => {
    expect(await command(createApp)).toEqual({ exitCode: 1, out: [], err: [sentence] });
  });

  it('that listens leaves other servers able to listen afterwards', async () => {
    await command(() => createServer().listen(0));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, resolve));
    expect(server.listening).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });

  it('prints warnings and errors of the application to stderr, and no other log lines', async () => {
    const { err, out } = await command(() => {
      for (const level of ['log', 'warn', 'error', 'fatal'] as const) Logger[level](level, 'Cats');
      new Logger('ExceptionHandler').error('said by the command', 'with a stack');
      new Logger('ExceptionHandler').warn('said by the command');
      return application().app;
    });
    expect([out, err]).toEqual([['[]'], ['warn', 'error', 'fatal']]);
  });

  describe('with missing keys in the environment', () => {
    const PK = (kind: string) => `pk_${kind}_${btoa('clerk.example.com$')}`;
    const FAKE = {
      ...{ CLERK_PUBLISHABLE_KEY: PK('live'), CLERK_SECRET_KEY: 'sk_live_madeUp', CLERK_API_URL: 'http://127.0.0.1:1' },
      ...{ CLERK_SIGN_IN_URL: 'https://clerk.example.com/sign-in', CLERK_PROXY_URL: 'https://clerk.example.com' },
    };

    it.each<[Record<string, string>, Record<string, string>]>([
      [{}, FAKE],
      [{ CLERK_SECRET_KEY: '' }, FAKE],
      [{ CLERK_JWT_KEY: 'pem', CLERK_API_URL: 'https://api.clerk.test' }, FAKE],
      [
        { CLERK_SIGN_IN_URL: '/in', CLERK_PROXY_URL: '/p' },
        { ...FAKE, CLERK_SIGN_IN_URL: '/in', CLERK_PROXY_URL: '/p' },
      ],
      [
        { CLERK_PUBLISHABLE_KEY: 'pk_test_mine' },
        { ...FAKE, CLERK_SECRET_KEY: 'sk_test_madeUp', CLERK_PUBLISHABLE_KEY: 'pk_test_mine' },
      ],
      [{ CLERK_PUBLISHABLE_KEY: 'wrong' }, { ...FAKE, CLERK_PUBLISHABLE_KEY: 'wrong' }],
      [{ CLERK_SECRET_KEY: 'sk_test_1' }, { CLERK_PUBLISHABLE_KEY: PK('test') }],
      [{ CLERK_SECRET_KEY: 'wrong' }, { CLERK_PUBLISHABLE_KEY: PK('live') }],
      [{ CLERK_SECRET_KEY: 'sk_live_1', CLERK_PUBLISHABLE_KEY: 'pk_live_1' }, {}],
      [{ CLERK_MACHINE_SECRET_KEY: 'ask_1' }, {}],
      [{ CLERK_MACHINE_SECRET_KEY: 'ask_1', CLERK_PUBLISHABLE_KEY: 'pk_live_1' }, {}],
    ])('sets only missing variables, and restores the environment afterwards: %j', async (given, made) => {
      const env: Record<string, string | undefined> = { ...given };
      const seen: unknown[] = [];
      const { exitCode } = await command(() => {
        seen.push({ ...env });
        return application().app;
      }, env);
      expect([exitCode, seen]).toEqual([0, [{ ...given, ...made, CLERK_TELEMETRY_DISABLED: '1' }]]);
      expect(env).toStrictEqual(given);
    });

    const misfit = (problem: string) => Object.assign(new Error(problem), { code: 'invalid-configuration' });

    it('tries test keys if live keys do not match its options', async () => {
      const env: Record<string, string | undefined> = {};
      const seen: unknown[] = [];
      const { exitCode, err } = await command(() => {
        seen.push(env.CLERK_SECRET_KEY);
        if (env.CLERK_SECRET_KEY !== 'sk_test_madeUp') throw misfit('live and test');
        return application().app;
      }, env);
      expect({ exitCode, err, seen }).toEqual({ exitCode: 0, err: [], seen: ['sk_live_madeUp', 'sk_test_madeUp'] });
      expect(env).toStrictEqual({});
    });

    it.each<[string, Record<string, string>, Error[], string, number]>([
      ['with the error of the first try', {}, [misfit('one'), misfit('two')], 'one', 2],
      ['with another error of the second try', {}, [misfit('one'), new Error('no database')], 'no database', 2],
      ['after one try if a secret key is given', KEY, [misfit('one')], 'one', 1],
      ['after one try if the options are valid', {}, [new Error('no database')], 'no database', 1],
    ])('exits with 1 %s', async (_, given, errors, problem, tries) => {
      const env: Record<string, string | undefined> = { ...given };
      let tried = 0;
      const { exitCode, err } = await command(() => {
        throw errors[tried++];
      }, env);
      expect({ exitCode, err, tried }).toEqual({
        ...{ exitCode: 1, err: [`The application does not start: ${problem}`], tried: tries },
      });
      expect(env).toStrictEqual(given);
    });
  });
});
