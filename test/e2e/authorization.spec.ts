/** Tests every requirement decorator over HTTP, with real tokens of callers who have the right and callers who lack it. */
import {
  applyDecorators,
  Controller,
  Get,
  Injectable,
  Param,
  ParseIntPipe,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { isReverificationHint } from '@clerk/shared/authorization-errors';

import {
  AcceptsToken,
  allOf,
  anyOf,
  Auth,
  ClerkClientService,
  CurrentUser,
  Public,
  Require,
  RequireAuth,
  RequireFeature,
  RequirePermission,
  RequirePlan,
  RequireReverification,
  RequireRole,
  RequireScope,
  RequireThat,
  type AuthObject,
  type AuthPredicateClass,
  type ClerkModuleOptions,
  type TokenType,
  type User,
} from '../../lib/index.js';
import { LocalClerk, type SessionTokenOptions } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp, type Answer } from '../support/test-app.js';

// ---- Handlers with requirements.

@Controller('rights')
class Rights {
  @Get('permission') @RequirePermission('org:invoices:read') permission() {}
  @Get('permissions') @RequirePermission('org:invoices:read', 'org:invoices:create') permissions() {}
  @Get('any-permission') @RequirePermission(anyOf('org:invoices:manage', 'org:invoices:read')) anyPermission() {}
  @Get('role') @RequireRole('org:admin') role() {}
  @Get('any-role') @RequireRole(anyOf('org:admin', 'org:owner')) anyRole() {}
  @Get('feature') @RequireFeature('org:reports') feature() {}
  @Get('user-feature') @RequireFeature('user:reports') userFeature() {}
  @Get('plan') @RequirePlan('org:pro') plan() {}
  @Get('any-plan') @RequirePlan(anyOf('org:pro', 'user:pro')) anyPlan() {}
  @Get('params') @Require({ role: 'org:admin', permission: 'org:invoices:read' } as never) params() {}
  @Get('nested')
  @Require(anyOf({ role: 'org:admin' }, allOf({ permission: 'org:invoices:read' }, { plan: 'org:pro' })))
  nested() {}
  @Get('stacked') @RequireRole('org:admin') @RequirePermission('org:invoices:read') stacked() {}
}

type Has = Omit<SessionTokenOptions, 'organization' | 'user'>;

/** Sessions that pass, sessions that are denied, and `missing` in the response to the latter if denials are explained. */
const RIGHTS: Record<string, { passes: Has[]; fails: Has[]; missing: string[] }> = {
  permission: {
    passes: [{ permissions: ['org:invoices:read'] }, { permissions: ['org:a:b', 'org:invoices:read'] }],
    fails: [{}, { permissions: ['org:invoices:create', 'org:letters:read'] }, { role: 'org:admin' }],
    missing: ['permission org:invoices:read'],
  },
  permissions: {
    passes: [{ permissions: ['org:invoices:create', 'org:invoices:read'] }],
    fails: [{}, { permissions: ['org:invoices:read'] }, { permissions: ['org:invoices:create'] }],
    missing: ['permission org:invoices:read and permission org:invoices:create'],
  },
  'any-permission': {
    passes: [{ permissions: ['org:invoices:read'] }, { permissions: ['org:invoices:manage'] }],
    fails: [{}, { permissions: ['org:invoices:create'] }],
    missing: ['any of (permission org:invoices:manage, permission org:invoices:read)'],
  },
  role: {
    passes: [{ role: 'org:admin' }],
    fails: [{}, { role: 'org:administrator' }, { role: 'org:member', permissions: ['org:admin:admin'] }],
    missing: ['role org:admin'],
  },
  'any-role': {
    passes: [{ role: 'org:admin' }, { role: 'org:owner' }],
    fails: [{}],
    missing: ['any of (role org:admin, role org:owner)'],
  },
  feature: {
    passes: [{ features: ['org:reports'] }],
    fails: [{}, { features: ['user:reports'] }, { features: ['org:report'] }, { plans: ['org:reports'] }],
    missing: ['feature org:reports'],
  },
  'user-feature': {
    passes: [{ features: ['user:reports'] }],
    fails: [{ features: ['org:reports'] }],
    missing: ['feature user:reports'],
  },
  plan: {
    passes: [{ plans: ['org:pro'] }],
    fails: [{}, { plans: ['user:pro'] }, { features: ['org:pro'] }],
    missing: ['plan org:pro'],
  },
  'any-plan': {
    passes: [{ plans: ['org:pro'] }, { plans: ['user:pro'] }],
    fails: [{ plans: ['org:free', 'user:free'] }],
    missing: ['any of (plan org:pro, plan user:pro)'],
  },
  params: {
    passes: [{ role: 'org:admin', permissions: ['org:invoices:read'] }],
    fails: [{ role: 'org:admin' }, { permissions: ['org:invoices:read'] }],
    missing: ['role org:admin and permission org:invoices:read'],
  },
  nested: {
    passes: [{ role: 'org:admin' }, { permissions: ['org:invoices:read'], plans: ['org:pro'] }],
    fails: [{}, { permissions: ['org:invoices:read'] }, { plans: ['org:pro'] }],
    missing: ['any of (role org:admin, permission org:invoices:read and plan org:pro)'],
  },
  stacked: {
    passes: [{ role: 'org:admin', permissions: ['org:invoices:read'] }],
    fails: [{ permissions: ['org:letters:read'] }],
    missing: ['permission org:invoices:read', 'role org:admin'],
  },
};

