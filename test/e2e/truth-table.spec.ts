import { createHmac } from 'node:crypto';

import { Controller, Get } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';

import {
  AcceptsToken,
  Auth,
  ClerkModule,
  Public,
  RequireAuth,
  RequirePermission,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

const PERMISSION = 'org:invoices:create';
const FRONTEND = 'https://app.example.com';

@Controller()
class Routes {
  @Get('default') default(@Auth() auth: AuthObject) {
    return auth;
  }
  @Public() @Get('public') public(@Auth() auth: AuthObject) {
    return auth;
  }
  @RequireAuth() @Get('require-auth') requireAuth(@Auth() auth: AuthObject) {
    return auth;
  }
  @SkipAuth() @Get('skip-auth') skipAuth() {
    return { isAuthenticated: null };
  }
  @AcceptsToken('api_key') @Get('api-key') apiKey(@Auth() auth: AuthObject) {
    return auth;
  }
  @AcceptsToken('api_key') @Public() @Get('public-api-key') publicApiKey(@Auth() auth: AuthObject) {
    return auth;
  }
  @RequirePermission(PERMISSION) @Get('permission') permission(@Auth() auth: AuthObject) {
    return auth;
  }
}

/** A caller: what it sends, and Clerk's word for refusing it on session routes and on API key routes. */
interface Caller {
  readonly headers: (clerk: LocalClerk, other: LocalClerk) => Promise<Record<string, string>> | Record<string, string>;
  /** `null` where it is signed in. */
  readonly session: string | null;
  readonly apiKey: string | null;
  /** Whether a route for sessions, and one for API keys, sees a credential. */
  readonly sent: readonly [boolean, boolean];
  readonly mayCreate?: boolean;
  readonly pending?: boolean;
}

const bearer = async (token: string | Promise<string>) => ({
  authorization: `Bearer ${await token}`,
});
const MISMATCH = 'token-type-mismatch';
const NO_HEADER = 'No token in header';
const forged = { apiKey: MISMATCH, sent: [true, true] } as const;
const azp = { authorizedParty: FRONTEND };

const CALLERS: Record<string, Caller> = {
  'no token': {
    headers: () => ({}),
    session: 'dev-browser-missing',
    apiKey: NO_HEADER,
    sent: [false, false],
  },
  'valid header token': {
    headers: (clerk) => bearer(clerk.sessionToken(azp)),
    session: null,
    ...forged,
  },
  'valid header token with the permission': {
    headers: (clerk) =>
      bearer(
        clerk.sessionToken({
          ...azp,
          organization: clerk.createOrganization(),
          permissions: [PERMISSION],
        }),
      ),
    session: null,
    mayCreate: true,
    ...forged,
  },
  'valid header token with another permission': {
    headers: (clerk) =>
      bearer(
        clerk.sessionToken({
          ...azp,
          organization: clerk.createOrganization(),
          permissions: ['org:invoices:read'],
        }),
      ),
    session: null,
    ...forged,
  },
  'valid cookie session': {
    headers: async (clerk) => ({
      cookie: `__session=${await clerk.sessionToken(azp)}; __client_uat=1; __clerk_db_jwt=dvb_1`,
    }),
    session: null,
    apiKey: NO_HEADER,
    sent: [true, false],
  },
  expired: {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, issuedAt: seconds(-120), expiresIn: 60 })),
    session: 'session-token-expired-refresh-non-eligible-no-refresh-cookie',
    ...forged,
  },
  'expired in a cookie': {
    headers: async (clerk) => ({
      cookie: `__session=${await clerk.sessionToken({ ...azp, issuedAt: seconds(-120) })}; __client_uat=1; __clerk_db_jwt=d`,
    }),
    session: 'session-token-expired-refresh-non-eligible-no-refresh-cookie',
    apiKey: NO_HEADER,
    sent: [true, false],
  },
  'not yet valid': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, notBefore: seconds(60) })),
    session: 'session-token-nbf',
    ...forged,
  },
  'issued in the future': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, issuedAt: seconds(60), notBefore: seconds(0) })),
    session: 'session-token-iat-in-the-future',
    ...forged,
  },
  'wrong signature': {
    headers: async (clerk) => {
      const [head, payload, signature] = (await clerk.sessionToken(azp)).split('.');
      return bearer(
        [
          head,
          payload,
          [...signature!]
            .reverse()
            .join('')
            .replace(/^.(.*).$/, 'A$1A'),
        ].join('.'),
      );
    },
    session: 'token-invalid-signature',
    ...forged,
  },
  'other instance’s key': {
    headers: (_, other) => bearer(other.sessionToken(azp)),
    session: 'jwk-kid-mismatch',
    ...forged,
  },
  'other instance’s key under our kid': {
    headers: async (clerk, other) => bearer(clerk.sessionToken({ ...azp, key: other })),
    session: 'token-invalid-signature',
    ...forged,
  },
  'alg: none': {
    headers: async (clerk) => {
      const [, payload] = (await clerk.sessionToken(azp)).split('.');
      return bearer(`${header({ alg: 'none', kid: kidOf(await clerk.sessionToken()) })}.${payload}.`);
    },
    session: 'token-invalid-algorithm',
    ...forged,
  },
  'HS256 signed with the public key': {
    headers: async (clerk) => bearer(hs256(await clerk.sessionToken(azp), clerk.jwtKey)),
    session: 'token-invalid-algorithm',
    ...forged,
  },
  'no kid': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, header: { kid: undefined } })),
    session: 'jwk-kid-mismatch',
    ...forged,
  },
  'wrong azp': {
    headers: (clerk) => bearer(clerk.sessionToken({ authorizedParty: 'https://evil.example' })),
    session: 'token-invalid-authorized-parties',
    ...forged,
  },
  'JWT-template token': {
    headers: (clerk) => bearer(clerk.templateToken({ claims: { azp: FRONTEND } })),
    session: MISMATCH,
    ...forged,
  },
  'M2M token': {
    headers: async (clerk) => bearer((await clerk.createM2MToken({ machine: clerk.createMachine() })).token),
    session: 'token-invalid',
    ...forged,
  },
  'M2M token as JWT': {
    headers: async (clerk) =>
      bearer((await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt' })).token),
    session: MISMATCH,
    ...forged,
  },
  'API key': {
    headers: (clerk) => bearer(clerk.createApiKey({ subject: clerk.createUser() }).secret),
    session: 'token-invalid',
    apiKey: null,
    sent: [true, true],
  },
  'revoked API key': {
    headers: (clerk) => {
      const key = clerk.createApiKey({ subject: clerk.createUser() });
      clerk.revoke(key.id);
      return bearer(key.secret);
    },
    session: 'token-invalid',
    apiKey: 'token-invalid',
    sent: [true, true],
  },
  'unknown API key': {
    headers: () => bearer('ak_unknown'),
    session: 'token-invalid',
    apiKey: 'token-invalid',
    sent: [true, true],
  },
  'pending session': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, sessionStatus: 'pending' })),
    session: null,
    pending: true,
    ...forged,
  },
  garbage: {
    headers: () => bearer('garbage'),
    session: 'token-invalid',
    ...forged,
  },
  'a hostile session cookie': {
    headers: () => ({
      cookie: `__session=${header({ alg: 'RS256' })}.${header(null)}.AAAA; __client_uat=1; __clerk_db_jwt=d`,
    }),
    session: 'unexpected-error',
    apiKey: NO_HEADER,
    sent: [true, false],
  },
};

