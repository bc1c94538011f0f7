/** Microservices: which callers may call which message handlers, over TCP and over a broker. */
import { Controller, Get, UseGuards, type ExecutionContext, type INestMicroservice } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException, type BaseRpcContext } from '@nestjs/microservices';

import {
  AcceptsToken,
  AllowPendingSession,
  Auth,
  ClerkClientService,
  ClerkGuard,
  ClerkModule,
  CurrentUser,
  getAuth,
  Public,
  RequireAuth,
  RequirePermission,
  RequireReverification,
  RequireScope,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
  type User,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { Caller, describeOverWires, startMicroservice, type Message, type Wire } from '../support/microservices.js';
import { PLATFORMS } from '../support/platforms.js';
import { freePort } from '../support/redis.js';
import type { RecordingLogger } from '../support/recording-logger.js';
import { TestApp } from '../support/test-app.js';
import { describeTruthTable, FRONTEND, PERMISSION, ROUTES, type Ask } from '../support/truth-table.js';

const SCOPE = 'mch_receiver';

/** The event handlers that ran, and whether their caller was authenticated. */
const handled: [handler: string, isAuthenticated: boolean | null][] = [];

@Controller()
class Messages {
  @MessagePattern('default') default(@Auth() auth: AuthObject) {
    return auth;
  }
  @RequireAuth() @MessagePattern('require-auth') requireAuth(@Auth() auth: AuthObject) {
    return auth;
  }
  @Public() @MessagePattern('public') public(@Auth() auth: AuthObject) {
    return auth;
  }
  @AcceptsToken('api_key') @MessagePattern('api-key') apiKey(@Auth() auth: AuthObject) {
    return auth;
  }
  @Public() @AcceptsToken('api_key') @MessagePattern('public-api-key') publicApiKey(@Auth() auth: AuthObject) {
    return auth;
  }
  @RequirePermission(PERMISSION) @MessagePattern('permission') permission(@Auth() auth: AuthObject) {
    return auth;
  }
  @AcceptsToken('m2m_token') @MessagePattern('m2m') m2m(@Auth() auth: AuthObject) {
    return auth;
  }
  @AcceptsToken('m2m_token') @RequireScope(SCOPE) @MessagePattern('m2m-scope') scope(@Auth() auth: AuthObject) {
    return auth;
  }
  @AllowPendingSession() @MessagePattern('pending') pending(@Auth() auth: AuthObject) {
    return auth;
  }
  @SkipAuth() @MessagePattern('skip-auth') skipAuth() {
    return { isAuthenticated: null };
  }
  @RequireReverification('strict') @MessagePattern('reverification') reverification() {}
  @MessagePattern('me') me(@CurrentUser() user: User) {
    return user.id;
  }
  @EventPattern('told') told(@Auth() auth: AuthObject) {
    handled.push(['told', auth.isAuthenticated]);
  }
  @Public() @EventPattern('told-public') toldPublic(@Auth() auth: AuthObject) {
    handled.push(['told-public', auth.isAuthenticated]);
  }
  // Nest runs all handlers of an event at once, on one context object.
  @EventPattern('shared') async shared(@Auth() auth: AuthObject) {
    handled.push(['shared', auth.isAuthenticated]);
  }
  @Public() @AcceptsToken('api_key') @EventPattern('shared') sharedToo(@Auth() auth: AuthObject) {
    handled.push([`shared ${auth.tokenType}`, auth.isAuthenticated]);
  }
  @SkipAuth() @EventPattern('shared') sharedSkip(@Payload() _: unknown) {
    handled.push(['shared skip', null]);
  }
  @SkipAuth() @EventPattern('end') end(@Payload() _: unknown) {
    ended?.();
  }
}
let ended: (() => void) | undefined;

/** The `rpc.credentials` of the application under test: a field of the metadata, which is sent beside the payload. */
function credentials(context: ExecutionContext) {
  const { authorization } = context.switchToRpc().getContext<MetadataContext>().getMetadata() ?? {};
  return authorization;
}
type MetadataContext = BaseRpcContext & { getMetadata(): { authorization?: string } | undefined };

const with_ = (token: string): Message => ({ metadata: { authorization: `Bearer ${token}` } });
/** Patterns for what is not in the truth table of all transports: scopes, pending sessions and events. */
const PATTERNS = ['default', 'public', 'm2m', 'm2m-scope', 'pending'] as const;
type Pattern = (typeof PATTERNS)[number];

/** A caller, the patterns that it passes signed in, and the code of the denial on the others. */
interface Identity {
  readonly message: (clerk: LocalClerk) => Promise<Message> | Message;
  readonly passes: readonly Pattern[];
  /** The codes of patterns that differ from `otherwise`. */
  readonly codes?: Readonly<Partial<Record<Pattern, string>>>;
  readonly otherwise?: string;
}
const IDENTITIES: Readonly<Record<string, Identity>> = {
  'no credentials': { message: () => ({}), passes: [], otherwise: 'authentication-required' },
  'an active session': {
    message: async (clerk) => with_(await clerk.sessionToken()),
    passes: ['default', 'public', 'pending'],
  },
  'a pending session': {
    message: async (clerk) => with_(await clerk.sessionToken({ sessionStatus: 'pending' })),
    passes: ['pending'],
    codes: { default: 'session-pending' },
  },
  'an M2M token': {
    message: async (clerk) => with_((await clerk.createM2MToken({ machine: clerk.createMachine() })).token),
    passes: ['m2m'],
    codes: { 'm2m-scope': 'insufficient-scope' },
  },
  'an M2M token with the scope': {
    message: async (clerk) => {
      const machine = clerk.createMachine();
      return with_((await clerk.createM2MToken({ machine, scopes: [SCOPE] })).token);
    },
    passes: ['m2m', 'm2m-scope'],
  },
};

const STATUS: Readonly<Record<string, number>> = {
  'authentication-required': 401,
  'token-expired': 401,
  'origin-not-allowed': 401,
  'token-invalid': 401,
  'session-pending': 401,
  'insufficient-permissions': 403,
  'insufficient-scope': 403,
  'clerk-unavailable': 503,
};

describeOverWires('a microservice', (startWire) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  let wire: Wire;
  let caller: Caller;
  let service: { nest: INestMicroservice; logger: RecordingLogger } | undefined;

  beforeAll(async () => {
    [clerk, other, wire] = await Promise.all([LocalClerk.start(), LocalClerk.start(), startWire()]);
  });
  afterAll(async () => {
    await service?.nest.close();
    await caller?.close();
    await Promise.all([clerk?.stop(), other?.stop(), wire?.stop()]);
  });

  async function restart(options: ClerkModuleOptions): Promise<RecordingLogger> {
    await Promise.all([service?.nest.close(), caller?.close()]);
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const all = { publishableKey, secretKey, apiUrl, telemetry, ...options };
    service = await startMicroservice({ imports: [ClerkModule.forRoot(all)], controllers: [Messages] }, wire);
    caller = new Caller(wire);
    return service.logger;
  }

  /** Returns the events handled while `act` runs. Events have no response, so it then waits for an event of its own. */
  async function eventsDuring(act: () => Promise<void>): Promise<typeof handled> {
    handled.length = 0;
    await act();
    // A handler runs once its credentials are verified, which may take another call to Clerk.
    await new Promise<void>((resolve) => setTimeout(resolve, 150));
    const end = new Promise<void>((resolve) => (ended = resolve));
    await caller.emit('end');
    await end;
    return [...handled];
  }

  describe('truth table:', () => {
    beforeAll(() => restart({ rpc: { credentials }, authorizedParties: [FRONTEND] }));

    const ask: Ask = async (route, headers) => {
      const { error, isAuthenticated } = await caller.send(route, { metadata: headers });
      if (!error) return { isAuthenticated };
      const { code } = error;
      expect(error).toEqual({ status: 'error', statusCode: STATUS[code], code, message: expect.any(String) });
      return { code };
    };
    describeTruthTable(() => ({ clerk, other }), ask, { cookies: false });
  });

  describe('called with', () => {
    beforeAll(() => restart({ rpc: { credentials } }));

    describe.each(Object.keys(IDENTITIES))('%s', (name) => {
      const { message, passes, codes, otherwise = 'token-invalid' } = IDENTITIES[name]!;

      const cells = PATTERNS.map((pattern) => ({
        pattern,
        result:
          pattern === 'public' || passes.includes(pattern)
            ? `passes ${passes.includes(pattern) ? 'signed in' : 'signed out'}`
            : `is denied (${codes?.[pattern] ?? otherwise})`,
      }));

      it.each(cells)('$result on the pattern $pattern', async ({ pattern }) => {
        const { error, isAuthenticated } = await caller.send(pattern, await message(clerk));
        if (pattern === 'public' || passes.includes(pattern)) {
          return expect([error, isAuthenticated]).toEqual([undefined, passes.includes(pattern)]);
        }
        const code = codes?.[pattern] ?? otherwise;
        expect(error).toEqual({ status: 'error', statusCode: STATUS[code], code, message: expect.any(String) });
      });

      it('reaches the handler of an event only if it passes the pattern default, and always a public one', async () => {
        const sent = await message(clerk);
        const of = async (pattern: string) => eventsDuring(() => caller.emit(pattern, sent));
        expect(await of('told')).toEqual(passes.includes('default') ? [['told', true]] : []);
        expect(await of('told-public')).toEqual([['told-public', passes.includes('public')]]);
      });
    });

    it('an unverified M2M token returns 503 clerk-unavailable during an outage', async () => {
      const { token } = await clerk.createM2MToken({ machine: clerk.createMachine() });
      clerk.outage('refuse');
      const { error } = await caller.send('m2m', with_(token));
      clerk.recover();
      expect(error).toMatchObject({ status: 'error', statusCode: 503, code: 'clerk-unavailable' });
    });
  });

  describe('with rpc.credentials', () => {
    let logger: RecordingLogger;
    beforeAll(async () => void (logger = await restart({ rpc: { credentials } })));

    it('denies a handler with @RequireReverification() with Clerk’s reverification error', async () => {
      const token = await clerk.sessionToken({ factorVerificationAge: [600, -1] });
      const { error } = await caller.send('reverification', with_(token));
      expect(error).toMatchObject({
        ...{ status: 'error', statusCode: 403, code: 'reverification-required' },
        clerk_error: { type: 'forbidden', reason: 'reverification-error' },
      });
    });

    it('loads the user for @CurrentUser(), and returns 404 user-not-found for a deleted user', async () => {
      const user = clerk.createUser();
      expect(await caller.send('me', with_(await clerk.sessionToken({ user })))).toBe(user.id);
      const deleted = clerk.createUser();
      const token = await clerk.sessionToken({ user: deleted });
      await service!.nest.get(ClerkClientService).users.deleteUser(deleted.id);
      expect((await caller.send('me', with_(token))).error).toMatchObject({
        statusCode: 404,
        code: 'user-not-found',
      });
    });

    it('authenticates the caller for each handler of an event by its own policy', async () => {
      const sent = with_(await clerk.sessionToken());
      expect((await eventsDuring(() => caller.emit('shared', sent))).sort()).toEqual([
        ['shared api_key', false],
        ['shared skip', null],
        ['shared', true],
      ]);
    });

    it('logs a denied event without its token, and does not run the handler', async () => {
      logger.lines.length = 0;
      const token = await other.sessionToken();
      expect(await eventsDuring(() => caller.emit('told', with_(token)))).toEqual([]);
      expect(logger.ofGuard('debug').join()).toContain('Messages.told: denied 401 (token-invalid)');
      expect(logger.lines.join('\n')).not.toContain(token);
    });

    it.each([
      ['an object with an array', { authorization: ['x'] }],
      ['an array', ['Bearer x']],
      ['a number', 7],
      ['a string with a line break', 'Bearer x\r\ncookie: y'],
      ['a non-ASCII string', 'Bearer ü'],
      ['a nested object', { authorization: { authorization: 'x' } }],
    ])('denies %s in place of the token', async (_, authorization) => {
      for (const route of ['default', 'm2m']) {
        const { error } = await caller.send(route, { metadata: { authorization } });
        expect(['malformed-request', 'authentication-required']).toContain(error.code);
      }
    });
  });

  describe('given a token in the payload', () => {
    const PAYLOADS = (token: string): unknown[] => [
      { headers: { authorization: `Bearer ${token}` }, url: '/', method: 'GET' },
      { raw: { headers: { authorization: `Bearer ${token}` }, url: '/' }, headers: {}, url: '/' },
      { authorization: `Bearer ${token}` },
      { auth: { isAuthenticated: true, userId: 'user_1', tokenType: 'session_token' } },
      { cookies: { __session: token }, headers: { cookie: `__session=${token}; __client_uat=1; __clerk_db_jwt=d` } },
      { metadata: { authorization: `Bearer ${token}` } },
      { '@@nest-clerk:attached': { identity: { status: 'signed-in' } } },
      `Bearer ${token}`,
      [{ authorization: `Bearer ${token}` }],
      null,
    ];

    it.each([
      ['with rpc.credentials', { rpc: { credentials } }],
      ['without rpc.credentials', {}],
    ])('does not read it as credentials, %s', async (_, options) => {
      await restart(options);
      const token = await clerk.sessionToken();
      for (const data of PAYLOADS(token)) {
        for (const route of ['default', 'permission', 'm2m']) {
          const { error } = await caller.send(route, { data });
          expect(error).toMatchObject({ statusCode: 401, code: 'authentication-required' });
        }
        expect(await caller.send('public', { data })).toMatchObject({ isAuthenticated: false });
      }
      expect(await eventsDuring(() => caller.emit('told', { data: PAYLOADS(token)[0] }))).toEqual([]);
    });

    it('reads it as credentials only where rpc.credentials does', async () => {
      const envelope = (context: ExecutionContext) => context.switchToRpc().getData<{ token?: string }>().token;
      await restart({ rpc: { credentials: envelope } });
      const token = await clerk.sessionToken();
      expect(await caller.send('default', { data: { token } })).toMatchObject({ isAuthenticated: true });
      const beside = { data: { headers: { authorization: `Bearer ${token}` } }, metadata: { authorization: token } };
      expect((await caller.send('default', beside)).error.code).toBe('authentication-required');
    });
  });

  it('denies every protected handler without rpc.credentials, even with a valid token', async () => {
    await restart({});
    const sent = with_(await clerk.sessionToken());
    for (const route of ROUTES) {
      const { error, isAuthenticated } = await caller.send(route, sent);
      if (route.startsWith('public') || route === 'skip-auth') expect(isAuthenticated ?? false).toBe(false);
      else expect(error.code).toBe('authentication-required');
    }
  });

  it.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('no metadata');
      },
    ],
    ['returns a promise', (() => Promise.reject(new Error('too late'))) as () => never],
  ])('returns 500 invalid-configuration when rpc.credentials %s, on public handlers too', async (_, broken) => {
    const logger = await restart({ rpc: { credentials: broken } });
    const sent = with_(await clerk.sessionToken());
    for (const route of ['default', 'public'] as const) {
      expect((await caller.send(route, sent)).error).toMatchObject({ statusCode: 500, code: 'invalid-configuration' });
    }
    expect(await eventsDuring(() => caller.emit('told-public', sent))).toEqual([]);
    expect(await caller.send('skip-auth')).toEqual({ isAuthenticated: null });
    expect(logger.ofGuard('error').join()).toContain('rpc.credentials');
  });

  it('sends the plain Error or RpcException that onError returns', async () => {
    const errors: Record<string, Error> = {
      plain: Object.assign(new Error('come back later'), { statusCode: 418, data: { hint: 1 } }),
      rpc: new RpcException({ own: true }),
    };
    let which = 'plain';
    const authenticated: (boolean | undefined)[] = [];
    await restart({
      rpc: { credentials },
      onError: (_error, context) => {
        authenticated.push(getAuth(context).isAuthenticated);
        return errors[which];
      },
    });
    expect((await caller.send('default')).error).toEqual({
      ...{ status: 'error', statusCode: 418, message: 'come back later', code: 'authentication-required' },
      data: { hint: 1 },
    });
    which = 'rpc';
    expect((await caller.send('default')).error).toEqual({ own: true });
    expect(authenticated).toEqual([false, false]);
  });

  it('calls resolveOptions once per message, with the context of the transport', async () => {
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const metadata: unknown[] = [];
    await restart({
      rpc: { credentials },
      ...{ publishableKey: undefined, secretKey: undefined },
      resolveOptions: (context: MetadataContext) => {
        metadata.push(context.getMetadata());
        return { publishableKey, secretKey, apiUrl, telemetry };
      },
    });
    const user = clerk.createUser();
    const sent = with_(await clerk.sessionToken({ user }));
    expect(await caller.send('me', sent)).toBe(user.id);
    expect(metadata).toEqual([sent.metadata]);
  });
});