@Controller('factors')
class Factors {
  @Get('strict') @RequireReverification('strict') strict() {}
  @Get('own') @RequireReverification({ level: 'first_factor', afterMinutes: 5 }) own() {}
  @Get('admin') @RequireReverification('strict') @RequireRole('org:admin') admin() {}
}

@Controller('scopes')
class Scopes {
  @Get('key') @AcceptsToken('api_key') @RequireScope('invoices:read', 'invoices:write') key() {}
  @Get('any') @AcceptsToken('api_key') @RequireScope(anyOf('invoices:read', 'invoices:write')) any() {}
  @Get('m2m') @AcceptsToken('m2m_token') @RequireScope('mch_billing') m2m() {}
  @Get('oauth') @AcceptsToken('oauth_token') @RequireScope('invoices:read') oauth() {}
  @Get('mixed')
  @AcceptsToken('session_token', 'api_key')
  @RequirePermission('org:invoices:read')
  @RequireScope('invoices:read')
  mixed() {}
}

// ---- Predicates of the application.

/** Every call of a predicate. */
const predicateCalls: { name: string; auth: AuthObject; context: ExecutionContext }[] = [];

const returning = (name: string, answer: () => unknown, type?: TokenType) =>
  RequireThat(
    ((auth: AuthObject, context: ExecutionContext) => {
      predicateCalls.push({ name, auth, context });
      return answer();
    }) as () => boolean,
    type && { appliesTo: [type] },
  );

@Injectable()
class Ledger {
  readonly owners = new Map([[7, 'user_ada']]);
}

@Injectable()
class OwnsInvoice implements AuthPredicateClass {
  constructor(private readonly ledger: Ledger) {}
  check(auth: AuthObject, context: ExecutionContext) {
    predicateCalls.push({ name: 'OwnsInvoice', auth, context });
    const { params } = context.switchToHttp().getRequest<{ params: { id: string } }>();
    return 'userId' in auth && auth.userId !== null && this.ledger.owners.get(Number(params.id)) === auth.userId;
  }
}

/** Not a provider, so nest-clerk creates it with the dependencies that the controller's module can inject. */
class OwnsInvoiceToo extends OwnsInvoice {}
Reflect.defineMetadata('design:paramtypes', [Ledger], OwnsInvoiceToo);

@Controller('predicates')
class Predicates {
  @Get('sync') @returning('sync', () => true) sync() {}
  @Get('async') @returning('async', () => Promise.resolve(true)) async() {}
  @Get('false') @returning('false', () => false) no() {}
  @Get('async-false') @returning('async-false', () => Promise.resolve(false)) asyncNo() {}
  @Get('undefined') @returning('undefined', () => undefined) nothing() {}
  @Get('string') @returning('string', () => 'yes') truthy() {}
  @Get('number') @returning('number', () => 1) one() {}
  @Get('object') @returning('object', () => ({ allowed: true })) object() {}
  @Get('async-string') @returning('async-string', () => Promise.resolve('yes')) asyncTruthy() {}
  @Get('throws') @returning('throws', throwing) throws() {}
  @Get('rejects') @returning('rejects', () => Promise.reject(new Error('no ledger'))) rejects() {}
  @Get('provided/:id') @RequireThat(OwnsInvoice) provided() {}
  @Get('unprovided/:id') @RequireThat(OwnsInvoiceToo) made() {}
  @Get('any') @AcceptsToken('any') @returning('any', () => true) any() {}
  @Get('keys')
  @AcceptsToken('session_token', 'api_key')
  @RequirePermission('org:invoices:read')
  @returning('keys', () => false, 'api_key')
  keys() {}
  @Get('each')
  @AcceptsToken('session_token', 'api_key')
  @returning('users', () => true, 'session_token')
  @returning('keys', () => false, 'api_key')
  each() {}
  @Get('last') @returning('last', () => true) @RequirePermission('org:invoices:read') last() {}
  @Get('fresh') @returning('fresh', () => true) @RequireReverification('strict') fresh() {}
  @Get('fresh-no') @returning('fresh-no', () => false) @RequireReverification('strict') freshNo() {}
  @Get('both') @returning('second', () => true) @returning('first', () => false) both() {}
  @Get('public') @Public() public() {}
}

