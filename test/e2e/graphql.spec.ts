import {
  Injectable,
  UnprocessableEntityException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import {
  Args,
  Context,
  Field,
  GqlExecutionContext,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import type { User } from '@clerk/backend';
import { isReverificationHint } from '@clerk/shared/authorization-errors';

import { AUTHENTICATOR } from '../../lib/authentication/lanes/authenticator.js';
import {
  AcceptsToken,
  AllowPendingSession,
  Auth,
  ClerkClientService,
  CurrentUser,
  getAuth,
  Public,
  RedirectToSignIn,
  RequireAuth,
  RequirePermission,
  RequireReverification,
  SkipAuth,
  type AuthObject,
} from '../../lib/index.js';
import { LocalClerk, protectionMap } from '../../lib/testing/index.js';
import { GRAPHQL_DRIVERS, query, subscribe } from '../support/graphql.js';
import { TestApp } from '../support/test-app.js';
import { describeTruthTable, FRONTEND, PERMISSION, type Ask } from '../support/truth-table.js';

const describeAuth = (auth: AuthObject) => `${auth.tokenType} ${auth.isAuthenticated ? 'in' : 'out'}`;

@ObjectType()
class Invoice {
  @Field(() => String) id!: string;
}

@Resolver(() => Invoice)
class Invoices {
  @Query(() => String) strict(@Auth() auth: AuthObject) {
    return describeAuth(auth);
  }
  @Query(() => String) @RequireAuth() requireAuth(@Auth() auth: AuthObject) {
    return describeAuth(auth);
  }
  @Query(() => String) @Public() public(@Auth() auth: AuthObject) {
    return describeAuth(auth);
  }
  @Query(() => String) @RequirePermission(PERMISSION) permission(@Auth() auth: AuthObject) {
    return describeAuth(auth);
  }
  @Query(() => String) @AcceptsToken('api_key') apiKey(@Auth() auth: AuthObject) {
    return describeAuth(auth);
  }
  @Query(() => String) @AcceptsToken('api_key') @Public() publicApiKey(@Auth() auth: AuthObject) {
    return describeAuth(auth);
  }
  @Query(() => String) @SkipAuth() skipAuth() {
    return 'not checked';
  }
  @Query(() => String) @SkipAuth() getAuthAfterSkipAuth() {
    return 'never';
  }
  @Query(() => String) @AllowPendingSession() allowsPending(@Auth() auth: AuthObject) {
    return describeAuth(auth);
  }
  @Query(() => String) @RedirectToSignIn() page() {
    return 'page';
  }
  @Query(() => String) @RequireReverification('strict') fresh() {
    return 'fresh';
  }
  @Query(() => [String], { name: 'me' }) me(@CurrentUser() user: User, @CurrentUser() again: User) {
    return [user.id, again.id];
  }
  @Query(() => [String]) seen(@Context() context: { seen: string[]; req: object }) {
    return [...context.seen, describeAuth(getAuth(context.req))];
  }
  @Query(() => String) echo(@Args('authorization') authorization: string) {
    return authorization;
  }
  @Mutation(() => String) @RequirePermission(PERMISSION) create(@Auth('userId') userId: string) {
    return userId;
  }
  @Query(() => [Invoice]) @Public() invoices() {
    return Array.from({ length: 50 }, (_, id) => ({ id: String(id) }));
  }
  @ResolveField(() => String) owner(@Parent() invoice: Invoice, @Auth('userId') userId: string) {
    return `${userId} ${invoice.id}`;
  }
  @Subscription(() => String) ticks(@Auth('userId') userId: string) {
    return (async function* () {
      yield { ticks: userId };
      yield { ticks: userId };
    })();
  }
  @Subscription(() => Invoice) paid() {
    return (async function* () {
      yield { paid: { id: '1' } };
      yield { paid: { id: '2' } };
    })();
  }
}

/** Reads the auth object in both ways that an interceptor can. */
@Injectable()
class Listener implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    if (context.getHandler().name === 'getAuthAfterSkipAuth') getAuth(context);
    if (context.getHandler().name === 'seen') {
      const graphql = GqlExecutionContext.create(context);
      graphql.getContext<{ seen: string[] }>().seen = [describeAuth(getAuth(context)), describeAuth(getAuth(graphql))];
    }
    return next.handle();
  }
}

const bearer = async (token: string | Promise<string>) => ({ authorization: `Bearer ${await token}` });

