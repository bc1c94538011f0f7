/** The truth table: every caller on every route, with the outcome that all transports share, and how to run it over one. */
import { createHmac } from 'node:crypto';

import type { LocalClerk } from '../../lib/testing/index.js';

/** What every application under test is configured with: `authorizedParties`, and the permission of one route. */
export const FRONTEND = 'https://app.example.com';
export const PERMISSION = 'org:invoices:create';

/** The handlers that every transport has, named after their protection. */
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

/** A caller: what it sends, and Clerk's reason for denying it on session routes and on API key routes. */
export interface Caller {
  readonly headers: (clerk: LocalClerk, other: LocalClerk) => Promise<Record<string, string>> | Record<string, string>;
  /** `null` if the caller is signed in. */
  readonly session: string | null;
  readonly apiKey: string | null;
  /** Whether a session route, and an API key route, finds credentials in the request. */
  readonly sent: readonly [session: boolean, apiKey: boolean];
  /** Whether the session token has expired. */
  readonly expired?: boolean;
  /** Whether the session is in a cookie, which an API key route ignores. */
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
  'expired header token': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, issuedAt: seconds(-120), expiresIn: 60 })),
    session: 'session-token-expired-refresh-non-eligible-no-refresh-cookie',
    expired: true,
    ...forged,
  },
  'expired cookie session': {
    headers: async (clerk) => ({
      cookie: `__session=${await clerk.sessionToken({ ...azp, issuedAt: seconds(-120) })}; __client_uat=1; __clerk_db_jwt=d`,
    }),
    session: 'session-token-expired-refresh-non-eligible-no-refresh-cookie',
    expired: true,
    inCookie: true,
    apiKey: NO_HEADER,
    sent: [true, false],
  },
  'header token that is not valid yet': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, notBefore: seconds(60) })),
    session: 'session-token-nbf',
    ...forged,
  },
  'header token issued in the future': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, issuedAt: seconds(60), notBefore: seconds(0) })),
    session: 'session-token-iat-in-the-future',
    ...forged,
  },
  'header token with a wrong signature': {
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
  'header token of another instance': {
    headers: (_, other) => bearer(other.sessionToken(azp)),
    session: 'jwk-kid-mismatch',
    ...forged,
  },
  'header token signed with the key of another instance under our kid': {
    headers: async (clerk, other) => bearer(clerk.sessionToken({ ...azp, key: other })),
    session: 'token-invalid-signature',
    ...forged,
  },
  'header token with alg: none': {
    headers: async (clerk) => {
      const [, payload] = (await clerk.sessionToken(azp)).split('.');
      return bearer(`${header({ alg: 'none', kid: kidOf(await clerk.sessionToken()) })}.${payload}.`);
    },
    session: 'token-invalid-algorithm',
    ...forged,
  },
  'HS256 header token signed with the public key': {
    headers: async (clerk) => bearer(hs256(await clerk.sessionToken(azp), clerk.jwtKey)),
    session: 'token-invalid-algorithm',
    ...forged,
  },
  'header token without a kid': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, header: { kid: undefined } })),
    session: 'jwk-kid-mismatch',
    ...forged,
  },
  'header token with a foreign azp': {
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
  'header token of a pending session': {
    headers: (clerk) => bearer(clerk.sessionToken({ ...azp, sessionStatus: 'pending' })),
    session: null,
    pending: true,
    ...forged,
  },
  'header token that is not a JWT': {
    headers: () => bearer('garbage'),
    session: 'token-invalid',
    ...forged,
  },
  'session cookie with malformed claims': {
    headers: () => ({
      cookie: `__session=${header({ alg: 'RS256' })}.${header(null)}.AAAA; __client_uat=1; __clerk_db_jwt=d`,
    }),
    session: 'unexpected-error',
    inCookie: true,
    apiKey: NO_HEADER,
    sent: [true, false],
  },
};

/** The expected outcome of a call. */
export interface Verdict {
  /** The HTTP status. */
  readonly status: 200 | 401 | 403;
  /** The code of the denial. */
  readonly code?: string;
  /** What the handler sees; `null` if credentials are not checked. */
  readonly isAuthenticated?: boolean | null;
}

/** The expected outcome of a caller on a route. */
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

/** Calls a route with these headers: returns what the handler answers, or the code of the denial. */
export type Ask = (route: Route, headers: Record<string, string>) => Promise<Pick<Verdict, 'code' | 'isAuthenticated'>>;

/** The outcome, in the words of a test title. */
export function titleOf({ status, code, isAuthenticated }: Verdict): string {
  if (code) return `is denied (${status} ${code})`;
  if (isAuthenticated === null) return 'passes without authentication';
  return `passes ${isAuthenticated ? 'signed in' : 'signed out'}`;
}

/** Describes the table over a transport. With `cookies: false`, the transport ignores cookies. */
export function describeTruthTable(
  instances: () => { readonly clerk: LocalClerk; readonly other: LocalClerk },
  ask: Ask,
  { cookies = true } = {},
): void {
  describe.each(Object.keys(CALLERS))('caller "%s"', (name) => {
    const counted = CALLERS[name]!.inCookie && !cookies ? 'no token' : name;
    const cells = ROUTES.map((route) => ({ route, result: titleOf(verdictOn(CALLERS[counted]!, route)) }));

    it.each(cells)('$result on the route $route', async ({ route }) => {
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