function throwing(): never {
  throw new Error('no ledger');
}

// ---- Decorators that an application composes of ours.

const Invoicing = () =>
  applyDecorators(
    AcceptsToken('session_token', 'api_key'),
    RequirePermission('org:invoices:read'),
    RequireScope('invoices:read'),
  );
const Writing = () => applyDecorators(RequirePermission('org:invoices:write'), RequireScope('invoices:write'));
const Dangerous = () => applyDecorators(Writing(), RequireReverification('strict'));

@Controller('vocabulary')
@Invoicing()
class Vocabulary {
  @Get('read') read() {}
  @Get('write') @Writing() write() {}
  @Get('remove') @Dangerous() remove() {}
  @Get('open') @Public() open() {}
  @Get('closed') @RequireAuth() closed() {}
}

// ---- Users.

class Greeting implements PipeTransform<User, string> {
  transform(user: User) {
    return `Hello ${user.firstName}`;
  }
}

@Controller('users')
class Users {
  @Get('me') me(@CurrentUser() user: User) {
    return { name: user.firstName, email: user.primaryEmailAddress?.emailAddress };
  }
  @Get('twice') twice(@CurrentUser() one: User, @CurrentUser() other: User) {
    return { same: one === other, name: one.firstName };
  }
  @Get('piped') piped(@CurrentUser(Greeting) greeting: string) {
    return { greeting };
  }
  @Get('number/:n') number(@Param('n', ParseIntPipe) n: number, @CurrentUser() user: User) {
    return { n, name: user.firstName };
  }
  @Get('id') id(@Auth('userId') userId: string) {
    return { userId };
  }
  @Get('public') @Public() public(@CurrentUser() user: User) {
    return { name: user.firstName };
  }
  @Get('public-id') @Public() publicId(@Auth('userId') userId: string | null) {
    return { userId };
  }
  @Get('admin') @RequireRole('org:admin') admin(@CurrentUser() user: User) {
    return { name: user.firstName };
  }
  @Get('any') @AcceptsToken('session_token', 'api_key', 'oauth_token') any(@CurrentUser() user: User) {
    return { name: user.firstName };
  }
}

