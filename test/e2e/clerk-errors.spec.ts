import { isClerkAPIResponseError } from '@clerk/backend/errors';
import { Catch, Controller, Get, UseFilters, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';

import { ClerkClientService, Public } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp, type TestAppBuilder } from '../support/test-app.js';

/** A catch-all filter of an application. */
@Catch()
class CatchAll implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}
  catch(error: unknown, host: ArgumentsHost) {
    const body = { own: error instanceof Error && isClerkAPIResponseError(error) };
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), body, 418);
  }
}

@Controller()
@Public()
class Routes {
  constructor(private readonly clerk: ClerkClientService) {}

  @Get('user') user() {
    return this.clerk.users.getUser('user_unknown');
  }
  @Get('filtered') @UseFilters(CatchAll) filtered() {
    return this.clerk.users.getUser('user_unknown');
  }
  @Get('broken') broken() {
    throw new Error('of the application');
  }
  @Get('nothing') nothing() {
    throw null;
  }
}

describe.each(PLATFORMS)('the filter for Clerk errors in handlers, on %s', (_, platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(async () => {
    clerk.recover();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(() => clerk?.stop());

  async function start(
    more: (builder: TestAppBuilder) => TestAppBuilder = (builder) => builder,
    options: object = {},
  ): Promise<TestApp> {
    const app = await more(
      TestApp.on(platform)
        .clerk({ ...clerk.options, ...options })
        .controllers(Routes),
    ).start();
    apps.push(app);
    return app;
  }

  it('returns 404 for a user that does not exist', async () => {
    const app = await start();
    expect(await app.send('/user')).toMatchObject({
      status: 404,
      body: { statusCode: 404, code: 'clerk-resource-not-found', message: 'The resource does not exist.' },
    });
  });

  it.each([
    [400, 422, 'clerk-request-rejected'],
    [409, 422, 'clerk-request-rejected'],
    [422, 422, 'clerk-request-rejected'],
    [404, 404, 'clerk-resource-not-found'],
    [410, 404, 'clerk-resource-not-found'],
    [401, 500, 'clerk-key-rejected'],
    [403, 500, 'clerk-key-rejected'],
    [408, 503, 'clerk-unavailable'],
    [425, 503, 'clerk-unavailable'],
    [429, 503, 'clerk-unavailable'],
    [500, 503, 'clerk-unavailable'],
    [502, 503, 'clerk-unavailable'],
    [405, 500, undefined],
  ])('turns a %i of Clerk into a %i with the code %s, without Clerk’s message', async (status, expected, code) => {
    const app = await start();
    clerk.outage({ status });
    const answer = await app.send('/user');
    expect([answer.status, answer.body.statusCode, answer.body.code]).toEqual([expected, expected, code]);
    expect(JSON.stringify(answer.body)).not.toMatch(/bad day|clerk_error|trace|user_unknown/i);
  });

  it.each(['refuse', 'reset', 'garbage'] as const)('returns 503 if the connection fails (%s)', async (fault) => {
    const app = await start();
    clerk.outage(fault);
    const { status, headers, body } = await app.send('/user');
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'clerk-unavailable', null]);
  });

  it('passes on the Retry-After header of a 429', async () => {
    const app = await start();
    clerk.outage({ status: 429, retryAfter: 7 });
    expect((await app.send('/user')).headers.get('retry-after')).toBe('7');
  });

  it('logs Clerk’s error code and trace id, but not its message', async () => {
    const app = await start();
    clerk.outage({ status: 500 });
    await app.send('/user');
    const [line] = app.logger.ofGuard('warn');
    expect(line).toMatch(
      /returned 500 \(internal_clerk_error, trace id \w+\): responded with 503 \(clerk-unavailable\)/,
    );
    expect(app.logger.lines.join()).not.toContain('bad day');
  });

  it('logs a 401 of Clerk as an error that says to check secretKey', async () => {
    const app = await start();
    clerk.outage({ status: 401 });
    await app.send('/user');
    expect(app.logger.ofGuard('error')[0]).toContain('(clerk-key-rejected). Check secretKey');
  });

  it('logs a 403 of Clerk as an error that says to check plan and settings', async () => {
    const app = await start();
    clerk.outage({ status: 403 });
    await app.send('/user');
    expect(app.logger.ofGuard('error')[0]).toMatch(/\(clerk-key-rejected\)\. Check what Clerk's plan and settings/);
  });

  it.each<[string, (builder: TestAppBuilder) => TestAppBuilder]>([
    ['APP_FILTER', (builder) => builder.providers({ provide: APP_FILTER, useClass: CatchAll })],
    [
      'useGlobalFilters()',
      (builder) => builder.before((nest) => nest.useGlobalFilters(new CatchAll(nest.get(HttpAdapterHost)))),
    ],
  ])('leaves Clerk errors to a catch-all filter of the application, registered with %s', async (_name, more) => {
    const app = await start(more);
    expect(await app.send('/user')).toMatchObject({ status: 418, body: { own: true } });
  });

  it('leaves Clerk errors to a filter of the handler', async () => {
    expect((await (await start()).send('/filtered')).status).toBe(418);
  });

  it.each(['/broken', '/nothing'])('leaves other errors to Nest (%s)', async (path) => {
    const app = await start();
    const { status, body } = await app.send(path);
    expect([status, body]).toEqual([500, { statusCode: 500, message: 'Internal server error' }]);
  });

  it('returns 404 without the global guard too', async () => {
    const app = await start((builder) => builder, { guard: false });
    expect((await app.send('/user')).status).toBe(404);
  });
});
