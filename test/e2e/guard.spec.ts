import { ServerResponse } from 'node:http';

import { Controller, Get, type ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';

import {
  AcceptsToken,
  ClerkAuthNotPopulatedError,
  ClerkBadRequestException,
  ClerkGuard,
  ClerkTransportError,
  Public,
  SkipAuth,
} from '../../lib/index.js';
import { CurrentUsers } from '../../lib/guard/current-users.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get() handler() {}
}

describe.each(PLATFORMS)('ClerkGuard on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform).clerk(clerk.options).controllers(Routes).start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  it.each(['necord', ''])('throws for the unknown context type "%s", without calling Clerk', async (type) => {
    const payload = { headers: { authorization: `Bearer ${await clerk.sessionToken()}` }, url: '/', method: 'GET' };
    const context = {
      getType: () => type,
      getClass: () => Routes,
      getHandler: () => Routes.prototype.handler,
      switchToHttp: () => ({ getRequest: () => payload, getResponse: () => ({}) }),
    } as unknown as ExecutionContext;
    expect(() => app.get(ClerkGuard).canActivate(context)).toThrow(ClerkTransportError);
    expect(() => app.get(ClerkGuard).canActivate(context)).toThrow(`execution context type "${type}"`);
    expect(clerk.countRequests()).toBe(0);
  });

  /** Calls the guard as Nest does, for classes that Nest does not know. */
  function call(type: new () => { handler(): void }, headers: Record<string, string> = {}, url = '/') {
    const request = { headers: { host: 'localhost', ...headers }, url, method: 'GET' };
    // With the methods of both Express and Fastify.
    const response = Object.assign(new ServerResponse(request as never), { set() {}, header() {} });
    const context = new ExecutionContextHost([request, response], type, type.prototype.handler);
    return app.get(ClerkGuard).canActivate(context);
  }

  it('returns true synchronously for a cached caller', async () => {
    const authorization = `Bearer ${await clerk.sessionToken()}`;
    expect(await call(Routes, { authorization })).toBe(true);
    expect(call(Routes, { authorization })).toBe(true);
  });

  it('throws synchronously for a target outside of this server', () => {
    expect(() => call(Routes, {}, '//evil.example/')).toThrow(ClerkBadRequestException);
  });

  it('loads no user for a call that it has not checked', async () => {
    const context = new ExecutionContextHost([{ headers: {} }, {}], Routes, Routes.prototype.handler);
    await expect(app.get(CurrentUsers).load(context)).rejects.toBeInstanceOf(ClerkAuthNotPopulatedError);
  });

  it('returns true for a @SkipAuth() handler without reading credentials or target', async () => {
    class Skipped {
      @SkipAuth() handler() {}
    }
    expect(call(Skipped, { authorization: 'Bearer x' }, '//evil.example/')).toBe(true);
  });

  it.each<[string, MethodDecorator]>([
    ['@SkipAuth()', SkipAuth()],
    ['@Public()', Public()],
  ])(
    'denies calls to a %s handler with an unknown token type, although the audit has not seen it',
    async (_name, open) => {
      class Late {
        @open @AcceptsToken('nonsense' as never) handler() {}
      }
      await expect(call(Late)).rejects.toMatchObject({ status: 500, code: 'invalid-policy' });
    },
  );
});