describe.each(PLATFORMS)('authorization on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;
  let explaining: TestApp;
  const others: TestApp[] = [];

  const start = (options: ClerkModuleOptions) =>
    TestApp.on(platform)
      // These tests count how often users are loaded; current-user-cache.spec.ts tests the cache.
      .clerk({ ...options, currentUserCache: false })
      .controllers(Rights, Factors, Scopes, Predicates, Vocabulary, Users)
      .providers(Ledger, OwnsInvoice)
      .start();

  /** An application for one test. Nest logs to the last application started, so tests that read the log need their own. */
  async function startWith(options: ClerkModuleOptions = clerk.options): Promise<TestApp> {
    const other = await start(options);
    others.push(other);
    return other;
  }

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    [app, explaining] = await Promise.all([start(clerk.options), start({ ...clerk.options, explainDenials: true })]);
  });
  beforeEach(() => {
    predicateCalls.length = 0;
    clerk.reset();
    clerk.createOrganization({ id: 'org_acme', slug: 'acme' });
    clerk.createUser({ id: 'user_ada', firstName: 'Ada', emailAddress: 'ada@example.com' });
  });
  afterEach(() => Promise.all(others.splice(0).map((one) => one.close())));
  afterAll(() => Promise.all([app?.close(), explaining?.close(), clerk?.stop()]));

  const session = (has: Has = {}) => clerk.sessionToken({ user: 'user_ada', organization: 'org_acme', ...has });
  const as = async (path: string, has?: Has) => app.withToken(path, await session(has));
  const apiKey = (...scopes: string[]) => clerk.createApiKey({ subject: 'user_ada', scopes }).secret;
  const usersLoaded = () => clerk.countRequests('/v1/users/');

  const insufficient = {
    statusCode: 403,
    message: 'You do not have the permission to do this.',
    error: 'Forbidden',
    code: 'insufficient-permissions',
  };

  describe('for the rights of a session', () => {
    it.each(Object.keys(RIGHTS))('returns 200 on /rights/%s with the right, otherwise 403 or 401', async (name) => {
      const { passes, fails } = RIGHTS[name]!;
      for (const has of passes)
        expect({ has, status: (await as(`/rights/${name}`, has)).status }).toEqual({ has, status: 200 });
      for (const has of fails) {
        const { status, body, headers } = await as(`/rights/${name}`, has);
        expect({ has, status, body }).toEqual({ has, status: 403, body: insufficient });
        expect(headers.get('www-authenticate')).toBeNull();
      }
      expect((await app.send(`/rights/${name}`)).status).toBe(401);
    });

    it.each(Object.keys(RIGHTS))('names the missing right of /rights/%s if denials are explained', async (name) => {
      const { fails, missing } = RIGHTS[name]!;
      const token = await session(fails[0]);
      const { status, body } = await explaining.withToken(`/rights/${name}`, token);
      expect({ status, body }).toEqual({ status: 403, body: { ...insufficient, missing } });
    });

    it('returns 403 to a session without an organization, whatever roles and permissions its other claims name', async () => {
      for (const name of ['permission', 'role', 'any-role', 'params', 'stacked']) {
        const token = await clerk.sessionToken({
          user: 'user_ada',
          role: 'org:admin',
          permissions: ['org:invoices:read'],
          claims: { org_role: 'org:admin', org_permissions: ['org:invoices:read'], role: 'org:admin' },
        });
        expect((await app.withToken(`/rights/${name}`, token)).status).toBe(403);
      }
    });

    it('logs the missing rights at debug level, without the token', async () => {
      const token = await session();
      const own = await startWith();
      await own.withToken('/rights/stacked', token);
      expect(own.logger.ofGuard('debug')).toEqual([
        expect.stringMatching(
          /Rights\.stacked: denied 403 \(insufficient-permissions\): missing permission org:invoices:read and role org:admin/,
        ),
      ]);
      expect(own.logger.lines.join('\n')).not.toContain(token);
    });
  });

  describe('for @RequireReverification()', () => {
    it.each<[string, [number, number], [number, number], unknown]>([
      ['strict', [100, 3], [3, 100], 'strict'],
      ['own', [4, -1], [5, -1], { level: 'first_factor', afterMinutes: 5 }],
    ])('returns 403 with Clerk’s hint on /factors/%s unless factors are fresh', async (name, fresh, stale, asks) => {
      expect((await as(`/factors/${name}`, { factorVerificationAge: fresh })).status).toBe(200);
      const hint = {
        clerk_error: { type: 'forbidden', reason: 'reverification-error', metadata: { reverification: asks } },
      };
      for (const one of [app, explaining]) {
        const { status, body } = await one.withToken(
          `/factors/${name}`,
          await session({ factorVerificationAge: stale }),
        );
        expect({ status, body }).toEqual({ status: 403, body: hint });
        expect(isReverificationHint(body)).toBe(true);
      }
    });

    it('does not ask a caller to reverify who is signed out or lacks another right', async () => {
      const stale = { factorVerificationAge: [100, 100] } as const;
      const { status, body } = await as('/factors/admin', stale);
      expect({ status, body }).toEqual({ status: 403, body: insufficient });
      expect(isReverificationHint(body)).toBe(false);
      expect(isReverificationHint((await as('/factors/admin', { ...stale, role: 'org:admin' })).body)).toBe(true);
      expect(isReverificationHint((await app.send('/factors/strict')).body)).toBe(false);
    });
  });

  describe('for @RequireScope()', () => {
    /** RFC 6750, section 3.1: 403 with a challenge that names the required scopes. */
    function expectInsufficient({ status, headers, body }: Answer, scope: string) {
      expect({ status, challenge: headers.get('www-authenticate'), body }).toEqual({
        status: 403,
        challenge: `Bearer error="insufficient_scope", scope="${scope}"`,
        body: {
          statusCode: 403,
          message: 'The token lacks a scope that this needs.',
          error: 'Forbidden',
          code: 'insufficient-scope',
        },
      });
    }

    it('requires all of the named scopes of an API key, or one of them with anyOf()', async () => {
      const [read, write] = ['invoices:read', 'invoices:write'];
      expect((await app.withToken('/scopes/key', apiKey(read, 'x', write))).status).toBe(200);
      expect((await app.withToken('/scopes/any', apiKey(write))).status).toBe(200);
      for (const scopes of [[], [read], [write], ['invoices:read invoices:write'], ['invoices']]) {
        expectInsufficient(await app.withToken('/scopes/key', apiKey(...scopes)), `${read} ${write}`);
      }
      expectInsufficient(await app.withToken('/scopes/any', apiKey('x')), `${read} ${write}`);
    });

    it.each(['opaque', 'jwt'] as const)('requires the scope of M2M and OAuth tokens in %s format', async (format) => {
      const machine = clerk.createMachine();
      const m2m = async (...scopes: string[]) => (await clerk.createM2MToken({ machine, scopes, format })).token;
      expect((await app.withToken('/scopes/m2m', await m2m('mch_billing', 'mch_x'))).status).toBe(200);
      expectInsufficient(await app.withToken('/scopes/m2m', await m2m('mch_x')), 'mch_billing');
      expectInsufficient(await app.withToken('/scopes/m2m', await m2m()), 'mch_billing');

      const user = 'user_ada';
      const oauth = async (...scopes: string[]) => (await clerk.createOAuthToken({ user, scopes, format })).token;
      expect((await app.withToken('/scopes/oauth', await oauth('profile', 'invoices:read'))).status).toBe(200);
      expectInsufficient(await app.withToken('/scopes/oauth', await oauth('profile')), 'invoices:read');
    });

    it('lists the missing scopes in the body if denials are explained', async () => {
      const { body } = await explaining.withToken('/scopes/key', apiKey());
      expect(body).toMatchObject({
        code: 'insufficient-scope',
        missing: ['scope invoices:read and scope invoices:write'],
      });
    });

    it('checks scopes of API keys and permissions of sessions on a handler that accepts both', async () => {
      expect((await as('/scopes/mixed', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect((await app.withToken('/scopes/mixed', apiKey('invoices:read'))).status).toBe(200);
      expect((await as('/scopes/mixed')).body).toEqual(insufficient);
      // A session has no scopes, even if its claims name some.
      const claims = { scopes: ['invoices:read'], scope: 'invoices:read' };
      expect((await as('/scopes/mixed', { claims })).body).toEqual(insufficient);
      expectInsufficient(await app.withToken('/scopes/mixed', apiKey('org:invoices:read')), 'invoices:read');
    });

    it('sends a plain challenge without a token, and invalid_token for a token type that is not accepted', async () => {
      expect((await app.send('/scopes/mixed')).headers.get('www-authenticate')).toBe('Bearer');
      const { token } = await clerk.createOAuthToken({ user: 'user_ada', scopes: ['invoices:read'] });
      const { status, headers } = await app.withToken('/scopes/mixed', token);
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
    });
  });

  describe('for @RequireThat()', () => {
    it.each([
      ['sync', 200],
      ['async', 200],
      ['false', 403],
      ['async-false', 403],
      ['undefined', 403],
      ['string', 403],
      ['number', 403],
      ['object', 403],
      ['async-string', 403],
      ['throws', 403],
      ['rejects', 403],
    ])('calls the function of /predicates/%s once, and returns %i', async (name, status) => {
      const answer = await as(`/predicates/${name}`);
      expect(answer.status).toBe(status);
      if (status === 403) expect(answer.body).toEqual(insufficient);
      expect(predicateCalls.map((call) => call.name)).toEqual([name]);
    });

    it.each(['throws', 'rejects'])('logs the error of a function that %s, but does not return it', async (name) => {
      const own = await startWith();
      expect(JSON.stringify((await own.withToken(`/predicates/${name}`, await session())).body)).not.toContain(
        'ledger',
      );
      expect(own.logger.ofGuard('error')).toEqual([
        expect.stringMatching(/@RequireThat\(.*\) threw, so the call is denied: no ledger/),
      ]);
    });

    it('passes Clerk’s auth object and the ExecutionContext to the function', async () => {
      await as('/predicates/sync', { role: 'org:admin' });
      const [{ auth, context }] = predicateCalls as [(typeof predicateCalls)[0]];
      expect(auth).toMatchObject({ tokenType: 'session_token', userId: 'user_ada', orgId: 'org_acme' });
      expect((auth.has as (params: object) => boolean)({ role: 'org:admin' })).toBe(true);
      expect(context.getType()).toBe('http');
      expect([context.getClass(), context.getHandler()]).toEqual([Predicates, Predicates.prototype.sync]);
      expect(context.switchToHttp().getRequest<{ url: string }>().url).toBe('/predicates/sync');
    });

    it.each(['provided', 'unprovided'])('injects dependencies into a predicate class (%s)', async (name) => {
      expect((await as(`/predicates/${name}/7`)).status).toBe(200);
      expect((await as(`/predicates/${name}/8`)).body).toEqual(insufficient);
      const { owners } = app.get(Ledger);
      owners.set(8, 'user_ada');
      try {
        expect((await as(`/predicates/${name}/8`)).status).toBe(200);
      } finally {
        owners.delete(8);
      }
      expect((await app.send(`/predicates/${name}/7`)).status).toBe(401);
      expect(predicateCalls).toHaveLength(3);
    });

    it('uses the instance of a provided predicate class, and another one for a class that is not provided', async () => {
      const check = jest.spyOn(app.get(OwnsInvoice), 'check').mockReturnValue(true);
      try {
        expect((await as('/predicates/provided/9')).status).toBe(200);
        expect((await as('/predicates/unprovided/9')).status).toBe(403);
        expect(check).toHaveBeenCalledTimes(1);
      } finally {
        check.mockRestore();
      }
    });

    it('calls a predicate with appliesTo only for the token types that it names', async () => {
      expect((await app.withToken('/predicates/keys', apiKey())).body).toEqual(insufficient);
      expect((await as('/predicates/keys')).body).toEqual(insufficient);
      expect((await as('/predicates/keys', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect(predicateCalls.map(({ name, auth }) => [name, auth.tokenType])).toEqual([['keys', 'api_key']]);
      expect((await app.withToken('/predicates/each', apiKey())).body).toEqual(insufficient);
      expect((await as('/predicates/each')).status).toBe(200);
      expect(predicateCalls.slice(1).map(({ name }) => name)).toEqual(['keys', 'users']);
    });

    it('calls a predicate without appliesTo for every token type', async () => {
      const machine = clerk.createMachine();
      const tokens = [
        await session(),
        apiKey(),
        (await clerk.createM2MToken({ machine })).token,
        (await clerk.createOAuthToken({ user: 'user_ada' })).token,
      ];
      for (const token of tokens) expect((await app.withToken('/predicates/any', token)).status).toBe(200);
      expect(predicateCalls.map(({ auth }) => auth.tokenType)).toEqual([
        'session_token',
        'api_key',
        'm2m_token',
        'oauth_token',
      ]);
    });

    it('does not call the predicate for a signed-out caller or one who lacks another right', async () => {
      expect((await app.send('/predicates/last')).status).toBe(401);
      expect((await app.withToken('/predicates/last', await session({ expiresIn: -60 }))).status).toBe(401);
      expect((await app.withToken('/predicates/last', apiKey())).status).toBe(401);
      expect((await as('/predicates/last')).status).toBe(403);
      expect((await as('/predicates/public')).status).toBe(200);
      expect(predicateCalls).toEqual([]);
      expect((await as('/predicates/last', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect(predicateCalls.map(({ name }) => name)).toEqual(['last']);
    });

    it('calls the predicate before it asks for reverification', async () => {
      const stale = { factorVerificationAge: [100, 100] } as const;
      expect(isReverificationHint((await as('/predicates/fresh', stale)).body)).toBe(true);
      expect((await as('/predicates/fresh-no', stale)).body).toEqual(insufficient);
      expect(predicateCalls.map(({ name }) => name)).toEqual(['fresh', 'fresh-no']);
      expect((await as('/predicates/fresh', { factorVerificationAge: [0, 0] })).status).toBe(200);
    });

    it('calls no further predicate once one returns false', async () => {
      expect((await as('/predicates/both')).status).toBe(403);
      expect(predicateCalls.map(({ name }) => name)).toEqual(['first']);
    });

    it('names the predicate in the response if denials are explained', async () => {
      const token = await session();
      expect((await explaining.withToken('/predicates/provided/8', token)).body.missing).toEqual([
        'that OwnsInvoice agrees',
      ]);
      expect((await explaining.withToken('/predicates/false', token)).body.missing).toEqual([
        'that an unnamed function agrees',
      ]);
    });
  });

  describe('for decorators composed by the application', () => {
    const [READ, WRITE] = ['org:invoices:read', 'org:invoices:write'];
    const fresh = { factorVerificationAge: [0, 0] } as const;

    it('adds up the requirements of class and handler, except on a @Public() handler', async () => {
      const cases: [string, Has, number][] = [
        ['read', {}, 403],
        ['read', { permissions: [READ] }, 200],
        ['write', { permissions: [READ] }, 403],
        ['write', { permissions: [WRITE] }, 403],
        ['write', { permissions: [READ, WRITE] }, 200],
        ['remove', { permissions: [WRITE], ...fresh }, 403],
        ['remove', { permissions: [READ, WRITE], factorVerificationAge: [99, 99] }, 403],
        ['remove', { permissions: [READ, WRITE], ...fresh }, 200],
        ['open', {}, 200],
        ['closed', {}, 403],
        ['closed', { permissions: [READ] }, 200],
      ];
      for (const [path, has, status] of cases) {
        expect([path, has, (await as(`/vocabulary/${path}`, has)).status]).toEqual([path, has, status]);
      }
      expect((await app.send('/vocabulary/open')).status).toBe(200);
    });

    it('checks an API key only for the requirements that apply to API keys', async () => {
      const cases: [string, string[], number][] = [
        ['read', ['invoices:read'], 200],
        ['read', ['invoices:write'], 403],
        ['write', ['invoices:write'], 403],
        ['write', ['invoices:read', 'invoices:write'], 200],
        // Reverification does not apply to an API key.
        ['remove', ['invoices:read', 'invoices:write'], 200],
      ];
      for (const [path, scopes, status] of cases) {
        expect([path, scopes, (await app.withToken(`/vocabulary/${path}`, apiKey(...scopes))).status]).toEqual([
          path,
          scopes,
          status,
        ]);
      }
    });
  });

  describe('for @CurrentUser()', () => {
    it('passes Clerk’s User to the handler, with or without pipes and other parameters', async () => {
      expect((await as('/users/me')).body).toEqual({ name: 'Ada', email: 'ada@example.com' });
      expect((await as('/users/piped')).body).toEqual({ greeting: 'Hello Ada' });
      expect((await as('/users/number/7')).body).toEqual({ n: 7, name: 'Ada' });
    });

    it('loads the user once per request for any number of parameters, and again for the next request', async () => {
      expect((await as('/users/twice')).body).toEqual({ same: true, name: 'Ada' });
      expect(usersLoaded()).toBe(1);
      await as('/users/twice');
      expect(usersLoaded()).toBe(2);
    });

    it('loads no user if the handler does not use it, or the call is denied', async () => {
      expect((await as('/users/id')).body).toEqual({ userId: 'user_ada' });
      expect((await as('/users/public-id')).body).toEqual({ userId: 'user_ada' });
      expect((await as('/users/admin')).status).toBe(403);
      expect((await app.send('/users/me')).status).toBe(401);
      expect((await as('/rights/permission', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect(usersLoaded()).toBe(0);
      expect((await as('/users/admin', { role: 'org:admin' })).body).toEqual({ name: 'Ada' });
      expect(usersLoaded()).toBe(1);
    });

    it('never mixes up the users of concurrent requests', async () => {
      const names = Array.from({ length: 20 }, (_unused, index) => `User ${index}`);
      const answers = await Promise.all(
        names.map(async (firstName) => {
          const token = await clerk.sessionToken({ user: clerk.createUser({ firstName }) });
          return (await app.withToken('/users/twice', token)).body;
        }),
      );
      expect(answers).toEqual(names.map((name) => ({ same: true, name })));
    });

    it('returns 401 on a @Public() handler without a token and for a pending session', async () => {
      expect((await as('/users/public')).body).toEqual({ name: 'Ada' });
      const pending = await session({ sessionStatus: 'pending' });
      for (const answer of [await app.send('/users/public'), await app.withToken('/users/public', pending)]) {
        expect(answer).toMatchObject({ status: 401, body: { code: 'authentication-required' } });
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
      expect(usersLoaded()).toBe(1);
    });

    it('passes the user of API keys and OAuth tokens, and returns 403 for the API key of an organization', async () => {
      const { token } = await clerk.createOAuthToken({ user: 'user_ada' });
      expect((await app.withToken('/users/any', token)).body).toEqual({ name: 'Ada' });
      expect((await app.withToken('/users/any', apiKey())).body).toEqual({ name: 'Ada' });
      const ofOrganization = clerk.createApiKey({ subject: 'org_acme' }).secret;
      expect(await app.withToken('/users/any', ofOrganization)).toMatchObject({
        status: 403,
        body: { code: 'user-required' },
      });
    });

    it('returns 404 for a deleted user, but 200 if the handler does not use the user', async () => {
      const token = await session();
      await app.get(ClerkClientService).users.deleteUser('user_ada');
      expect(await app.withToken('/users/me', token)).toMatchObject({ status: 404, body: { code: 'user-not-found' } });
      expect((await app.withToken('/users/id', token)).status).toBe(200);
    });

    it.each([
      'refuse',
      'garbage',
      { status: 500 },
      { status: 502, html: true },
      { status: 429, retryAfter: 0 },
    ] as const)('returns 503 in an outage of Clerk’s users API (%j), and 200 after it', async (kind) => {
      const token = await session();
      clerk.outage(kind, '/v1/users/');
      for (const path of ['me', 'public']) {
        const { status, body } = await app.withToken(`/users/${path}`, token);
        expect([status, body.code]).toEqual([503, 'clerk-unavailable']);
      }
      clerk.recover();
      expect((await app.withToken('/users/me', token)).status).toBe(200);
    });

    it('returns 503 if Clerk does not return the user within timeoutInMs', async () => {
      const impatient = await startWith({ ...clerk.options, timeoutInMs: 1_000 });
      const token = await session();
      expect((await impatient.withToken('/users/me', token)).status).toBe(200);
      clerk.outage('hang', '/v1/users/');
      expect((await impatient.withToken('/users/me', token)).status).toBe(503);
    });

    it('returns 503 on a @Public() handler if Clerk’s keys cannot be fetched', async () => {
      const other = await startWith(clerk.options);
      clerk.outage({ status: 500 });
      expect(await other.withToken('/users/public', await session())).toMatchObject({
        status: 503,
        body: { code: 'clerk-unavailable' },
      });
    });

    it('returns 500 without the secret key if Clerk rejects it, for the key set or for the user', async () => {
      const refused = { ...clerk.options, secretKey: 'sk_test_another' };
      const [networkless, fetching] = [await startWith({ ...refused, jwtKey: clerk.jwtKey }), await startWith(refused)];
      for (const [one, path] of [
        [networkless, 'me'],
        [networkless, 'public'],
        [fetching, 'me'],
        [fetching, 'public'],
      ] as const) {
        const { status, body } = await one.withToken(`/users/${path}`, await session());
        expect([path, status, body.code]).toEqual([path, 500, 'clerk-key-rejected']);
        expect(JSON.stringify(body)).not.toContain('sk_test');
      }
    });

    it('loads the user from the Clerk instance of the tenant, and resolves its options once per request', async () => {
      const tenant = await LocalClerk.start();
      try {
        tenant.createUser({ id: 'user_ada', firstName: 'Another Ada' });
        const instances: Record<string, LocalClerk> = { home: clerk, away: tenant };
        const resolveOptions = jest.fn(
          ({ headers }: { headers: Record<string, string> }) => instances[headers['x-tenant'] ?? '']?.options,
        );
        const app = await startWith({ resolveOptions: resolveOptions as ClerkModuleOptions['resolveOptions'] });
        for (const [name, firstName] of [
          ['home', 'Ada'],
          ['away', 'Another Ada'],
        ] as const) {
          const token = await instances[name]!.sessionToken({ user: 'user_ada' });
          const { body } = await app.withToken('/users/twice', token, { 'x-tenant': name });
          expect(body).toEqual({ same: true, name: firstName });
        }
        expect([usersLoaded(), tenant.countRequests('/v1/users/')]).toEqual([1, 1]);
        // Once per request, and not again for its user.
        expect(resolveOptions).toHaveBeenCalledTimes(2);
      } finally {
        await tenant.stop();
      }
    });
  });
});
