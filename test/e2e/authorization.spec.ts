/** Every requirement decorator in a running application, before callers with real tokens who have the right and who lack it. */
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

// ---- What is asked for.

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

/** Sessions that pass, sessions that do not, and what the latter are told is missing where denials are explained. */
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

// ---- The application's own predicates.

/** Every call of a predicate. */
const asked: { name: string; auth: AuthObject; context: ExecutionContext }[] = [];

const answering = (name: string, answer: () => unknown, type?: TokenType) =>
  RequireThat(
    ((auth: AuthObject, context: ExecutionContext) => {
      asked.push({ name, auth, context });
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
    asked.push({ name: 'OwnsInvoice', auth, context });
    const { params } = context.switchToHttp().getRequest<{ params: { id: string } }>();
    return 'userId' in auth && auth.userId !== null && this.ledger.owners.get(Number(params.id)) === auth.userId;
  }
}

/** Nobody's provider: made for the controller, with what its module has to inject. */
class OwnsInvoiceToo extends OwnsInvoice {}
Reflect.defineMetadata('design:paramtypes', [Ledger], OwnsInvoiceToo);

@Controller('predicates')
class Predicates {
  @Get('sync') @answering('sync', () => true) sync() {}
  @Get('async') @answering('async', () => Promise.resolve(true)) async() {}
  @Get('no') @answering('no', () => false) no() {}
  @Get('async-no') @answering('async-no', () => Promise.resolve(false)) asyncNo() {}
  @Get('nothing') @answering('nothing', () => undefined) nothing() {}
  @Get('truthy') @answering('truthy', () => 'yes') truthy() {}
  @Get('one') @answering('one', () => 1) one() {}
  @Get('object') @answering('object', () => ({ allowed: true })) object() {}
  @Get('async-truthy') @answering('async-truthy', () => Promise.resolve('yes')) asyncTruthy() {}
  @Get('throws') @answering('throws', throwing) throws() {}
  @Get('rejects') @answering('rejects', () => Promise.reject(new Error('no ledger'))) rejects() {}
  @Get('provided/:id') @RequireThat(OwnsInvoice) provided() {}
  @Get('made/:id') @RequireThat(OwnsInvoiceToo) made() {}
  @Get('any') @AcceptsToken('any') @answering('any', () => true) any() {}
  @Get('keys')
  @AcceptsToken('session_token', 'api_key')
  @RequirePermission('org:invoices:read')
  @answering('keys', () => false, 'api_key')
  keys() {}
  @Get('each')
  @AcceptsToken('session_token', 'api_key')
  @answering('users', () => true, 'session_token')
  @answering('keys', () => false, 'api_key')
  each() {}
  @Get('last') @answering('last', () => true) @RequirePermission('org:invoices:read') last() {}
  @Get('fresh') @answering('fresh', () => true) @RequireReverification('strict') fresh() {}
  @Get('fresh-no') @answering('fresh-no', () => false) @RequireReverification('strict') freshNo() {}
  @Get('both') @answering('second', () => true) @answering('first', () => false) both() {}
  @Get('public') @Public() public() {}
}

function throwing(): never {
  throw new Error('no ledger');
}

// ---- Words that an application makes of ours.

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
      // What is loaded is counted here; current-user-cache.spec.ts is about users who are remembered.
      .clerk({ ...options, currentUserCache: false })
      .controllers(Rights, Factors, Scopes, Predicates, Vocabulary, Users)
      .providers(Ledger, OwnsInvoice)
      .start();

  /** An application for one test. Nest logs to the one started last, so tests that read the log need their own. */
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
    asked.length = 0;
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

  describe('rights', () => {
    it.each(Object.keys(RIGHTS))('%s: lets through who has it, and refuses who lacks it', async (name) => {
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

    it.each(Object.keys(RIGHTS))('%s: tells what is missing where the application explains denials', async (name) => {
      const { fails, missing } = RIGHTS[name]!;
      const token = await session(fails[0]);
      const { status, body } = await explaining.withToken(`/rights/${name}`, token);
      expect({ status, body }).toEqual({ status: 403, body: { ...insufficient, missing } });
    });

    it('are none of a session without an organization, whatever its token says elsewhere', async () => {
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

    it('tell the log what was missing, and nothing that was sent', async () => {
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

  describe('reverification', () => {
    it.each<[string, [number, number], [number, number], unknown]>([
      ['strict', [100, 3], [3, 100], 'strict'],
      ['own', [4, -1], [5, -1], { level: 'first_factor', afterMinutes: 5 }],
    ])('%s: is refused exactly as Clerk says it, until the factor is fresh', async (name, fresh, stale, asks) => {
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

    it('is not asked of who could not pass with it either', async () => {
      const stale = { factorVerificationAge: [100, 100] } as const;
      const { status, body } = await as('/factors/admin', stale);
      expect({ status, body }).toEqual({ status: 403, body: insufficient });
      expect(isReverificationHint(body)).toBe(false);
      expect(isReverificationHint((await as('/factors/admin', { ...stale, role: 'org:admin' })).body)).toBe(true);
      expect(isReverificationHint((await app.send('/factors/strict')).body)).toBe(false);
    });
  });

  describe('scopes', () => {
    /** RFC 6750, section 3.1: 403, and a challenge that names what the token needs. */
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

    it('of API keys: all that are named, or any of them', async () => {
      const [read, write] = ['invoices:read', 'invoices:write'];
      expect((await app.withToken('/scopes/key', apiKey(read, 'x', write))).status).toBe(200);
      expect((await app.withToken('/scopes/any', apiKey(write))).status).toBe(200);
      for (const scopes of [[], [read], [write], ['invoices:read invoices:write'], ['invoices']]) {
        expectInsufficient(await app.withToken('/scopes/key', apiKey(...scopes)), `${read} ${write}`);
      }
      expectInsufficient(await app.withToken('/scopes/any', apiKey('x')), `${read} ${write}`);
    });

    it.each(['opaque', 'jwt'] as const)('of M2M and OAuth tokens (%s)', async (format) => {
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

    it('name what is missing in the body only where the application explains denials', async () => {
      const { body } = await explaining.withToken('/scopes/key', apiKey());
      expect(body).toMatchObject({
        code: 'insufficient-scope',
        missing: ['scope invoices:read and scope invoices:write'],
      });
    });

    it('hold keys, and permissions sessions, where both are accepted', async () => {
      expect((await as('/scopes/mixed', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect((await app.withToken('/scopes/mixed', apiKey('invoices:read'))).status).toBe(200);
      expect((await as('/scopes/mixed')).body).toEqual(insufficient);
      // A session has no scopes, though its claims may say so.
      const claims = { scopes: ['invoices:read'], scope: 'invoices:read' };
      expect((await as('/scopes/mixed', { claims })).body).toEqual(insufficient);
      expectInsufficient(await app.withToken('/scopes/mixed', apiKey('org:invoices:read')), 'invoices:read');
    });

    it('challenge who sends nothing, or a token that is not accepted, as ever', async () => {
      expect((await app.send('/scopes/mixed')).headers.get('www-authenticate')).toBe('Bearer');
      const { token } = await clerk.createOAuthToken({ user: 'user_ada', scopes: ['invoices:read'] });
      const { status, headers } = await app.withToken('/scopes/mixed', token);
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
    });
  });

  describe('@RequireThat()', () => {
    it.each([
      ['sync', 200],
      ['async', 200],
      ['no', 403],
      ['async-no', 403],
      ['nothing', 403],
      ['truthy', 403],
      ['one', 403],
      ['object', 403],
      ['async-truthy', 403],
      ['throws', 403],
      ['rejects', 403],
    ])('a function (%s): %i', async (name, status) => {
      const answer = await as(`/predicates/${name}`);
      expect(answer.status).toBe(status);
      if (status === 403) expect(answer.body).toEqual(insufficient);
      expect(asked.map((call) => call.name)).toEqual([name]);
    });

    it.each(['throws', 'rejects'])('tells the operator of one that %s, and not the caller', async (name) => {
      const own = await startWith();
      expect(JSON.stringify((await own.withToken(`/predicates/${name}`, await session())).body)).not.toContain(
        'ledger',
      );
      expect(own.logger.ofGuard('error')).toEqual([
        expect.stringMatching(/@RequireThat\(.*\) threw, so the call is denied: no ledger/),
      ]);
    });

    it('is given Clerk’s auth object and the ExecutionContext', async () => {
      await as('/predicates/sync', { role: 'org:admin' });
      const [{ auth, context }] = asked as [(typeof asked)[0]];
      expect(auth).toMatchObject({ tokenType: 'session_token', userId: 'user_ada', orgId: 'org_acme' });
      expect((auth.has as (params: object) => boolean)({ role: 'org:admin' })).toBe(true);
      expect(context.getType()).toBe('http');
      expect([context.getClass(), context.getHandler()]).toEqual([Predicates, Predicates.prototype.sync]);
      expect(context.switchToHttp().getRequest<{ url: string }>().url).toBe('/predicates/sync');
    });

    it.each(['provided', 'made'])('a class (%s) is asked with what is injected into it', async (name) => {
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
      expect(asked).toHaveLength(3);
    });

    it('asks the instance that the application has, and makes one only where it has none', async () => {
      const check = jest.spyOn(app.get(OwnsInvoice), 'check').mockReturnValue(true);
      try {
        expect((await as('/predicates/provided/9')).status).toBe(200);
        expect((await as('/predicates/made/9')).status).toBe(403);
        expect(check).toHaveBeenCalledTimes(1);
      } finally {
        check.mockRestore();
      }
    });

    it('applies to the types of token that it names, and is not asked about others', async () => {
      expect((await app.withToken('/predicates/keys', apiKey())).body).toEqual(insufficient);
      expect((await as('/predicates/keys')).body).toEqual(insufficient);
      expect((await as('/predicates/keys', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect(asked.map(({ name, auth }) => [name, auth.tokenType])).toEqual([['keys', 'api_key']]);
      expect((await app.withToken('/predicates/each', apiKey())).body).toEqual(insufficient);
      expect((await as('/predicates/each')).status).toBe(200);
      expect(asked.slice(1).map(({ name }) => name)).toEqual(['keys', 'users']);
    });

    it('applies to every type of token where it names none', async () => {
      const machine = clerk.createMachine();
      const tokens = [
        await session(),
        apiKey(),
        (await clerk.createM2MToken({ machine })).token,
        (await clerk.createOAuthToken({ user: 'user_ada' })).token,
      ];
      for (const token of tokens) expect((await app.withToken('/predicates/any', token)).status).toBe(200);
      expect(asked.map(({ auth }) => auth.tokenType)).toEqual(['session_token', 'api_key', 'm2m_token', 'oauth_token']);
    });

    it('is asked neither about strangers nor about who lacks another right', async () => {
      expect((await app.send('/predicates/last')).status).toBe(401);
      expect((await app.withToken('/predicates/last', await session({ expiresIn: -60 }))).status).toBe(401);
      expect((await app.withToken('/predicates/last', apiKey())).status).toBe(401);
      expect((await as('/predicates/last')).status).toBe(403);
      expect((await as('/predicates/public')).status).toBe(200);
      expect(asked).toEqual([]);
      expect((await as('/predicates/last', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect(asked.map(({ name }) => name)).toEqual(['last']);
    });

    it('is asked before anybody is sent to verify a factor again', async () => {
      const stale = { factorVerificationAge: [100, 100] } as const;
      expect(isReverificationHint((await as('/predicates/fresh', stale)).body)).toBe(true);
      expect((await as('/predicates/fresh-no', stale)).body).toEqual(insufficient);
      expect(asked.map(({ name }) => name)).toEqual(['fresh', 'fresh-no']);
      expect((await as('/predicates/fresh', { factorVerificationAge: [0, 0] })).status).toBe(200);
    });

    it('is asked no more once another does not agree', async () => {
      expect((await as('/predicates/both')).status).toBe(403);
      expect(asked.map(({ name }) => name)).toEqual(['first']);
    });

    it('is named where the application explains denials', async () => {
      const token = await session();
      expect((await explaining.withToken('/predicates/provided/8', token)).body.missing).toEqual([
        'that OwnsInvoice agrees',
      ]);
      expect((await explaining.withToken('/predicates/no', token)).body.missing).toEqual([
        'that an unnamed function agrees',
      ]);
    });
  });

  describe('an application’s own words', () => {
    const [READ, WRITE] = ['org:invoices:read', 'org:invoices:write'];
    const fresh = { factorVerificationAge: [0, 0] } as const;

    it('add up, of class and handler', async () => {
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

    it('hold each type of token to what applies to it', async () => {
      const cases: [string, string[], number][] = [
        ['read', ['invoices:read'], 200],
        ['read', ['invoices:write'], 403],
        ['write', ['invoices:write'], 403],
        ['write', ['invoices:read', 'invoices:write'], 200],
        // An API key has no factor to verify again.
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

  describe('@CurrentUser()', () => {
    it('gives Clerk’s User, through pipes and beside other parameters', async () => {
      expect((await as('/users/me')).body).toEqual({ name: 'Ada', email: 'ada@example.com' });
      expect((await as('/users/piped')).body).toEqual({ greeting: 'Hello Ada' });
      expect((await as('/users/number/7')).body).toEqual({ n: 7, name: 'Ada' });
    });

    it('loads it once for a request, however many parameters ask, and anew for the next', async () => {
      expect((await as('/users/twice')).body).toEqual({ same: true, name: 'Ada' });
      expect(usersLoaded()).toBe(1);
      await as('/users/twice');
      expect(usersLoaded()).toBe(2);
    });

    it('loads nobody for who does not ask, nor for who may not pass', async () => {
      expect((await as('/users/id')).body).toEqual({ userId: 'user_ada' });
      expect((await as('/users/public-id')).body).toEqual({ userId: 'user_ada' });
      expect((await as('/users/admin')).status).toBe(403);
      expect((await app.send('/users/me')).status).toBe(401);
      expect((await as('/rights/permission', { permissions: ['org:invoices:read'] })).status).toBe(200);
      expect(usersLoaded()).toBe(0);
      expect((await as('/users/admin', { role: 'org:admin' })).body).toEqual({ name: 'Ada' });
      expect(usersLoaded()).toBe(1);
    });

    it('never mixes users of concurrent requests', async () => {
      const names = Array.from({ length: 20 }, (_unused, index) => `User ${index}`);
      const answers = await Promise.all(
        names.map(async (firstName) => {
          const token = await clerk.sessionToken({ user: clerk.createUser({ firstName }) });
          return (await app.withToken('/users/twice', token)).body;
        }),
      );
      expect(answers).toEqual(names.map((name) => ({ same: true, name })));
    });

    it('401 where nobody is signed in on a @Public() handler', async () => {
      expect((await as('/users/public')).body).toEqual({ name: 'Ada' });
      const pending = await session({ sessionStatus: 'pending' });
      for (const answer of [await app.send('/users/public'), await app.withToken('/users/public', pending)]) {
        expect(answer).toMatchObject({ status: 401, body: { code: 'authentication-required' } });
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
      expect(usersLoaded()).toBe(1);
    });

    it('gives the user of API keys and OAuth tokens; 403 for the key of an organization', async () => {
      const { token } = await clerk.createOAuthToken({ user: 'user_ada' });
      expect((await app.withToken('/users/any', token)).body).toEqual({ name: 'Ada' });
      expect((await app.withToken('/users/any', apiKey())).body).toEqual({ name: 'Ada' });
      const ofOrganization = clerk.createApiKey({ subject: 'org_acme' }).secret;
      expect(await app.withToken('/users/any', ofOrganization)).toMatchObject({
        status: 403,
        body: { code: 'user-required' },
      });
    });

    it('404 for a user who has been deleted', async () => {
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
    ] as const)('503 in an outage: %j', async (kind) => {
      const token = await session();
      clerk.outage(kind, '/v1/users/');
      for (const path of ['me', 'public']) {
        const { status, body } = await app.withToken(`/users/${path}`, token);
        expect([status, body.code]).toEqual([503, 'clerk-unavailable']);
      }
      clerk.recover();
      expect((await app.withToken('/users/me', token)).status).toBe(200);
    });

    it('503 where Clerk does not answer in time', async () => {
      const impatient = await startWith({ ...clerk.options, timeoutInMs: 1_000 });
      const token = await session();
      expect((await impatient.withToken('/users/me', token)).status).toBe(200);
      clerk.outage('hang', '/v1/users/');
      expect((await impatient.withToken('/users/me', token)).status).toBe(503);
    });

    it('503 on a @Public() handler where Clerk’s keys cannot be fetched', async () => {
      const other = await startWith(clerk.options);
      clerk.outage({ status: 500 });
      expect(await other.withToken('/users/public', await session())).toMatchObject({
        status: 503,
        body: { code: 'clerk-unavailable' },
      });
    });

    it('500 where Clerk refuses our key, be it for the keys of the instance or for the user', async () => {
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

    it('asks the instance that the request belongs to', async () => {
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
        // Once for each request, not again for its user.
        expect(resolveOptions).toHaveBeenCalledTimes(2);
      } finally {
        await tenant.stop();
      }
    });
  });
});