const WAYS = {
  HTTP: (app: TestApp, operation: string, credentials: object) =>
    query(app, operation, credentials as Record<string, string>),
  'a WebSocket': async (app: TestApp, operation: string, credentials: object) =>
    (await subscribe(app, operation, { ...credentials }))[0]!,
};

describe.each(GRAPHQL_DRIVERS)('the truth table of GraphQL with %s', (_, platform, graphql) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
    app = await TestApp.on(platform)
      .imports(graphql())
      .providers(Invoices)
      .clerk({ ...clerk.options, authorizedParties: [FRONTEND] })
      .start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop(), other?.stop()]));

  describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('over %s', (way) => {
    const ask: Ask = async (route, headers) => {
      const field = route === 'default' ? 'strict' : route.replace(/-./g, ([, letter]) => letter!.toUpperCase());
      const { data, errors } = await WAYS[way](app, `{ ${field} }`, headers);
      if (!errors) return { isAuthenticated: data[field] === 'not checked' ? null : data[field].endsWith(' in') };
      const { code, clerkCode } = errors[0]!.extensions;
      expect(code).toBe(clerkCode === 'insufficient-permissions' ? 'FORBIDDEN' : 'UNAUTHENTICATED');
      return { code: clerkCode };
    };
    // On a WebSocket, credentials are in the connection's parameters, where a cookie is ignored.
    describeTruthTable(() => ({ clerk, other }), ask, { cookies: way === 'HTTP' });

    it('accepts a token without the Bearer scheme', async () => {
      const bare = { Authorization: await clerk.sessionToken({ authorizedParty: FRONTEND }) };
      expect((await WAYS[way](app, '{ strict }', bare)).data).toEqual({ strict: 'session_token in' });
    });
  });
});