const ROUTES = ['default', 'require-auth', 'permission', 'public', 'api-key', 'public-api-key', 'skip-auth'] as const;

const WAYS = {
  forRoot: (options: ClerkModuleOptions) => [ClerkModule.forRoot(options)],
  forRootAsync: (options: ClerkModuleOptions) => [
    ClerkModule.forRootAsync({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => options] })],
      inject: [ConfigService],
      useFactory: (config: ConfigService<ClerkModuleOptions>) =>
        Object.fromEntries(Object.keys(options).map((name) => [name, config.get(name as never)])),
    }),
  ],
};

/** Who passes where, and what everybody else is told. */
function expected(caller: Caller, route: (typeof ROUTES)[number]) {
  const forApiKeys = route.endsWith('api-key');
  const reason = forApiKeys ? caller.apiKey : caller.session;
  const signedIn = reason === null && !(caller.pending && !forApiKeys);
  const sent = caller.sent[forApiKeys ? 1 : 0];
  const lax = route.startsWith('public');

  if (route === 'skip-auth') return { status: 200, code: undefined, challenge: null, reason: null, signedIn: null };
  const status = signedIn ? (route === 'permission' && !caller.mayCreate ? 403 : 200) : lax ? 200 : 401;
  const refusal =
    caller.pending && !forApiKeys ? 'session-pending' : sent ? 'token-invalid' : 'authentication-required';
  return {
    status,
    code: { 200: undefined, 401: refusal, 403: 'insufficient-permissions' }[status],
    challenge: status === 401 ? (sent ? 'Bearer error="invalid_token"' : 'Bearer') : null,
    reason,
    signedIn: status === 200 ? signedIn : undefined,
  };
}

describe.each(PLATFORMS)('the truth table on %s', (_, platform) => {
  describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('with %s', (way) => {
    let clerk: LocalClerk;
    let other: LocalClerk;
    let app: TestApp;

    beforeAll(async () => {
      [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
      app = await TestApp.on(platform)
        .imports(...WAYS[way]({ ...clerk.options, authorizedParties: [FRONTEND] }))
        .controllers(Routes)
        .start();
    });
    afterAll(() => Promise.all([app?.close(), clerk?.stop(), other?.stop()]));

    describe.each(Object.keys(CALLERS))('%s', (name) => {
      const caller = CALLERS[name]!;

      it.each(ROUTES)('to %s', async (route) => {
        const want = expected(caller, route);
        const { status, headers, body } = await app.send(`/${route}`, await caller.headers(clerk, other));
        expect({
          status,
          code: body.code,
          challenge: headers.get('www-authenticate'),
          reason: headers.get('x-clerk-auth-reason'),
          signedIn: body.isAuthenticated,
        }).toEqual(want);
        expect(headers.get('x-clerk-auth-status')).toBe(want.reason === null ? null : 'signed-out');
        expect(headers.get('x-clerk-auth-message')).toBeNull();
        if (status !== 200)
          expect(body).toMatchObject({
            statusCode: status,
            message: expect.any(String),
            error: expect.any(String),
          });
      });
    });

    it('never let a token or key into the log', async () => {
      const secrets = [clerk.secretKey, /eyJ[\w-]+\.[\w-]+/, /ak_\w+/, /mt_\w+/];
      expect(app.logger.ofGuard('debug').length).toBeGreaterThan(0);
      for (const secret of secrets) expect(app.logger.lines.join('\n')).not.toMatch(secret);
    });
  });
});

function seconds(offset: number): number {
  return Math.floor(Date.now() / 1000) + offset;
}

function header(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid;
}

function hs256(token: string, secret: string): string {
  const [, payload] = token.split('.');
  const input = `${header({ alg: 'HS256', typ: 'JWT', kid: kidOf(token) })}.${payload}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
