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

  it.each(['necord', ''])('denies a call over "%s", which no adapter knows', async (type) => {
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

  /** Calls the guard as Nest does, for classes that Nest may never have seen. */
  function call(type: new () => { handler(): void }, headers: Record<string, string> = {}, url = '/') {
    const request = { headers: { host: 'localhost', ...headers }, url, method: 'GET' };
    // As Express and Fastify have it, of either Nest.
    const response = Object.assign(new ServerResponse(request as never), { set() {}, header() {} });
    const context = new ExecutionContextHost([request, response], type, type.prototype.handler);
    return app.get(ClerkGuard).canActivate(context);
  }

  it('answers at once about a known caller', async () => {
    const authorization = `Bearer ${await clerk.sessionToken()}`;
    expect(await call(Routes, { authorization })).toBe(true);
    expect(call(Routes, { authorization })).toBe(true);
  });

  it('refuses at once what is no request to this server', () => {
    expect(() => call(Routes, {}, '//evil.example/')).toThrow(ClerkBadRequestException);
  });

  it('has no user for a call that nobody looked at', async () => {
    const context = new ExecutionContextHost([{ headers: {} }, {}], Routes, Routes.prototype.handler);
    await expect(app.get(CurrentUsers).load(context)).rejects.toBeInstanceOf(ClerkAuthNotPopulatedError);
  });

  it('does not even look at a handler’s callers where it skips authentication', async () => {
    class Skipped {
      @SkipAuth() handler() {}
    }
    expect(call(Skipped, { authorization: 'Bearer x' }, '//evil.example/')).toBe(true);
  });

  it.each([SkipAuth(), Public()])(
    'denies a misconfigured handler that demands nothing of its callers, though no audit has seen it',
    async (open) => {
      class Late {
        @open @AcceptsToken('nonsense' as never) handler() {}
      }
      await expect(call(Late)).rejects.toMatchObject({ status: 500, code: 'invalid-policy' });
    },
  );
});
