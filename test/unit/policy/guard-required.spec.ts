import { HttpException, Logger, type ExecutionContext } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { GUARD_PRESENCE, GuardRequired, type GuardPresence } from '../../../lib/policy/guard-required.js';

class Invoices {
  list() {}
  create() {}
}

const contextOf = (name: keyof Invoices) =>
  ({ getClass: () => Invoices, getHandler: () => Invoices.prototype[name] }) as unknown as ExecutionContext;

describe('GuardRequired', () => {
  let logged: string[];
  beforeEach(() => {
    logged = [];
    jest.spyOn(Logger.prototype, 'error').mockImplementation((message: unknown) => void logged.push(String(message)));
  });
  afterEach(() => jest.restoreAllMocks());

  /** As Nest finds it among all modules, or not. */
  function required(presence?: GuardPresence): GuardRequired {
    const get = jest.fn((token: unknown, options: unknown) => {
      expect([token, options]).toEqual([GUARD_PRESENCE, { strict: false }]);
      if (!presence) throw new Error('there is none');
      return presence;
    });
    return new GuardRequired({ get } as unknown as ModuleRef);
  }
  const deniedBy = (guard: GuardRequired, name: keyof Invoices = 'list'): unknown => {
    try {
      return guard.canActivate(contextOf(name));
    } catch (error) {
      return (error as HttpException).getResponse();
    }
  };
  const MISCONFIGURED = { statusCode: 500, code: 'invalid-policy', message: 'This route is misconfigured.' };

  it('allows calls that ClerkGuard guards', () => {
    const isGuarded = jest.fn(() => true);
    const guard = required({ isGuarded });
    guard.onModuleInit();
    const context = contextOf('list');
    expect(guard.canActivate(context)).toBe(true);
    expect(isGuarded).toHaveBeenCalledWith(context);
    expect(logged).toEqual([]);
  });

  it('denies calls that no ClerkGuard guards with 500, and logs each handler once', () => {
    const guard = required({ isGuarded: () => false });
    expect(deniedBy(guard)).toMatchObject(MISCONFIGURED);
    expect(deniedBy(guard)).toMatchObject(MISCONFIGURED);
    expect(deniedBy(guard, 'create')).toMatchObject(MISCONFIGURED);
    expect(logged).toEqual([
      expect.stringMatching(/^Invoices\.list: denied 500: .*inheritAppConfig: true/),
      expect.stringMatching(/^Invoices\.create: denied 500: /),
    ]);
  });

  it('stops the boot and denies every call with 500 if ClerkModule is not imported', () => {
    const guard = required();
    expect(() => guard.onModuleInit()).toThrow(expect.objectContaining({ code: 'invalid-policy' }));
    expect(deniedBy(guard)).toMatchObject(MISCONFIGURED);
    expect(logged).toEqual([expect.stringContaining('add ClerkModule.forRoot() to the imports of the root module')]);
  });
});
