/** Who calls what: the table that holds on every transport, and what it takes to run it over one. */
import { createHmac } from 'node:crypto';

import type { LocalClerk } from '../../lib/testing/index.js';

/** What every application under the table has to be like: `authorizedParties`, and the permission of one route. */
export const FRONTEND = 'https://app.example.com';
export const PERMISSION = 'org:invoices:create';

/** The handlers that every transport has, by the protection that they are named after. */
export const ROUTES = [
  'default',
  'require-auth',
  'permission',
  'public',
  'api-key',
  'public-api-key',
  'skip-auth',
] as const;
export type Route = (typeof ROUTES)[number];

/** A caller: what it sends, and Clerk's word for refusing it on session routes and on API key routes. */
export interface Caller {
  readonly headers: (clerk: LocalClerk, other: LocalClerk) => Promise<Record<string, string>> | Record<string, string>;
  /** `null` where it is signed in. */
  readonly session: string | null;
  readonly apiKey: string | null;
  /** Whether a route for sessions, and one for API keys, sees a credential. */
  readonly sent: readonly [session: boolean, apiKey: boolean];
  /** Whether the session token has expired. */
  readonly expired?: boolean;
  /** Whether it presents a session in a cookie, which a route for API keys does not look at. */
  readonly inCookie?: boolean;
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

export const CALLERS: Record<string, Caller> = {
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
    inCookie: true,
    apiKey: NO_HEADER,
    sent: [true, false],
  },
  expired: {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, issuedAt: seconds(-120), expiresIn: 60 })),
    session: 'session-token-expired-refresh-non-eligible-no-refresh-cookie',
    expired: true,
    ...forged,
  },
  'expired in a cookie': {
    headers: async (clerk) => ({
      cookie: `__session=${await clerk.sessionToken({ ...azp, issuedAt: seconds(-120) })}; __client_uat=1; __clerk_db_jwt=d`,
    }),
    session: 'session-token-expired-refresh-non-eligible-no-refresh-cookie',
    expired: true,
    inCookie: true,
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
    inCookie: true,
    apiKey: NO_HEADER,
    sent: [true, false],
  },
};

/** What becomes of a call. */
export interface Verdict {
  /** In terms of HTTP. */
  readonly status: 200 | 401 | 403;
  /** Why it is refused. */
  readonly code?: string;
  /** What the handler is told; `null` where nobody looks. */
  readonly isAuthenticated?: boolean | null;
}

/** Who passes where, and what everybody else is told. */
export function verdictOn(caller: Caller, route: Route): Verdict {
  if (route === 'skip-auth') return { status: 200, isAuthenticated: null };
  const forApiKeys = route.endsWith('api-key');
  const isPending = caller.pending && !forApiKeys;
  const isAuthenticated = (forApiKeys ? caller.apiKey : caller.session) === null && !isPending;
  if (route.startsWith('public')) return { status: 200, isAuthenticated };
  if (isAuthenticated) {
    const lacks = route === 'permission' && !caller.mayCreate;
    return lacks ? { status: 403, code: 'insufficient-permissions' } : { status: 200, isAuthenticated };
  }
  if (isPending) return { status: 401, code: 'session-pending' };
  if (caller.expired && !forApiKeys) return { status: 401, code: 'token-expired' };
  if (caller.session === 'token-invalid-authorized-parties' && !forApiKeys)
    return { status: 401, code: 'origin-not-allowed' };
  const isRecognized = caller.sent[forApiKeys ? 1 : 0] || caller.inCookie;
  return { status: 401, code: isRecognized ? 'token-invalid' : 'authentication-required' };
}

/** Calls a route with these headers: either the handler answered, or the code of the refusal. */
export type Ask = (route: Route, headers: Record<string, string>) => Promise<Pick<Verdict, 'code' | 'isAuthenticated'>>;

/** Describes the table over a transport, which may have no use for cookies. */
export function describeTruthTable(
  instances: () => { readonly clerk: LocalClerk; readonly other: LocalClerk },
  ask: Ask,
  { cookies = true } = {},
): void {
  describe.each(Object.keys(CALLERS))('%s', (name) => {
    it.each(ROUTES)('to %s', async (route) => {
      const { clerk, other } = instances();
      const headers = await CALLERS[name]!.headers(clerk, other);
      const seen = 'cookie' in headers && !cookies ? 'no token' : name;
      const { code, isAuthenticated } = verdictOn(CALLERS[seen]!, route);
      expect(await ask(route, headers)).toEqual({ code, isAuthenticated });
    });
  });
}

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
