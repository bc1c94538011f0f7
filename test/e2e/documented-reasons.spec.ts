import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Controller, Get } from '@nestjs/common';

import { AcceptsToken } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp, type Answer } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('session') session() {}
  @Get('key') @AcceptsToken('api_key') key() {}
  @Get('oauth') @AcceptsToken('oauth_token') oauth() {}
}

/** The reasons in the 401 table of docs/errors.md; `session-token-expired-…` stands for all reasons with this prefix. */
function documentedReasons(): string[] {
  const document = readFileSync(join(__dirname, '../../docs/errors.md'), 'utf8');
  const [, section = ''] = document.split('\n## Why am I getting 401?\n');
  const cells = [...section.matchAll(/^\| (`[^|]+) +\|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, reason = '']) => reason));
}

const inTenMinutes = () => Math.floor(Date.now() / 1000) + 600;

async function expiredOAuthToken(clerk: LocalClerk): Promise<string> {
  const issued = { user: clerk.createUser(), format: 'jwt', secondsUntilExpiration: -600 } as const;
  return (await clerk.createOAuthToken(issued)).token;
}

type Tokens = { readonly clerk: LocalClerk; readonly other: LocalClerk };

/** What leads to each reason: a route, and the token that is sent to it. */
const SITUATIONS: readonly (readonly [reason: string, path: string, sent: string, (of: Tokens) => unknown])[] = [
  ['dev-browser-missing', '/session', 'no token', () => undefined],
  ['No token in header', '/key', 'no token', () => undefined],
  ['token-invalid', '/session', 'the token "undefined"', () => 'undefined'],
  [
    'token-invalid',
    '/session',
    'an API key',
    ({ clerk }) => clerk.createApiKey({ subject: clerk.createUser() }).secret,
  ],
  ['token-invalid', '/key', 'an unknown API key', () => 'ak_unknown'],
  [
    'session-token-expired-…',
    '/session',
    'an expired session token',
    ({ clerk }) => clerk.sessionToken({ issuedAt: new Date('2020-01-01') }),
  ],
  [
    'session-token-nbf',
    '/session',
    'a session token that is not yet valid',
    ({ clerk }) => clerk.sessionToken({ claims: { nbf: inTenMinutes() } }),
  ],
  [
    'session-token-iat-in-the-future',
    '/session',
    'a session token issued in the future',
    ({ clerk }) => clerk.sessionToken({ claims: { iat: inTenMinutes() } }),
  ],
  ['jwk-kid-mismatch', '/session', 'a session token of another instance', ({ other }) => other.sessionToken()],
  [
    'token-invalid-signature',
    '/session',
    'a session token signed with another key',
    ({ clerk, other }) => clerk.sessionToken({ key: other }),
  ],
  [
    'token-invalid-authorized-parties',
    '/session',
    'a session token for another origin',
    ({ clerk }) => clerk.sessionToken({ authorizedParty: 'https://evil.example' }),
  ],
  [
    'token-verification-failed',
    '/session',
    'a session token for another audience',
    ({ clerk }) => clerk.sessionToken({ claims: { aud: 'another' } }),
  ],
  ['token-verification-failed', '/oauth', 'an expired OAuth token', ({ clerk }) => expiredOAuthToken(clerk)],
  [
    'token-invalid-algorithm',
    '/session',
    'a session token with the algorithm none',
    ({ clerk }) => clerk.sessionToken({ header: { alg: 'none' } }),
  ],
  ['token-type-mismatch', '/session', 'a JWT-template token', ({ clerk }) => clerk.templateToken()],
  ['token-type-mismatch', '/key', 'a session token', ({ clerk }) => clerk.sessionToken()],
];

describe.each(PLATFORMS)('an application on %s', (_, platform) => {
  let tokens: Tokens;
  let production: LocalClerk;
  let app: TestApp;
  let productionApp: TestApp;

  beforeAll(async () => {
    tokens = { clerk: await LocalClerk.start(), other: await LocalClerk.start() };
    production = await LocalClerk.start({ instanceType: 'production' });
    const options = { authorizedParties: ['http://localhost:3000'], audience: 'invoices' };
    app = await TestApp.on(platform)
      .clerk({ ...tokens.clerk.options, ...options })
      .controllers(Routes)
      .start();
    productionApp = await TestApp.on(platform).clerk(production.options).controllers(Routes).start();
  });
  afterAll(() =>
    Promise.all([app?.close(), productionApp?.close(), tokens?.clerk.stop(), tokens?.other.stop(), production?.stop()]),
  );

  const reasonOf = ({ headers }: Answer) =>
    headers.get('x-clerk-auth-reason')?.replace(/^(session-token-expired-).*/, '$1…');

  it.each(SITUATIONS)('returns 401 with the reason %s on %s for %s', async (reason, path, _sent, tokenOf) => {
    const token = await tokenOf(tokens);
    const answer = await (token === undefined ? app.send(path) : app.withToken(path, token as string));
    expect(answer.status).toBe(401);
    expect(reasonOf(answer)).toBe(reason);
  });

  it('returns 401 with the reason session-token-and-uat-missing without a token, with a production instance', async () => {
    const answer = await productionApp.send('/session');
    expect(answer.status).toBe(401);
    expect(reasonOf(answer)).toBe('session-token-and-uat-missing');
  });

  it('returns session-pending without a reason for a pending session', async () => {
    const answer = await app.withToken('/session', await tokens.clerk.sessionToken({ sessionStatus: 'pending' }));
    expect(answer.body.code).toBe('session-pending');
    expect(answer.headers.get('x-clerk-auth-reason')).toBeNull();
  });
});

describe('docs/errors.md', () => {
  it('lists every reason tested above, and no other', () => {
    const tried = new Set([...SITUATIONS.map(([reason]) => reason), 'session-token-and-uat-missing']);
    expect(new Set(documentedReasons())).toEqual(tried);
  });
});
