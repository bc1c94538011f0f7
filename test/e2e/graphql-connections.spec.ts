/** Tests GraphQL over WebSockets: where a client puts its token, and what happens to its connection when it expires. */
import { Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';

import {
  AcceptsToken,
  Auth,
  Public,
  RequirePermission,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { runSnippet, snippet } from '../support/docs.js';
import { answersOf, connect, GRAPHQL_DRIVERS, query, subscribe } from '../support/graphql.js';
import { TestApp } from '../support/test-app.js';

/** Yields one event, and then nothing until the client leaves. */
async function* once<T>(event: T, left: Promise<never> = new Promise(() => undefined)) {
  yield event;
  await left;
}

@Resolver()
class Orders {
  @Query(() => String) me(@Auth('userId') userId: string) {
    return userId;
  }
  @Mutation(() => String) @RequirePermission('org:invoices:create') createInvoice() {
    return 'created';
  }
  @Subscription(() => String) orders(@Auth('userId') userId: string) {
    return once({ orders: userId });
  }
  @Subscription(() => String) @Public() news(@Auth() auth: AuthObject) {
    return once({ news: auth.isAuthenticated ? 'in' : 'out' });
  }
  @Subscription(() => String) @AcceptsToken('m2m_token') batches(@Auth('subject') subject: string) {
    return once({ batches: subject });
  }
}

const USUAL_NAMES = ['authorization', 'headers.authorization', 'authToken'];
const EXPIRED = { errors: [{ extensions: { code: 'UNAUTHENTICATED', clerkCode: 'token-expired' } }] };

describe.each(GRAPHQL_DRIVERS)('GraphQL connections with %s', (driver, platform, graphql) => {
  let clerk: LocalClerk;
  let app: TestApp;
  const clients: ReturnType<typeof connect>[] = [];

  beforeAll(async () => void (clerk = await LocalClerk.start()));
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(clients.splice(0).map(async (client) => client.dispose()));
    await app?.close();
  });
  afterAll(() => clerk?.stop());

  async function start(options: ClerkModuleOptions['graphql'], extra: Parameters<typeof graphql>[0] = {}) {
    app = await TestApp.on(platform)
      .imports(graphql(extra))
      .providers(Orders)
      .clerk({ ...clerk.options, clockSkewInMs: 0, graphql: options })
      .start();
  }
  function open(options: Parameters<typeof connect>[1]) {
    const client = connect(app, options);
    clients.push(client);
    return client;
  }
  const bearer = async (options?: Parameters<LocalClerk['sessionToken']>[0]) => ({
    authorization: `Bearer ${await clerk.sessionToken(options)}`,
  });
  const later = (seconds: number) => {
    const now = Date.now() + seconds * 1000;
    jest.spyOn(Date, 'now').mockReturnValue(now);
    return Math.floor(now / 1000);
  };
  const next = async (answers: AsyncGenerator<unknown>) => (await answers.next()).value;

  describe('with a token in connectionParams', () => {
    it.each<[string, (token: string) => Record<string, unknown>]>([
      ['{ authorization }', (token) => ({ authorization: `Bearer ${token}` })],
      ['{ Authorization } without a scheme', (token) => ({ Authorization: token })],
      ['{ headers: { authorization } }', (token) => ({ headers: { authorization: `Bearer ${token}` } })],
      ['{ headers: { Authorization } }', (token) => ({ headers: { Authorization: `Bearer ${token}` } })],
      ['{ authToken }', (token) => ({ authToken: token })],
      ['{ authToken } with a scheme', (token) => ({ authToken: `Bearer ${token}` })],
      ['{ authToken } next to an empty authorization', (token) => ({ authorization: '', authToken: token })],
      ['{ authToken } next to invalid headers', (token) => ({ headers: 5, authToken: token })],
    ])('accept %s if the option lists its name', async (_form, paramsOf) => {
      await start({ connectionParams: USUAL_NAMES });
      const user = clerk.createUser();
      const params = paramsOf(await clerk.sessionToken({ user }));
      expect(await subscribe(app, '{ me }', params)).toEqual([{ data: { me: user.id } }]);
    });

    it('use the name that the option lists first', async () => {
      await start({ connectionParams: USUAL_NAMES });
      const [first, second] = [clerk.createUser(), clerk.createUser()];
      const params = {
        authToken: await clerk.sessionToken({ user: second }),
        headers: await bearer({ user: first }),
      };
      expect(await subscribe(app, '{ me }', params)).toEqual([{ data: { me: first.id } }]);
    });

    it('ignore names that the option does not list', async () => {
      const token = await clerk.sessionToken();
      const forms = [
        { headers: { authorization: token } },
        { authToken: token },
        { 'headers.authorization': token },
        { headers: [{ authorization: token }] },
        { headers: { headers: { authorization: token } } },
        { headers: { cookie: `__session=${token}` }, cookie: `__session=${token}` },
      ];
      await start({});
      for (const params of forms) {
        expect(await subscribe(app, '{ me }', params)).toMatchObject([
          { errors: [{ extensions: { clerkCode: 'authentication-required' } }] },
        ]);
      }
      await app.close();
      await start({ connectionParams: ['headers.authorization'] });
      for (const params of [...forms.slice(1), { authorization: token }]) {
        expect(await subscribe(app, '{ me }', params)).toMatchObject([
          { errors: [{ extensions: { clerkCode: 'authentication-required' } }] },
        ]);
      }
    });

    it.each<[string, unknown]>([
      ['a list', ['Bearer']],
      ['an object', { token: 't' }],
      ['a number', 5],
      ['null', null],
      ['an empty string', ''],
    ])('ignore %s as a token', async (_what, value) => {
      await start({ connectionParams: USUAL_NAMES });
      const params = { authorization: value, headers: { authorization: value }, authToken: value };
      expect(await subscribe(app, '{ me }', params)).toMatchObject([
        { errors: [{ extensions: { clerkCode: 'authentication-required' } }] },
      ]);
    });

    it('do not log its signature', async () => {
      await start({ connectionParams: USUAL_NAMES, disconnectOnExpiry: true });
      const token = await clerk.sessionToken({ expiresIn: -60 });
      await subscribe(app, '{ me }', { authToken: token });
      expect(app.logger.lines.join('\n')).not.toContain(token.split('.')[2]);
    });
  });

  describe('with an operation', () => {
    it.each([undefined, {}, { disconnectOnExpiry: false }])(
      'deny it once the token has expired, although an earlier one was allowed (options %j)',
      async (options) => {
        await start(options);
        const user = clerk.createUser();
        const client = open({ lazy: false, connectionParams: await bearer({ user, expiresIn: 60 }) });
        expect(await next(answersOf(client, '{ me }'))).toEqual({ data: { me: user.id } });
        later(70);
        for (const operation of ['{ me }', 'subscription { orders }', '{ me }']) {
          expect(await next(answersOf(client, operation))).toMatchObject(EXPIRED);
        }
        expect(client.closes).toEqual([]);
      },
    );

    it('whose token has expired are closed with disconnectOnExpiry, and the next one uses a fresh token', async () => {
      await start({ disconnectOnExpiry: true });
      const user = clerk.createUser();
      let issuedAt = Math.floor(Date.now() / 1000);
      const client = open({ lazy: false, connectionParams: () => bearer({ user, issuedAt, expiresIn: 60 }) });
      expect(await next(answersOf(client, '{ me }'))).toEqual({ data: { me: user.id } });
      const closed = new Promise((resolve) => client.on('closed', resolve));
      issuedAt = later(70);
      // The client receives the error first.
      expect(await next(answersOf(client, '{ me }'))).toMatchObject(EXPIRED);
      await closed;
      expect(client.closes).toEqual([{ code: 4403, reason: 'token-expired' }]);
      expect(await next(answersOf(client, '{ me }'))).toEqual({ data: { me: user.id } });
    });

    it('whose token is invalid are not closed with disconnectOnExpiry', async () => {
      await start({ disconnectOnExpiry: true });
      const client = open({ lazy: false, connectionParams: { authorization: 'Bearer garbage' } });
      for (let turn = 0; turn < 3; turn++) {
        expect(await next(answersOf(client, '{ me }'))).toMatchObject({
          errors: [{ extensions: { clerkCode: 'token-invalid' } }],
        });
      }
      expect(client.closes).toEqual([]);
    });
  });

  it('deny an operation with the error of docs/graphql.md, as HTTP does', async () => {
    await start({});
    const documented: unknown = JSON.parse(snippet('graphql.md', 'json', 'createInvoice'));
    const { errors } = await query(app, 'mutation { createInvoice }', await bearer());
    expect(errors).toEqual([documented]);
    expect(await subscribe(app, 'mutation { createInvoice }', await bearer())).toMatchObject([
      { errors: [documented] },
    ]);
  });

  describe('with a subscription', () => {
    it.each(['orders', 'news'])(
      'continue it with a fresh token after the first has expired, with the client of docs/graphql.md: %s',
      async (field) => {
        await start({ disconnectOnExpiry: true });
        const user = clerk.createUser();
        const lives = [2, 60];
        const getToken = jest.fn(() => clerk.sessionToken({ user, expiresIn: lives.shift()! }));
        const client = runSnippet<ReturnType<typeof open>>(
          snippet('graphql.md', 'js', 'createClient'),
          { createClient: open, url: undefined, clerk: { session: { getToken } } },
          'client',
        );
        const answers = answersOf(client, `subscription { ${field} }`);
        const event = { data: { [field]: field === 'news' ? 'in' : user.id } };
        expect(await next(answers)).toEqual(event);
        expect(await next(answers)).toEqual(event);
        expect(client.closes).toEqual([{ code: 4403, reason: 'token-expired' }]);
        expect(getToken).toHaveBeenCalledTimes(2);
        await answers.return(undefined);
      },
    );

    it('end it with token-expired if the client has no fresh token', async () => {
      await start({ disconnectOnExpiry: true });
      const client = open({ connectionParams: await bearer({ expiresIn: 2 }) });
      const answers = answersOf(client, 'subscription { orders }');
      expect(await next(answers)).toMatchObject({ data: { orders: expect.any(String) } });
      expect(await next(answers)).toMatchObject(EXPIRED);
    });

    it('of a machine or a signed-out caller stay open with disconnectOnExpiry', async () => {
      await start({ disconnectOnExpiry: true });
      const { token } = await clerk.createM2MToken({ machine: clerk.createMachine() });
      const machine = open({ connectionParams: { authorization: `Bearer ${token}` } });
      const nobody = open({});
      const session = open({ connectionParams: await bearer({ expiresIn: 2 }) });
      const [batches, news] = [
        answersOf(machine, 'subscription { batches }'),
        answersOf(nobody, 'subscription { news }'),
      ];
      expect(await next(batches)).toMatchObject({ data: { batches: expect.any(String) } });
      expect(await next(news)).toEqual({ data: { news: 'out' } });
      const closed = new Promise((resolve) => session.on('closed', resolve));
      expect(await next(answersOf(session, 'subscription { orders }'))).toMatchObject({ data: {} });
      await closed;
      expect([machine.closes, nobody.closes]).toEqual([[], []]);
    });

    it('deny it with disconnectOnExpiry if the context does not lead to the connection, and log why', async () => {
      const context = ({ connectionParams }: { connectionParams?: object }) => ({ req: {}, connectionParams });
      const subscription = { fullWsTransport: true, context: () => ({ app: undefined }) };
      await start({ disconnectOnExpiry: true }, driver.startsWith('Mercurius') ? { subscription } : { context });
      const [answer] = await subscribe(app, 'subscription { orders }', await bearer());
      expect(answer).toMatchObject({
        errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR', clerkCode: 'invalid-configuration' } }],
      });
      expect(app.logger.ofGuard('error')).toEqual([expect.stringContaining('graphql.disconnectOnExpiry is set, but')]);
    });
  });
});