@Controller()
class Hybrid {
  @Get('http') @MessagePattern('both') both(@Auth('userId') userId: string) {
    return { userId };
  }
  @MessagePattern('careless') careless() {
    return 'open';
  }
  @UseGuards(ClerkGuard) @MessagePattern('careful') careful(@Ctx() _: unknown, @Auth('userId') userId: string) {
    return { userId };
  }
}

describe.each(PLATFORMS)('a hybrid application on %s', (_, platform) => {
  let clerk: LocalClerk;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => void (clerk = await LocalClerk.start()));
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => clerk?.stop());

  async function start(inheritAppConfig: boolean) {
    const port = await freePort();
    const wire = {
      options: { transport: 0, options: { host: '127.0.0.1', port } },
      stop: async () => undefined,
    } as Wire;
    const app = await TestApp.on(platform)
      .clerk({ ...clerk.options, rpc: { credentials } })
      .controllers(Hybrid)
      .before(async (nest) => {
        nest.connectMicroservice(wire.options, { inheritAppConfig });
        await nest.startAllMicroservices();
      })
      .start();
    const caller = new Caller(wire);
    closing.push(
      () => app.close(),
      () => caller.close(),
    );
    return { app, caller };
  }

  it('guards HTTP routes and message handlers with inheritAppConfig: true', async () => {
    const { app, caller } = await start(true);
    const user = clerk.createUser();
    const token = await clerk.sessionToken({ user });
    expect((await app.withToken('/http', token)).body).toEqual({ userId: user.id });
    expect((await app.send('/http')).status).toBe(401);
    expect(await caller.send('both', with_(token))).toEqual({ userId: user.id });
    for (const pattern of ['both', 'careless', 'careful']) {
      expect((await caller.send(pattern)).error).toMatchObject({ statusCode: 401, code: 'authentication-required' });
    }
  });

  it('guards only HTTP routes and message handlers with @UseGuards(ClerkGuard) with inheritAppConfig: false', async () => {
    const { app, caller } = await start(false);
    const user = clerk.createUser();
    const token = await clerk.sessionToken({ user });
    expect((await app.send('/http')).status).toBe(401);
    expect(await caller.send('careless')).toBe('open');
    // @Auth() throws, since credentials were not checked: it fails closed.
    expect((await caller.send('both', with_(token))).error).toMatchObject({ message: 'Internal server error' });
    expect((await caller.send('careful')).error).toMatchObject({ statusCode: 401 });
    expect(await caller.send('careful', with_(token))).toEqual({ userId: user.id });
  });
});
