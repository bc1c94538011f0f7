import { Controller, Get, type ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';

import { ClerkGuard, ClerkTransportError } from '../../lib/index.js';
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

  it('answers at once about a known caller', async () => {
    const token = await clerk.sessionToken();
    const call = () => {
      const request = { headers: { authorization: `Bearer ${token}`, host: 'localhost' }, url: '/', method: 'GET' };
      return app.get(ClerkGuard).canActivate(new ExecutionContextHost([request, {}], Routes, Routes.prototype.handler));
    };
    expect(await call()).toBe(true);
    expect(call()).toBe(true);
  });
});
