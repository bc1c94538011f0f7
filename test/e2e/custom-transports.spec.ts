/** Tests custom transports: adapters of the application, with the guard run by Nest. */
import { Controller, Get, Injectable, SetMetadata, type ExecutionContext, type Type } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';

import {
  AcceptsToken,
  Auth,
  ClerkProtectionMap,
  ClerkTransportError,
  CurrentUser,
  Public,
  RequirePermission,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
  type Denial,
  type TransportAdapter,
  type User,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

/** The second argument that the bot framework of these tests passes to handlers. */
interface Update {
  readonly session?: unknown;
  readonly text?: string;
}

@Controller()
@Injectable()
class Bot {
  @Get('default') default(@Auth() auth: AuthObject) {
    return auth;
  }
  @Public() @Get('public') public(@Auth() auth: AuthObject) {
    return auth;
  }
  @RequirePermission('org:invoices:create') @Get('permission') permission() {}
  @AcceptsToken('m2m_token') @Get('m2m') m2m(@Auth() auth: AuthObject) {
    return auth;
  }
  @SkipAuth() @Get('skip') skip() {
    return { isAuthenticated: null };
  }
  @Get('bare') bare(client: unknown, _update: Update, { style = 'default' } = {}) {
    return [client, 'text', style];
  }
  @Get('me') me(@CurrentUser() user: User) {
    return user.id;
  }
}

class BotError extends Error {
  constructor(readonly denial: Denial) {
    super(denial.message);
  }
}

/** An adapter that is an instance of a class, so its methods are on the prototype. */
class BotAdapter implements TransportAdapter {
  call(context: ExecutionContext) {
    return context.getArgByIndex<Update>(1);
  }
  credentials(context: ExecutionContext) {
    return context.getArgByIndex<Update>(1).session as string;
  }
  deny(_: ExecutionContext, denial: Denial) {
    return new BotError(denial);
  }
}

/** Handlers that only a bot calls, which marks them with metadata. */
const OnUpdate = (name: string) => SetMetadata('bot:update', name);

@Injectable()
class Updates {
  @OnUpdate('greet') @RequirePermission('org:bots:greet') greet(@Auth('userId') userId: string) {
    return userId;
  }
  @OnUpdate('ping') @SkipAuth() ping() {
    return 'pong';
  }
  @OnUpdate('help') help() {
    return 'help';
  }
}

@Injectable()
class Pings {
  @SkipAuth() ping() {
    return 'pong';
  }
}

describe.each(PLATFORMS)('calls over a custom transport, in an application on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp | undefined;
  beforeAll(async () => void (clerk = await LocalClerk.start()));
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => clerk?.stop());

  async function start(options: Partial<ClerkModuleOptions>, ...providers: Type[]): Promise<void> {
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    app = await TestApp.on(platform)
      .clerk({ publishableKey, secretKey, apiUrl, telemetry, ...options })
      .controllers(Bot)
      .providers(...providers)
      .start();
  }

  /** Calls a handler as other frameworks do: Nest runs guards, pipes and interceptors before it. */
  async function call(
    name: keyof Bot & string,
    update: Update = {},
    type = 'bot',
    client: unknown = 'shared client',
  ): Promise<any> {
    const bot = app!.get(Bot as Type<Bot>);
    return callOn(bot, name, bot[name], update, type, client);
  }

  /** @param handler The function that the framework calls: the method, or a copy of it. */
  async function callOn(
    bot: object,
    name: string,
    handler: unknown,
    update: Update,
    type = 'bot',
    client: unknown = 'shared client',
  ): Promise<any> {
    const creator = app!.nest.get(ExternalContextCreator, { strict: false });
    const parameters = { exchangeKeyForValue: () => undefined };
    const all = { guards: true, interceptors: true, filters: false };
    const handle = creator.create(
      ...([
        bot,
        handler,
        name,
        '__routeArguments__',
        parameters,
        undefined,
        undefined,
        all,
        type,
      ] as unknown as Parameters<typeof creator.create>),
    );
    return handle(client, update).catch((error: unknown) => ({ error }));
  }

  it('are denied without an adapter, and the error says how to register one', async () => {
    await start({});
    for (const name of ['default', 'public', 'permission'] as const) {
      const { error } = await call(name, { session: await clerk.sessionToken() });
      expect(error).toBeInstanceOf(ClerkTransportError);
      expect(error.message).toContain('transports: { "bot": { call, credentials } }');
    }
  });

  it('run without an adapter if the handler has @SkipAuth()', async () => {
    await start({}, Pings);
    expect(await call('skip')).toEqual({ isAuthenticated: null });
    const pings = app!.get(Pings);
    expect(await callOn(pings, 'ping', pings.ping, {})).toBe('pong');
  });

  it('run without credentials if transports skips their type', async () => {
    await start({ transports: { bot: 'skip' } });
    expect(await call('skip')).toEqual({ isAuthenticated: null });
    expect(await call('bare')).toEqual(['shared client', 'text', 'default']);
  });

  it.each(['permission', 'm2m', 'default'] as const)(
    'are denied with 500 to the handler %s, which needs a caller, if transports skips their type',
    async (name) => {
      await start({ transports: { bot: 'skip' } });
      const { error } = await call(name, { session: await clerk.sessionToken() });
      expect(error.getStatus()).toBe(500);
      expect(error.getResponse()).toMatchObject({ code: 'invalid-policy' });
      expect(app!.logger.ofGuard('error').join()).toContain(`Bot.${name}: denied 500 (invalid-policy)`);
    },
  );

  describe('to handlers whose metadata the adapter names', () => {
    const withHandlers = () => Object.assign(new BotAdapter(), { handlers: ['bot:update'] });

    it('are authorized by the decorators of the handler', async () => {
      await start({ transports: { bot: withHandlers() } }, Updates);
      const updates = app!.get(Updates);
      const [user, organization] = [clerk.createUser(), clerk.createOrganization()];
      const permitted = await clerk.sessionToken({ user, organization, permissions: ['org:bots:greet'] });
      const other = await clerk.sessionToken({ user });

      expect(await callOn(updates, 'greet', updates.greet, { session: permitted })).toBe(user.id);
      expect(await callOn(updates, 'ping', updates.ping, {})).toBe('pong');
      expect((await callOn(updates, 'greet', updates.greet, { session: other })).error.denial).toMatchObject({
        status: 403,
      });
      expect((await callOn(updates, 'help', updates.help, {})).error.denial).toMatchObject({ status: 401 });
    });

    it('are listed in the protection map, after those of built-in transports', async () => {
      await start({ transports: { bot: withHandlers() } }, Updates);
      const rows = app!.get(ClerkProtectionMap).routes();
      const ofBot = rows.filter(({ transport }) => transport === 'bot');
      expect(ofBot.map(({ method, path, protection }) => [method, path, protection])).toEqual([
        ['handler', 'Updates.greet', 'strict'],
        ['handler', 'Updates.help', 'strict'],
        ['handler', 'Updates.ping', 'skip'],
      ]);
      expect(rows.slice(-3)).toEqual(ofBot);
    });

    it('fail the boot for a contradiction in the decorators', async () => {
      @Injectable()
      class Contradictory {
        @OnUpdate('greet') @Public() @RequirePermission('org:bots:greet') greet() {}
      }
      await expect(start({ transports: { bot: withHandlers() } }, Contradictory)).rejects.toThrow(
        /Contradictory\.greet: .*@Public\(\)/,
      );
    });

    it('fail the boot for a handler that no guard protects', async () => {
      await expect(start({ transports: { bot: withHandlers() }, guard: false } as never, Updates)).rejects.toThrow(
        /Updates\.greet: no guard runs before it/,
      );
    });

    it('fail the boot if the adapter does not name the metadata', async () => {
      await expect(start({ transports: { bot: new BotAdapter() } }, Updates)).rejects.toThrow(
        /Updates\.greet: is decorated, .* transports: \{ type: \{ call, credentials, handlers \} \}/,
      );
    });
  });

  it('are authenticated and authorized like any other call with an adapter', async () => {
    await start({ transports: { bot: new BotAdapter() } });
    const user = clerk.createUser();
    const session = await clerk.sessionToken({ user });
    const { token } = await clerk.createM2MToken({ machine: clerk.createMachine() });

    expect(await call('default', { session })).toMatchObject({ isAuthenticated: true, userId: user.id });
    expect(await call('default', { session: `Bearer ${session}` })).toMatchObject({ userId: user.id });
    expect(await call('public')).toMatchObject({ isAuthenticated: false });
    expect(await call('skip')).toEqual({ isAuthenticated: null });
    expect(await call('me', { session })).toBe(user.id);
    expect(await call('m2m', { session: token })).toMatchObject({ isAuthenticated: true });

    const denials = [
      ['default', {}, 401, 'authentication-required'],
      ['default', { session: 'garbage' }, 401, 'token-invalid'],
      ['default', { session: token }, 401, 'token-invalid'],
      ['m2m', { session }, 401, 'token-invalid'],
      ['permission', { session }, 403, 'insufficient-permissions'],
      ['default', { session: 7 }, 400, 'malformed-request'],
      ['default', { session: 'a\nb' }, 400, 'malformed-request'],
    ] as const;
    for (const [name, update, status, code] of denials) {
      const { error } = await call(name, update);
      expect(error).toBeInstanceOf(BotError);
      expect(error.denial).toMatchObject({ status, code });
    }
  });

  it('never see the caller of a concurrent call', async () => {
    await start({ transports: { bot: new BotAdapter() } });
    const users = Array.from({ length: 5 }, () => clerk.createUser());
    const sessions = await Promise.all(users.map((user) => clerk.sessionToken({ user })));
    const seen = await Promise.all(sessions.map((session) => call('default', { session })));
    expect(seen.map(({ userId }) => userId)).toEqual(users.map(({ id }) => id));
  });

  it('reach a copy of a handler whose class has no decorated methods, but only with credentials', async () => {
    @Injectable()
    class Consumer {
      consume() {
        return 'consumed';
      }
    }
    await start({ transports: { bot: new BotAdapter() } }, Consumer);
    const consumer = app!.get(Consumer);
    const copy = consumer.consume.bind(consumer);
    expect(await callOn(consumer, 'consume', copy, { session: await clerk.sessionToken() })).toBe('consumed');
    expect((await callOn(consumer, 'consume', copy, {})).error.denial).toMatchObject({ status: 401 });
  });

  it('are denied with 500 for a copy of a handler whose class has decorated methods', async () => {
    await start({ transports: { bot: new BotAdapter() } });
    const bot = app!.get(Bot as Type<Bot>);
    const session = await clerk.sessionToken();
    for (const name of ['public', 'default', 'permission'] as const) {
      const { error } = await callOn(bot, name, bot[name].bind(bot), { session });
      expect(error.denial).toMatchObject({ status: 500, code: 'invalid-policy' });
    }
  });

  it('never see the caller of another call if the adapter’s call() returns an object that all calls share', async () => {
    const { credentials } = new BotAdapter();
    for (const client of [{}, Object.freeze({}), Object.create(null) as object, new Proxy({}, {})]) {
      await start({ transports: { bot: { call: (context) => context.getArgByIndex<object>(0), credentials } } });
      const users = [clerk.createUser(), clerk.createUser()];
      for (const user of users) {
        const session = await clerk.sessionToken({ user });
        expect(await call('default', { session }, 'bot', client)).toMatchObject({ userId: user.id });
        expect(await call('me', { session }, 'bot', client)).toBe(user.id);
      }
      expect((await call('default', {}, 'bot', client)).error.getStatus()).toBe(401);
      expect(await call('public', {}, 'bot', client)).toMatchObject({ isAuthenticated: false });
      await app!.close();
    }
    app = undefined;
  });

  it('pass the arguments of the framework to a handler without parameter decorators', async () => {
    await start({ transports: { bot: new BotAdapter() } });
    expect(await call('bare', { session: await clerk.sessionToken() })).toEqual(['shared client', 'text', 'default']);
  });

  it('are authenticated by cookies if the adapter returns them as credentials', async () => {
    const cookie = await clerk.browserCookies();
    await start({ transports: { bot: { call: new BotAdapter().call, credentials: () => ({ cookie }) } } });
    expect(await call('default')).toMatchObject({ isAuthenticated: true });
  });

  it('are denied with HTTP exceptions, unless onError returns an error', async () => {
    const { call: callOf, credentials } = new BotAdapter();
    await start({ transports: { bot: { call: callOf, credentials } } });
    expect((await call('default')).error.getResponse()).toMatchObject({
      statusCode: 401,
      code: 'authentication-required',
    });
    await app!.close();
    const onError = () => Object.assign(new Error('no'), { statusCode: 418 });
    await start({ transports: { bot: { call: callOf, credentials } }, onError });
    expect((await call('default')).error.getStatus()).toBe(418);
    await app!.close();
    await start({ transports: { bot: new BotAdapter() }, onError: () => new RangeError('mine') });
    expect((await call('default')).error).toBeInstanceOf(RangeError);
  });

  it('are denied if the adapter’s call() returns an unrelated object, or credentials() throws', async () => {
    const { credentials } = new BotAdapter();
    await start({ transports: { bot: { call: () => ({}), credentials } } });
    expect((await call('public')).error).toMatchObject({
      code: 'unknown-transport',
      message: expect.stringContaining('transports.bot.call(context)'),
    });
    await app!.close();
    const broken = () => {
      throw new Error('no session');
    };
    await start({ transports: { bot: { call: new BotAdapter().call, credentials: broken } } });
    expect((await call('public')).error.getResponse()).toMatchObject({ code: 'invalid-configuration' });
    expect(app!.logger.ofGuard('error').join()).toContain('transports.bot.credentials threw');
  });

  it.each([
    ['an adapter for HTTP, which is built in', { http: new BotAdapter() }],
    ['an adapter for GraphQL, which is built in', { graphql: new BotAdapter() }],
    ['an adapter for microservices, which are built in', { rpc: new BotAdapter() }],
    ['an adapter for gateways, which are built in', { ws: new BotAdapter() }],
    ['an adapter without credentials()', { bot: { call: () => ({}) } }],
    ['an adapter whose deny is not a function', { bot: { ...{ call: () => ({}), credentials: () => '' }, deny: 1 } }],
    ['skip for HTTP, which is built in', { http: 'skip' }],
    ['skip for gateways, which are built in', { ws: 'skip' }],
    ['an adapter whose handlers are not a list', { bot: Object.assign(new BotAdapter(), { handlers: 'key' }) }],
    ['a list of adapters', [new BotAdapter()]],
    ['null as an adapter', { bot: null }],
  ])('are rejected at boot if the option transports is %s', async (_name, transports) => {
    await expect(start({ transports: transports as never })).rejects.toMatchObject({ code: 'invalid-configuration' });
  });
});
