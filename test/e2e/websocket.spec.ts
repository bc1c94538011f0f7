import type { IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { type ExecutionContext, type INestApplication, UseGuards, createParamDecorator } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';

import {
  AcceptsToken,
  Auth,
  ClerkGuard,
  ClerkPolicyError,
  ClerkProtectionMap,
  ClerkSockets,
  CurrentUser,
  getAuth,
  Public,
  RequireAuth,
  RequirePermission,
  RequireReverification,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
  type User,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { NEST_VERSION } from '../support/nest-version.js';
import { PLATFORMS } from '../support/platforms.js';
import {
  GuardedGateway,
  openAsDocumented,
  SOCKET_PLATFORMS,
  type Opening,
  type TestSocket,
} from '../support/sockets.js';
import { TestApp, type TestAppBuilder } from '../support/test-app.js';
import { describeTruthTable, FRONTEND, PERMISSION, type Ask } from '../support/truth-table.js';

const AuthByContext = createParamDecorator((_: unknown, context: ExecutionContext) => getAuth(context));
const answer = (data: unknown) => ({ event: 'answer', data });
const who = (auth: AuthObject) => answer({ isAuthenticated: auth.isAuthenticated, ...idOf(auth) });
const idOf = (auth: AuthObject) => ({ tokenType: auth.tokenType, id: 'userId' in auth ? auth.userId : null });

/** The handler waits for this, so that messages of one socket are handled concurrently. */
let gate: Promise<void> = Promise.resolve();

@GuardedGateway()
class TruthTableGateway {
  @SubscribeMessage('default') default(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @RequireAuth() @SubscribeMessage('require-auth') requireAuth(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @RequirePermission(PERMISSION) @SubscribeMessage('permission') permission(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @Public() @SubscribeMessage('public') public(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @AcceptsToken('api_key') @SubscribeMessage('api-key') apiKey(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @Public() @AcceptsToken('api_key') @SubscribeMessage('public-api-key') publicApiKey(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @SkipAuth() @SubscribeMessage('skip-auth') skipAuth() {
    return answer({ isAuthenticated: null });
  }
  constructor(private readonly sockets: ClerkSockets) {}
  handleConnection(client: object, request?: IncomingMessage) {
    return this.sockets.connect(client, request, { required: false });
  }
}

@GuardedGateway()
class Gateway {
  handled = 0;
  readonly clients: WeakRef<object>[] = [];
  constructor(private readonly sockets: ClerkSockets) {}

  handleConnection(client: object, request?: IncomingMessage) {
    this.clients.push(new WeakRef(client));
    return this.sockets.connect(client, request, { required: false });
  }

  @SubscribeMessage('default') default(@Auth() auth: AuthObject) {
    this.handled += 1;
    return who(auth);
  }
  @Public() @SubscribeMessage('public') public(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @RequirePermission(PERMISSION) @SubscribeMessage('permission') permission(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @AcceptsToken('api_key') @SubscribeMessage('api-key') apiKey(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @UseGuards(ClerkGuard) @SubscribeMessage('twice') twice(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @AcceptsToken('any') @SubscribeMessage('slow') async slow(
    @MessageBody() body: string,
    @AuthByContext() auth: AuthObject,
    @Auth('tokenType') tokenType: string,
  ) {
    await gate;
    return answer({ body, tokenType, byContext: auth.isAuthenticated });
  }
  @SubscribeMessage('plain') plain(client: object, body: unknown) {
    return answer({ isClient: typeof client === 'object', body });
  }
  @SubscribeMessage('user') user(@CurrentUser() user: User) {
    return answer(user.id);
  }
  @Public() @SubscribeMessage('public-user') publicUser(@CurrentUser() user: User) {
    return answer(user.id);
  }
  @RequireReverification('strict') @SubscribeMessage('reverify') reverify() {
    return answer('verified');
  }
  @Public() @SubscribeMessage('refresh') async refresh(
    @ConnectedSocket() client: object,
    @MessageBody() token: string,
  ) {
    await this.sockets.refresh(client, token);
    return answer('refreshed');
  }
}

@GuardedGateway()
class ClosedGateway {
  constructor(private readonly sockets: ClerkSockets) {}
  handleConnection(client: object, request?: IncomingMessage) {
    return this.sockets.connect(client, request);
  }
  @SubscribeMessage('default') default(@Auth() auth: AuthObject) {
    return who(auth);
  }
}

@GuardedGateway()
class BareGateway {
  @SubscribeMessage('default') default(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @Public() @SubscribeMessage('public') public(@Auth() auth: AuthObject) {
    return who(auth);
  }
}

/** Selects the subprotocol that is not the token, as in docs/websockets.md. */
@GuardedGateway({ handleProtocols: (offered: Set<string>) => offered.has('clerk') && 'clerk' })
class SubprotocolGateway extends ClosedGateway {
  constructor(sockets: ClerkSockets) {
    super(sockets);
  }
}

/** Selects the last subprotocol, which is the token. */
@GuardedGateway({ handleProtocols: (offered: Set<string>) => [...offered].at(-1) })
class EchoingGateway extends ClosedGateway {
  constructor(sockets: ClerkSockets) {
    super(sockets);
  }
}

const HTTP = PLATFORMS[0][1];
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe.each(SOCKET_PLATFORMS)('a gateway on %s', (name, platform) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  const apps: TestApp[] = [];
  const sockets: TestSocket[] = [];

  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    clerk.recover();
    for (const socket of sockets.splice(0)) socket.close();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(() => Promise.all([clerk?.stop(), other?.stop()]));

  function describeApp(gateway: new (...args: never[]) => object, options: ClerkModuleOptions = {}): TestAppBuilder {
    return TestApp.on(HTTP)
      .clerk({ ...clerk.options, ...options })
      .providers(gateway)
      .before((nest: INestApplication) => nest.useWebSocketAdapter(platform.adapter(nest)));
  }
  async function start(gateway: new (...args: never[]) => object = Gateway, options?: ClerkModuleOptions) {
    const app = await describeApp(gateway, options).start();
    apps.push(app);
    return app;
  }
  async function open(app: TestApp, opening?: Opening): Promise<TestSocket> {
    const socket = await platform.open(app.port, opening);
    sockets.push(socket);
    return socket;
  }
  const later = (seconds: number) => {
    const now = Date.now() + seconds * 1000;
    jest.spyOn(Date, 'now').mockReturnValue(now);
    return Math.floor(now / 1000);
  };

  describe('truth table', () => {
    let app: TestApp;
    beforeAll(async () => {
      const options = { authorizedParties: [FRONTEND], webSocket: { allowedOrigins: [FRONTEND] } };
      app = await describeApp(TruthTableGateway, { ...clerk.options, ...options }).start();
    });
    afterAll(() => app?.close());

    const askBy = (openingOf: (headers: Record<string, string>) => Opening): Ask => {
      return async (route, headers) => {
        const socket = await open(app, openingOf(headers));
        const { event, data } = await socket.ask(route, {});
        if (event === 'answer') return { isAuthenticated: data.isAuthenticated };
        const { status, code } = data;
        expect(data).toEqual({ status, code, message: expect.any(String), statusCode: expect.any(Number) });
        expect(status).toBe('error');
        return { code };
      };
    };

    describe('with headers:', () =>
      describeTruthTable(
        () => ({ clerk, other }),
        askBy((headers) => ({ headers: { origin: FRONTEND, ...headers } })),
      ));

    // Only socket.io has this field. Cookies are ignored, since these requests have no allowed origin.
    if (name === 'socket.io') {
      describe('with auth.token:', () =>
        describeTruthTable(
          () => ({ clerk, other }),
          askBy(({ authorization, ...headers }) => ({
            headers,
            auth: { token: authorization?.replace('Bearer ', '') },
          })),
          { cookies: false },
        ));
    }
  });

  describe('during an outage', () => {
    it('denies with 503 clerk-unavailable, and passes a public message signed out', async () => {
      const app = await start();
      const socket = await open(app, bearer(await clerk.sessionToken()));
      clerk.outage('refuse');
      const { data } = await socket.ask('default');
      expect(data).toMatchObject({ statusCode: 503, code: 'clerk-unavailable' });
      expect((await socket.ask('public')).data).toMatchObject({ isAuthenticated: false });
    });
  });

  describe('in a handler', () => {
    it('provides the caller to @Auth(), getAuth() and @CurrentUser(), which denies a signed-out caller', async () => {
      const app = await start();
      const user = clerk.createUser();
      const socket = await open(app, bearer(await clerk.sessionToken({ user })));
      expect((await socket.ask('user')).data).toBe(user.id);
      expect((await socket.ask('slow', 'text')).data).toEqual({
        ...{ body: 'text', tokenType: 'session_token', byContext: true },
      });
      expect((await socket.ask('plain', { a: 1 })).data).toEqual({ isClient: true, body: { a: 1 } });
      const anonymous = await open(app);
      expect((await anonymous.ask('public-user')).data).toMatchObject({
        code: 'authentication-required',
        status: 'error',
      });
    });

    it('verifies an API key once per message, and never for a handler that accepts sessions only', async () => {
      const app = await start();
      const key = clerk.createApiKey({ subject: clerk.createUser() }).secret;
      const before = clerk.countRequests();
      const socket = await open(app, bearer(key));
      expect((await socket.ask('twice')).data.code).toBe('token-invalid');
      expect((await socket.ask('api-key')).data.isAuthenticated).toBe(true);
      expect((await socket.ask('api-key')).data.isAuthenticated).toBe(true);
      expect(clerk.countRequests() - before).toBe(2);
    });

    it('denies @RequireReverification() with Clerk’s reverification error', async () => {
      const app = await start();
      const token = await clerk.sessionToken({ claims: { fva: [99, -1] } });
      const socket = await open(app, bearer(token));
      expect((await socket.ask('reverify')).data).toMatchObject({
        ...{ status: 'error', code: 'reverification-required', clerk_error: { reason: 'reverification-error' } },
      });
    });

    it('keeps concurrent messages of one socket apart', async () => {
      const app = await start();
      const socket = await open(app, bearer(await clerk.sessionToken()));
      let release!: () => void;
      gate = new Promise((resolve) => (release = resolve));
      const slow = socket.ask('slow', 'first');
      // Accepts another token type: denied, while the first is still being handled.
      const events: string[] = [];
      const refused = socket.ask('api-key');
      void slow.then(() => events.push('slow'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      release();
      const both = await Promise.all([slow, refused]);
      expect(both.map(({ event }) => event).sort()).toEqual(['answer', 'exception']);
      expect(both.find(({ event }) => event === 'answer')!.data).toEqual({
        ...{ body: 'first', tokenType: 'session_token', byContext: true },
      });
    });

    it('sends the Error that onError returns', async () => {
      const app = await start(Gateway, {
        onError: () => Object.assign(new Error('Who are you?'), { statusCode: 418, data: { hint: 'sign in' } }),
      });
      const socket = await open(app);
      expect((await socket.ask('default')).data).toEqual({
        ...{ status: 'error', statusCode: 418, message: 'Who are you?', code: 'authentication-required' },
        data: { hint: 'sign in' },
      });
    });
  });

  it('sends the WsException that onError returns unchanged', async () => {
    const app = await start(Gateway, { onError: () => new WsException({ status: 'error', own: true }) as Error });
    expect((await (await open(app)).ask('default')).data).toEqual({ status: 'error', own: true });
  });

  describe('against attacks', () => {
    it('does not read credentials from a payload', async () => {
      const app = await start();
      const token = await clerk.sessionToken();
      const authorization = `Bearer ${token}`;
      const headers = { authorization, cookie: `__session=${token}`, origin: FRONTEND };
      const payloads = [
        { headers },
        { headers, raw: { headers, url: '/' }, url: '/', method: 'GET' },
        { auth: { token }, handshake: { auth: { token }, headers }, request: { headers } },
        { 'nest-clerk:attached': { identity: { status: 'signed-in' } }, 'nest-clerk:call': true },
        [{ headers }, { auth: { token } }],
        authorization,
        token,
      ];
      const socket = await open(app);
      for (const payload of payloads) {
        expect((await socket.ask('default', payload)).data.code).toBe('authentication-required');
        expect((await socket.ask('public', payload)).data.isAuthenticated).toBe(false);
      }
    });

    it('accepts the session cookie only from an allowed origin', async () => {
      const cookie = `__session=${await clerk.sessionToken()}; __client_uat=1; __clerk_db_jwt=dvb_1`;
      const outcomeOf = async (options: ClerkModuleOptions, headers: Record<string, string>) => {
        const socket = await open(await start(Gateway, options), { headers });
        const { event, data } = await socket.ask('default');
        return event === 'answer' ? 'in' : data.code;
      };
      const allowed = { webSocket: { allowedOrigins: [FRONTEND] } };
      expect(await outcomeOf(allowed, { cookie, origin: FRONTEND })).toBe('in');
      for (const origin of ['https://evil.example', `${FRONTEND}.evil.example`, 'null', 'http://app.example.com']) {
        expect(await outcomeOf(allowed, { cookie, origin })).toBe('authentication-required');
      }
      expect(await outcomeOf(allowed, { cookie })).toBe('authentication-required');
      expect(await outcomeOf({}, { cookie, origin: FRONTEND })).toBe('authentication-required');
    });

    it('accepts a token in the query only with webSocket.tokenParameter', async () => {
      const query = { token: await clerk.sessionToken(), access: await clerk.sessionToken() };
      const closed = await open(await start(), { query });
      expect((await closed.ask('default')).data.code).toBe('authentication-required');
      const app = await start(Gateway, { webSocket: { tokenParameter: 'access' } });
      expect((await (await open(app, { query })).ask('default')).data.isAuthenticated).toBe(true);
      const { token } = query;
      expect((await (await open(app, { query: { token } })).ask('default')).data.code).toBe('authentication-required');
    });

    it('denies a refresh with the token of another user as user-changed', async () => {
      const app = await start();
      const [mine, theirs] = [clerk.createUser(), clerk.createUser()];
      const token = (user: { id: string }, options = {}) => clerk.sessionToken({ user, ...options });
      const socket = await open(app, bearer(await token(mine)));
      for (const handedIn of [await token(theirs), clerk.createApiKey({ subject: theirs }).secret]) {
        expect((await socket.ask('refresh', handedIn)).data).toMatchObject({ code: 'user-changed', statusCode: 403 });
        expect((await socket.ask('default')).data.id).toBe(mine.id);
      }
      // Also if the token of the socket expired before its first message.
      const expired = await open(app, bearer(await token(mine, { expiresIn: -60 })));
      expect((await expired.ask('refresh', await token(theirs))).data.code).toBe('user-changed');
      expect((await expired.ask('refresh', await token(mine))).data).toBe('refreshed');
      expect((await expired.ask('default')).data.id).toBe(mine.id);
    });

    it('accepts a refresh with a token with the Bearer scheme', async () => {
      const user = clerk.createUser();
      const socket = await open(await start(), bearer(await clerk.sessionToken({ user, expiresIn: -60 })));
      expect((await socket.ask('refresh', `Bearer ${await clerk.sessionToken({ user })}`)).data).toBe('refreshed');
      expect((await socket.ask('default')).data.id).toBe(user.id);
    });

    it('denies a refresh with an invalid token, and keeps the caller', async () => {
      const app = await start();
      const user = clerk.createUser();
      const socket = await open(app, bearer(await clerk.sessionToken({ user })));
      const bad = [
        await other.sessionToken({ user: other.createUser({ id: user.id }) }),
        await clerk.sessionToken({ user, expiresIn: -60 }),
        await clerk.sessionToken({ user, key: other }),
        'garbage',
        '',
        { token: await clerk.sessionToken({ user }) },
        'line\r\nbreak: x',
        '😀',
      ];
      for (const token of bad) {
        expect((await socket.ask('refresh', token)).data.code).toMatch(
          /^(token-expired|token-invalid|malformed-request)$/,
        );
        expect((await socket.ask('default')).data.id).toBe(user.id);
      }
    });

    // Only socket.io has this field.
    if (name === 'socket.io') {
      it('denies invalid values of auth.token', async () => {
        const app = await start();
        for (const [token, code] of [
          ['a\r\nb', 'malformed-request'],
          ['😀', 'malformed-request'],
          [{ length: 1 }, 'authentication-required'],
          [['Bearer'], 'authentication-required'],
          [null, 'authentication-required'],
        ]) {
          const socket = await open(app, { auth: { token } });
          expect((await socket.ask('default')).data.code).toBe(code);
        }
      });
    }
  });

  describe('on connection', () => {
    it('closes the socket unless the caller is signed in', async () => {
      const app = await start(ClosedGateway);
      const good = await open(app, bearer(await clerk.sessionToken()));
      expect((await good.ask('default')).data.isAuthenticated).toBe(true);
      const key = await open(app, bearer(clerk.createApiKey({ subject: clerk.createUser() }).secret));
      expect((await key.ask('default')).data.code).toBe('token-invalid');
      const closes = name === 'ws' ? 4401 : 'io server disconnect';
      for (const token of [undefined, await clerk.sessionToken({ expiresIn: -60 }), 'garbage']) {
        const socket = await open(app, token ? bearer(token) : {});
        expect(await socket.closed).toBe(closes);
      }
      const pending = await open(app, bearer(await clerk.sessionToken({ sessionStatus: 'pending' })));
      expect(await pending.closed).toBe(closes);
    });

    it('closes the socket during an outage, with 1013 on ws', async () => {
      const app = await start(ClosedGateway);
      clerk.outage('refuse');
      const socket = await open(app, bearer(await clerk.sessionToken()));
      expect(await socket.closed).toBe(name === 'ws' ? 1013 : 'io server disconnect');
    });

    it(`${name === 'ws' ? 'ignores' : 'accepts'} credentials without ClerkSockets.connect()`, async () => {
      const app = await start(BareGateway);
      const socket = await open(app, bearer(await clerk.sessionToken()));
      const { data } = await socket.ask('default');
      expect(data).toMatchObject(name === 'ws' ? { code: 'authentication-required' } : { isAuthenticated: true });
      expect((await socket.ask('public')).data.isAuthenticated).toBe(name !== 'ws');
    });

    it('resolves the tenant by the request that opened the socket', async () => {
      const app = await start(Gateway, {
        resolveOptions: ({ headers }: IncomingMessage) =>
          headers['x-tenant'] === 'other' ? { ...other.options } : { ...clerk.options },
      } as ClerkModuleOptions);
      const headers = { 'x-tenant': 'other', authorization: `Bearer ${await other.sessionToken()}` };
      expect((await (await open(app, { headers })).ask('default')).data.isAuthenticated).toBe(true);
      const mixed = { ...headers, 'x-tenant': 'ours' };
      expect((await (await open(app, { headers: mixed })).ask('default')).data.code).toBe('token-invalid');
    });
  });

  // Not on socket.io, whose clients have auth.token.
  if (name === 'ws') {
    describe('given a token as a subprotocol', () => {
      const options = { webSocket: { tokenSubprotocol: 'clerk' } };

      it.each([
        ['with the name alone', ClosedGateway, (token: string) => ['clerk', token], 'clerk'],
        [
          'alone, with a server that selects the name',
          SubprotocolGateway,
          (token: string) => ['clerk', token],
          'clerk',
        ],
        [
          'after a subprotocol of the application',
          ClosedGateway,
          (token: string) => ['chat.v1', 'clerk', token],
          'chat.v1',
        ],
        [
          'before a subprotocol of the application',
          ClosedGateway,
          (token: string) => ['clerk', token, 'chat.v1'],
          'clerk',
        ],
      ] as const)('signs in and does not select the token, offered %s', async (_how, gateway, protocolsOf, chosen) => {
        const app = await start(gateway, options);
        const user = clerk.createUser();
        const socket = await open(app, { protocols: [...protocolsOf(await clerk.sessionToken({ user }))] });
        expect((await socket.ask('default')).data.id).toBe(user.id);
        expect((await socket.ask('default')).data.id).toBe(user.id);
        expect(socket.protocol).toBe(chosen);
      });

      it.each<[string, (token: string) => string[]]>([
        ['without the name', (token) => [token]],
        ['before the name', (token) => [token, 'clerk']],
        ['after another name', (token) => ['bearer', token]],
        ['apart from the name', (token) => ['clerk', 'chat.v1', token]],
        ['after the name in another case', (token) => ['Clerk', token]],
      ])('closes the socket with 4401 if it is offered %s', async (_how, protocolsOf) => {
        const app = await start(ClosedGateway, options);
        const socket = await open(app, { protocols: protocolsOf(await clerk.sessionToken()) });
        expect(await socket.closed).toBe(4401);
      });

      it('closes the socket with 4401 without webSocket.tokenSubprotocol', async () => {
        const app = await start(ClosedGateway);
        const socket = await open(app, { protocols: ['clerk', await clerk.sessionToken()] });
        expect(await socket.closed).toBe(4401);
      });

      it('closes the socket with 4401 if the server selects the token', async () => {
        const app = await start(EchoingGateway, options);
        const socket = await open(app, { protocols: ['clerk', await clerk.sessionToken()] });
        expect(await socket.closed).toBe(4401);
      });

      it.each<[string, () => Promise<string> | string]>([
        ['an expired token', () => clerk.sessionToken({ expiresIn: -60 })],
        ['a token of another instance', () => other.sessionToken()],
        ['a malformed token', () => 'garbage'],
      ])('closes the socket with 4401 for %s, and does not log it', async (_what, tokenOf) => {
        const app = await start(ClosedGateway, { ...options, debug: true });
        const token = await tokenOf();
        const socket = await open(app, { protocols: ['clerk', token] });
        expect(await socket.closed).toBe(4401);
        expect(app.logger.lines.join('\n')).not.toContain(token.split('.').at(-1));
      });

      it('prefers the Authorization header to it, and it to the query', async () => {
        const app = await start(Gateway, { webSocket: { tokenSubprotocol: 'clerk', tokenParameter: 'token' } });
        const users = [1, 2, 3].map(() => clerk.createUser());
        const [header, protocol, query] = await Promise.all(users.map((user) => clerk.sessionToken({ user })));
        const protocols = ['clerk', protocol!];
        const [all, both] = [
          await open(app, { ...bearer(header!), protocols, query: { token: query! } }),
          await open(app, { protocols, query: { token: query! } }),
        ];
        expect((await all.ask('default')).data.id).toBe(users[0]!.id);
        expect((await both.ask('default')).data.id).toBe(users[1]!.id);
      });
    });
  }

  describe('with the client code of docs/websockets.md', () => {
    it('reconnects with a fresh token when the token has expired, and stays closed without one', async () => {
      const webSocket = { disconnectOnExpiry: true, tokenSubprotocol: 'clerk' };
      const app = await start(ClosedGateway, { webSocket });
      const user = clerk.createUser();
      let issuedAt = Math.floor(Date.now() / 1000);
      let signedOut = false;
      const getToken = jest.fn(async () =>
        signedOut ? 'none' : clerk.sessionToken({ user, issuedAt, expiresIn: 60 }),
      );
      const client = await openAsDocumented[name](app.port, { session: { getToken } });
      sockets.push(client);
      expect((await client.ask('default')).data.id).toBe(user.id);

      issuedAt = later(70);
      const reconnected = client.reconnected();
      expect((await client.ask('default')).data.code).toBe('token-expired');
      await reconnected;
      expect((await client.ask('default')).data.id).toBe(user.id);
      expect(getToken).toHaveBeenCalledTimes(2);

      issuedAt = later(70);
      signedOut = true;
      const closed = client.closedAgain();
      expect((await client.ask('default')).data.code).toBe('token-expired');
      // Once for the expired token, and once for the invalid one.
      await closed;
      expect(getToken).toHaveBeenCalledTimes(3);
    });
  });

  describe('on expiry', () => {
    it('denies the messages of 100 open sockets, except those that were refreshed', async () => {
      // The clock stands still while they are opened, which is slow on a busy machine.
      const opened = later(0);
      const app = await start();
      const gateway = app.get(Gateway);
      const users = Array.from({ length: 100 }, () => clerk.createUser());
      const all = await Promise.all(
        users.map(async (user) =>
          open(app, bearer(await clerk.sessionToken({ user, issuedAt: opened, expiresIn: 60 }))),
        ),
      );
      const ask = () => Promise.all(all.map((socket) => socket.ask('default')));
      const outcome = (replies: Awaited<ReturnType<typeof ask>>) =>
        replies.map(({ event, data }) => (event === 'answer' ? data.id : data.code));
      expect(outcome(await ask())).toEqual(users.map(({ id }) => id));

      // Still within the clock skew; every second socket gets a fresh token.
      const now = later(62);
      await Promise.all(
        users.map(async (user, index) => {
          if (index % 2 === 0) return;
          const token = await clerk.sessionToken({ user, issuedAt: now, expiresIn: 60 });
          expect((await all[index]!.ask('refresh', token)).data).toBe('refreshed');
        }),
      );
      expect(outcome(await ask())).toEqual(users.map(({ id }) => id));
      gateway.handled = 0;
      later(4);
      expect(outcome(await ask())).toEqual(users.map(({ id }, index) => (index % 2 ? id : 'token-expired')));
      expect(gateway.handled).toBe(50);
      later(3600);
      expect(new Set(outcome(await ask()))).toEqual(new Set(['token-expired']));
      expect(gateway.handled).toBe(50);
      expect(all.every(({ isOpen }) => isOpen)).toBe(true);
    });

    it('keeps no closed socket in memory', async () => {
      const app = await start();
      const { clients } = app.get(Gateway);
      const token = await clerk.sessionToken();
      for (let index = 0; index < 50; index++) {
        const socket = await platform.open(app.port, bearer(token));
        expect((await socket.ask('default')).data.isAuthenticated).toBe(true);
        socket.close();
        await socket.closed;
      }
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc') as () => void;
      for (let turn = 0; turn < 10; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        gc();
      }
      // Nest itself keeps the last one.
      expect(clients.length).toBe(50);
      expect(clients.filter((client) => client.deref()).length).toBeLessThan(5);
    }, 30_000); // Garbage collection is slow in a large process.

    it('denies a machine JWT once it has expired', async () => {
      const app = await start();
      const { token } = await clerk.createM2MToken({
        ...{ machine: clerk.createMachine(), format: 'jwt', secondsUntilExpiration: 60 },
      });
      const socket = await open(app, bearer(token));
      expect((await socket.ask('slow')).data.tokenType).toBe('m2m_token');
      later(70);
      expect((await socket.ask('slow')).data.code).toBe('token-invalid');
    });

    it('closes the socket with disconnectOnExpiry, after denying a message with token-expired', async () => {
      const app = await start(Gateway, { webSocket: { disconnectOnExpiry: true } });
      const socket = await open(app, bearer(await clerk.sessionToken({ expiresIn: 60 })));
      expect((await socket.ask('api-key')).data.code).toBe('token-invalid');
      expect((await socket.ask('permission')).data.statusCode).toBe(403);
      expect((await socket.ask('default')).data.isAuthenticated).toBe(true);
      later(70);
      expect((await socket.ask('public')).data.isAuthenticated).toBe(false);
      expect(socket.isOpen).toBe(true);
      expect((await socket.ask('default')).data.code).toBe('token-expired');
      expect(await socket.closed).toBe(name === 'ws' ? 4401 : 'io server disconnect');
      if (name === 'ws') expect(socket.reason).toBe('token-expired');
    });
  });

  describe(`without a guard of its own, on Nest ${NEST_VERSION}`, () => {
    const boot = async (gateway: new () => object, guard = true) => {
      const app = await TestApp.on(HTTP)
        .clerk({ ...clerk.options, guard })
        .providers(gateway)
        .before((nest: INestApplication) => nest.useWebSocketAdapter(platform.adapter(nest)))
        .start();
      apps.push(app);
      return app;
    };
    const protections = (app: TestApp) =>
      app
        .get(ClerkProtectionMap)
        .routes()
        .map(({ path, protection }) => `${path} ${protection}`);

    @WebSocketGateway()
    class Open {
      @SubscribeMessage('a') a() {}
      @UseGuards(ClerkGuard) @SubscribeMessage('b') b() {}
      @SkipAuth() @SubscribeMessage('c') c() {}
      @Public() @SubscribeMessage('d') d() {}
    }
    @WebSocketGateway()
    class Skipped {
      @SkipAuth() @SubscribeMessage('a') a() {}
    }
    @UseGuards(ClerkGuard)
    @WebSocketGateway()
    class Guarded {
      @SubscribeMessage('a') a() {}
    }

    // Global guards run for gateways on Nest 12, and not on Nest 11.
    if (NEST_VERSION === 11) {
      it('does not boot, and the error says which guard to add', async () => {
        const error: unknown = await boot(Open).catch((failure: unknown) => failure);
        expect(error).toBeInstanceOf(ClerkPolicyError);
        expect((error as ClerkPolicyError).problems).toEqual([
          expect.stringMatching(/^Open\.a, Open\.d: no guard runs before it: .* Add @UseGuards\(ClerkGuard\)/),
        ]);
      });

      it('boots if every message has @SkipAuth()', async () => {
        expect(protections(await boot(Skipped))).toEqual(['a unguarded']);
      });
    } else {
      it('is protected by the global guard', async () => {
        const app = await boot(Open);
        expect(protections(app)).toEqual(['a strict', 'b strict', 'c skip', 'd lax']);
        expect((await (await open(app)).ask('a')).data.code).toBe('authentication-required');
      });
    }

    it('boots with @UseGuards(ClerkGuard), or with guard: false', async () => {
      expect(protections(await boot(Guarded))).toEqual(['a strict']);
      const ofItsOwn = ['a unguarded', 'b strict', 'c unguarded', 'd unguarded'];
      expect(protections(await boot(Open, false))).toEqual(ofItsOwn);
    });
  });
});