describe.each(GRAPHQL_DRIVERS)('GraphQL with %s', (_, platform, graphql) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  let app: TestApp;
  const onErrorResult: { error?: Error } = {};

  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
    app = await TestApp.on(platform)
      .imports(graphql({ fieldResolverEnhancers: ['guards'] }))
      .providers(Invoices, { provide: APP_INTERCEPTOR, useClass: Listener })
      .clerk({ ...clerk.options, timeoutInMs: 2_000, onError: () => onErrorResult.error })
      .start();
  });
  afterEach(() => {
    clerk.recover();
    delete onErrorResult.error;
    jest.restoreAllMocks();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop(), other?.stop()]));

  describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('over %s', (way) => {
    const ask = (operation: string, credentials: object) => WAYS[way](app, operation, credentials);

    it('returns SERVICE_UNAVAILABLE while Clerk is down, and data if the resolver is public', async () => {
      const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
      clerk.outage({ status: 500 }, '/api_keys');
      const { data, errors } = await ask('{ apiKey }', await bearer(secret));
      expect(data ?? null).toBeNull();
      expect(errors).toMatchObject([
        { extensions: { code: 'SERVICE_UNAVAILABLE', clerkCode: 'clerk-unavailable' }, path: ['apiKey'] },
      ]);
      expect(await ask('{ publicApiKey }', await bearer(secret))).toMatchObject({
        data: { publicApiKey: 'api_key out' },
      });
    });

    it('authenticates an operation once for any number of protected resolvers', async () => {
      const authenticate = jest.spyOn(app.nest.get(AUTHENTICATOR), 'authenticate');
      const fifty = (field: string) => `{ ${Array.from({ length: 50 }, (_, at) => `f${at}: ${field}`).join(' ')} }`;
      const { data } = await ask(fifty('strict'), await bearer(clerk.sessionToken()));
      expect(Object.values(data)).toEqual(Array(50).fill('session_token in'));
      expect(authenticate).toHaveBeenCalledTimes(1);

      const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
      const before = clerk.countRequests('/api_keys/verify');
      expect(Object.values((await ask(fifty('apiKey'), await bearer(secret))).data)).toHaveLength(50);
      expect(clerk.countRequests('/api_keys/verify') - before).toBe(1);
      expect(authenticate).toHaveBeenCalledTimes(2);
    });

    it('shows the caller to each concurrent resolver according to its own policy', async () => {
      const pending = await bearer(clerk.sessionToken({ sessionStatus: 'pending' }));
      const operation = '{ a: publicApiKey b: allowsPending c: public d: skipAuth e: allowsPending f: publicApiKey }';
      expect((await ask(operation, pending)).data).toEqual({
        a: 'api_key out',
        b: 'session_token in',
        c: 'session_token out',
        d: 'not checked',
        e: 'session_token in',
        f: 'api_key out',
      });
      const { errors } = await ask('{ public getAuthAfterSkipAuth }', pending);
      expect(errors).toMatchObject([{ path: ['getAuthAfterSkipAuth'] }]);
      expect(errors?.[0]?.message).toContain('There is no Clerk identity');
    });

    it('allows a mutation only to a caller with the permission', async () => {
      const user = clerk.createUser();
      const organization = clerk.createOrganization();
      const token = await clerk.sessionToken({ user, organization, permissions: [PERMISSION] });
      expect((await ask('mutation { create }', await bearer(token))).data).toEqual({ create: user.id });
      expect((await ask('mutation { create }', await bearer(clerk.sessionToken()))).errors).toMatchObject([
        { extensions: { code: 'FORBIDDEN' } },
      ]);
    });

    it('guards each field by itself, and authenticates once', async () => {
      const user = clerk.createUser();
      const authenticate = jest.spyOn(app.nest.get(AUTHENTICATOR), 'authenticate');
      const { data } = await ask('{ invoices { id owner } }', await bearer(clerk.sessionToken({ user })));
      expect(data.invoices).toHaveLength(50);
      expect(data.invoices[49]).toEqual({ id: '49', owner: `${user.id} 49` });
      expect(authenticate).toHaveBeenCalledTimes(1);

      expect((await ask('{ invoices { id } }', {})).data.invoices).toHaveLength(50);
      const { errors } = await ask('{ invoices { owner } }', {});
      expect(errors?.[0]).toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
      expect(String(errors?.[0]?.path)).toBe('invoices,0,owner');
    });

    it('loads the user of the caller once per operation', async () => {
      const user = clerk.createUser();
      const before = clerk.countRequests('/v1/users');
      const { data } = await ask('{ me again: me }', await bearer(clerk.sessionToken({ user })));
      expect(data).toEqual({ me: [user.id, user.id], again: [user.id, user.id] });
      expect(clerk.countRequests('/v1/users') - before).toBe(1);
    });

    it('returns NOT_FOUND if the user of the caller was deleted', async () => {
      const user = clerk.createUser();
      const credentials = await bearer(clerk.sessionToken({ user }));
      await app.get(ClerkClientService).users.deleteUser(user.id);
      const { errors } = await ask('{ me }', credentials);
      expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', clerkCode: 'user-not-found' } }]);
    });

    it('asks for reverification in the format of Clerk’s frontend SDKs', async () => {
      const stale = await bearer(clerk.sessionToken({ factorVerificationAge: [100, 100] }));
      const { extensions } = (await ask('{ fresh }', stale)).errors![0]!;
      expect(extensions).toMatchObject({ code: 'FORBIDDEN', clerkCode: 'reverification-required' });
      expect(isReverificationHint(extensions)).toBe(true);
    });

    it('returns the same error with every driver', async () => {
      const [error] = (await ask('{ strict }', {})).errors!;
      expect(error).toEqual({
        message: 'Authentication is required.',
        path: ['strict'],
        locations: [{ line: 1, column: 3 }],
        extensions: { code: 'UNAUTHENTICATED', clerkCode: 'authentication-required' },
      });
    });

    it('returns the error of onError if there is one', async () => {
      onErrorResult.error = Object.assign(new Error('Sign in, please.'), { statusCode: 403 });
      expect((await ask('{ strict }', {})).errors).toMatchObject([
        { message: 'Sign in, please.', extensions: { code: 'FORBIDDEN' } },
      ]);
      onErrorResult.error = new UnprocessableEntityException('No.');
      expect((await ask('{ strict }', {})).errors).toMatchObject([{ message: 'No.' }]);
    });

    it('takes no credentials from an operation or its variables', async () => {
      const authorization = `Bearer ${await clerk.sessionToken()}`;
      const variables = { authorization, headers: { authorization }, req: { headers: { authorization } } };
      const operation = `query ($authorization: String!) { echo(authorization: $authorization) strict }`;
      const answer =
        way === 'HTTP'
          ? await query(app, operation, {}, variables)
          : (await subscribe(app, operation, { token: authorization, variables }, { variables }))[0];
      expect(answer?.errors?.map(({ extensions }) => extensions.clerkCode)).toContain('authentication-required');
      expect(answer?.data ?? null).toBeNull();
      const literal = await ask(`{ echo(authorization: "${authorization}") }`, {});
      expect(literal.errors).toMatchObject([{ extensions: { clerkCode: 'authentication-required' } }]);
    });
  });

  it('shows the caller to interceptors, and to getAuth() of the HTTP request', async () => {
    expect((await query(app, '{ seen }', await bearer(clerk.sessionToken()))).data).toEqual({
      seen: Array(3).fill('session_token in'),
    });
  });

  it('accepts the session cookie of a browser over HTTP', async () => {
    const cookie = `__session=${await clerk.sessionToken()}; __client_uat=1; __clerk_db_jwt=dvb_1`;
    expect((await query(app, '{ strict }', { cookie })).data).toEqual({ strict: 'session_token in' });
  });

  it.each<Record<string, string>>([
    { accept: 'text/html,*/*' },
    { 'sec-fetch-dest': 'document', accept: 'text/html,*/*' },
    { 'sec-fetch-dest': 'iframe' },
  ])('returns UNAUTHENTICATED instead of a redirect for a navigation with %j', async (headers) => {
    const expired = await clerk.sessionToken({ issuedAt: new Date(Date.now() - 120_000), expiresIn: 60 });
    const cookies = { none: '', expired: `__session=${expired}; __client_uat=1; __clerk_db_jwt=dvb_1` };
    for (const [, cookie] of Object.entries(cookies)) {
      for (const parameter of [
        '',
        '&__clerk_handshake=garbage',
        '&__clerk_db_jwt=dvb_2',
        '&__clerk_handshake_nonce=n',
      ]) {
        for (const field of ['strict', 'page']) {
          const {
            status,
            headers: answered,
            body,
          } = await app.send(`/graphql?query=${encodeURIComponent(`{ ${field} }`)}${parameter}`, {
            cookie,
            ...headers,
          });
          expect([status, answered.get('location'), answered.get('set-cookie')]).toEqual([200, null, null]);
          expect(body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
        }
      }
    }
    expect(clerk.countRequests('/v1/clients')).toBe(0);
  });

  describe('subscriptions', () => {
    it('start for a signed-in caller, and are authenticated once', async () => {
      const user = clerk.createUser();
      const authenticate = jest.spyOn(app.nest.get(AUTHENTICATOR), 'authenticate');
      const tick = { data: { ticks: user.id } };
      const authorization = `Bearer ${await clerk.sessionToken({ user })}`;
      expect(await subscribe(app, 'subscription { ticks }', { authorization })).toEqual([tick, tick]);
      expect(authenticate).toHaveBeenCalledTimes(1);
      expect(await subscribe(app, 'subscription { ticks }', { AUTHORIZATION: authorization })).toEqual([tick, tick]);
    });

    it('guard the fields of each event with the identity that the subscription started with', async () => {
      const user = clerk.createUser();
      const authenticate = jest.spyOn(app.nest.get(AUTHENTICATOR), 'authenticate');
      const credentials = await bearer(clerk.sessionToken({ user }));
      expect(await subscribe(app, 'subscription { paid { owner } }', credentials)).toEqual([
        { data: { paid: { owner: `${user.id} 1` } } },
        { data: { paid: { owner: `${user.id} 2` } } },
      ]);
      expect(authenticate).toHaveBeenCalledTimes(1);
    });

    it.each([
      ['an undefined authorization', undefined],
      ['a malformed token', 'Bearer garbage'],
      ['an object as authorization', { toString: 'Bearer' }],
      ['a list as authorization', ['Bearer']],
    ])('do not start with %s', async (_name, authorization) => {
      const [answer] = await subscribe(app, 'subscription { ticks }', { authorization });
      expect(answer).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
      expect(answer?.data).toBeUndefined();
    });

    it('do not start with an authorization that is not a valid header value', async () => {
      const [answer] = await subscribe(app, 'subscription { ticks }', { authorization: 'Bearer a\r\ncookie: b' });
      expect(answer).toMatchObject({
        errors: [{ extensions: { code: 'BAD_REQUEST', clerkCode: 'malformed-request' } }],
      });
    });

    it('ignore credentials of the request that opened the connection, which any site can make a browser send', async () => {
      const token = await clerk.sessionToken();
      const cookie = `__session=${token}; __client_uat=1; __clerk_db_jwt=dvb_1`;
      for (const headers of [{ cookie }, await bearer(token)]) {
        for (const operation of ['subscription { ticks }', '{ strict }']) {
          const [answer] = await subscribe(app, operation, {}, { headers });
          expect(answer).toMatchObject({ errors: [{ extensions: { clerkCode: 'authentication-required' } }] });
        }
      }
      const [answer] = await subscribe(app, '{ strict }', { cookie });
      expect(answer).toMatchObject({ errors: [{ extensions: { clerkCode: 'authentication-required' } }] });
    });
  });

  it('is listed in the protection map', () => {
    expect(protectionMap(app.nest)).toMatchObject({
      'graphql Query strict': 'strict | session_token | Invoices.strict',
      'graphql Query skipAuth': 'skip | Invoices.skipAuth',
      'graphql Mutation create': `strict | session_token | permission ${PERMISSION} | Invoices.create`,
      'graphql Subscription ticks': 'strict | session_token | Invoices.ticks',
      'graphql field Invoice.owner': 'strict | session_token | Invoices.owner',
    });
  });
});

