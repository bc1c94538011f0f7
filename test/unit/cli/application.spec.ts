import 'reflect-metadata';

import { join } from 'node:path';

import { Logger } from '@nestjs/common';

import { run } from '../../../lib/cli/run.js';
import { LocalClerk } from '../../../lib/testing/index.js';

const cwd = join(__dirname, '../../support/cli');
const KEY = { CLERK_SECRET_KEY: 'sk_test_1' };

/** What the command uses of an application. */
function application(more: object = {}) {
  const steps: unknown[] = [];
  const step = (name: string) => async () => void steps.push(name);
  const get = (...asked: unknown[]) => {
    steps.push(asked);
    return { routes: () => [] };
  };
  return { steps, app: { init: step('init'), close: step('close'), get, ...more } };
}

async function command(createApp: () => unknown, env: Record<string, string | undefined> = KEY) {
  const [out, err]: [string[], string[]] = [[], []];
  const io = { cwd, env, out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const load = async () => ({ createApp });
  const argv = ['routes', 'app.module.mjs', '--export', 'createApp', '--format', 'json'];
  return { exitCode: await run(argv, { ...io, load }), out, err };
}

const failing = (problem: unknown) => () => Promise.reject(problem as Error);

afterEach(() => jest.restoreAllMocks());
afterAll(() => Logger.overrideLogger(['log', 'warn', 'error']));

describe('an application', () => {
  it('is initialised, asked for its map wherever it stands, and closed', async () => {
    const { app, steps } = application();
    expect(await command(() => app)).toEqual({ exitCode: 0, out: ['[]'], err: [] });
    expect(steps).toEqual(['init', [Symbol.for('nest-clerk:protection-map'), { strict: false }], 'close']);
  });

  const NO_APPLICATION =
    'The application does not start: the function returns no Nest application. Let it return what NestFactory.create() gives.';

  it.each<[string, () => unknown, string]>([
    ['is none', () => undefined, NO_APPLICATION],
    ['cannot be initialised', () => application({ init: undefined }).app, NO_APPLICATION],
    ['cannot be closed at all', () => application({ close: true }).app, NO_APPLICATION],
    ['is not made', failing(new Error('no database')), 'The application does not start: no database'],
    ['is not made, for no Error', failing('text'), 'The application does not start: text'],
    [
      'does not initialise',
      () => application({ init: failing(new Error('no database')) }).app,
      'The application does not start: no database',
    ],
    [
      'has no map',
      () =>
        application({
          get: () => {
            throw new Error('unknown element');
          },
        }).app,
      'The application has no protection map: import ClerkModule.forRoot() of nest-clerk in its root module.',
    ],
    [
      'has a map that fails',
      () =>
        application({
          get: () => ({
            routes: () => {
              throw new Error('cats are out');
            },
          }),
        }).app,
      'cats are out',
    ],
  ])('that %s is said to be so', async (_, createApp, sentence) => {
    expect(await command(createApp)).toEqual({ exitCode: 1, out: [], err: [sentence] });
  });

  it('is closed where it does not initialise', async () => {
    const { app, steps } = application({ init: failing(new Error('no database')) });
    await command(() => app);
    expect(steps).toEqual(['close']);
  });

  it('has been mapped, though it does not close', async () => {
    const { app } = application({ close: failing(new Error('busy')) });
    expect(await command(() => app)).toEqual({
      exitCode: 0,
      out: ['[]'],
      err: ['The application does not close: busy'],
    });
  });

  it('logs what is wrong elsewhere than the map, and nothing else', async () => {
    const { err, out } = await command(() => {
      for (const level of ['log', 'warn', 'error', 'fatal'] as const) Logger[level](level, 'Cats');
      new Logger('ExceptionHandler').error('said by the command', 'with a stack');
      new Logger('ExceptionHandler').warn('said by the command');
      return application().app;
    });
    expect([out, err]).toEqual([['[]'], ['warn', 'error', 'fatal']]);
  });

  it.each<[Record<string, string>, number]>([
    [{}, 1],
    [{ CLERK_PUBLISHABLE_KEY: 'pk_test_mine' }, 1],
    [{ CLERK_SECRET_KEY: '' }, 1],
    [KEY, 0],
    [{ CLERK_MACHINE_SECRET_KEY: 'ask_1' }, 0],
  ])('gets the keys of a local Clerk beside %j %i times, and leaves none behind', async (given, times) => {
    const start = jest.spyOn(LocalClerk, 'start');
    const env: Record<string, string | undefined> = { ...given };
    const seen: (string | undefined)[] = [];
    await command(() => {
      seen.push(env.CLERK_SECRET_KEY);
      return application().app;
    }, env);
    expect(start).toHaveBeenCalledTimes(times);
    expect(seen).toEqual([times ? expect.stringMatching(/^sk_test_/) : given.CLERK_SECRET_KEY]);
    expect(env).toStrictEqual(given);
  });
});