describe.each(GRAPHQL_DRIVERS)('an application with %s', (_, platform, graphql) => {
  let clerk: LocalClerk;
  let app: TestApp | undefined;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(() => app?.close());
  afterAll(() => clerk?.stop());

  const start = (extra: Parameters<typeof graphql>[0], options: object = {}) =>
    TestApp.on(platform)
      .imports(graphql(extra))
      .providers(Invoices)
      .clerk({ ...clerk.options, ...options })
      .start();

  it('shows fields without guards the caller that the resolver above them has allowed', async () => {
    app = await start({});
    const user = clerk.createUser();
    const { data } = await query(app, '{ invoices { owner } }', await bearer(clerk.sessionToken({ user })));
    expect(data.invoices[0]).toEqual({ owner: `${user.id} 0` });
    expect((await query(app, '{ invoices { owner } }')).data.invoices[0]).toEqual({ owner: 'null 0' });
  });

  const shared: Record<string, unknown> = {};
  it.each<[string, unknown]>([
    ['one object', { greeting: 'hello' }],
    ['one object that a function returns', () => shared],
    ['one object with the current request', (of: { req?: object }) => Object.assign(shared, { req: of.req ?? of })],
  ])('never mixes up callers if the context of all operations is %s', async (_name, context) => {
    app = await start({ context });
    const [ada, grace] = [clerk.createUser(), clerk.createUser()];
    for (const user of [ada, grace, ada]) {
      const { data } = await query(app, '{ me }', await bearer(clerk.sessionToken({ user })));
      expect([undefined, null, user.id]).toContain(data?.me?.[0] ?? data?.me);
    }
    await Promise.all(
      [ada, grace, ada, grace, ada, grace].map(async (user) => {
        const { data } = await query(app!, '{ me }', await bearer(clerk.sessionToken({ user })));
        expect([undefined, null, user.id]).toContain(data?.me?.[0] ?? data?.me);
      }),
    );
    expect((await query(app, '{ strict }')).data ?? null).toBeNull();
  });

  it.each([
    ['the request that opened the connection as req', ({ extra, req }: any) => ({ req: req ?? extra?.request })],
    ['nothing of that request', () => ({ own: true })],
  ])('ignores the cookies of a connection if the context contains %s', async (_name, context) => {
    app = await start({ context });
    const cookie = `__session=${await clerk.sessionToken()}; __client_uat=1; __clerk_db_jwt=dvb_1`;
    const [answer] = await subscribe(app, 'subscription { ticks }', {}, { headers: { cookie } });
    expect(answer).toMatchObject({ errors: [{ extensions: { clerkCode: 'authentication-required' } }] });
  });

  it('resolves the Clerk instance of an operation once, from its HTTP request', async () => {
    const hosts: unknown[] = [];
    const resolveOptions = ({ headers }: { headers: Record<string, string> }) => {
      hosts.push(headers.host);
      return { publishableKey: clerk.publishableKey, secretKey: clerk.secretKey };
    };
    app = await start({}, { resolveOptions });
    const credentials = await bearer(clerk.sessionToken());
    expect((await query(app, '{ strict again: strict }', credentials)).data).toMatchObject({
      again: expect.anything(),
    });
    expect(await subscribe(app, '{ strict }', credentials)).toMatchObject([{ data: { strict: 'session_token in' } }]);
    expect(hosts).toEqual(Array(2).fill(`127.0.0.1:${app.port}`));
  });
});
