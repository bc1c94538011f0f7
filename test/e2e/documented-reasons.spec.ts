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

/** The reasons in the 401 table of docs/errors.md; `session-token-expired-…` stands for all that begin so. */
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

/** How each reason comes about: the route, and the token that is sent to it. */
const SITUATIONS: readonly (readonly [reason: string, path: string, token: (of: Tokens) => unknown])[] = [
  ['dev-browser-missing', '/session', () => undefined],
  ['No token in header', '/key', () => undefined],
  ['token-invalid', '/session', () => 'undefined'],
  ['token-invalid', '/session', ({ clerk }) => clerk.createApiKey({ subject: clerk.createUser() }).secret],
  ['token-invalid', '/key', () => 'ak_unknown'],
  ['session-token-expired-…', '/session', ({ clerk }) => clerk.sessionToken({ issuedAt: new Date('2020-01-01') })],
  ['session-token-nbf', '/session', ({ clerk }) => clerk.sessionToken({ claims: { nbf: inTenMinutes() } })],
  [
    'session-token-iat-in-the-future',
    '/session',
    ({ clerk }) => clerk.sessionToken({ claims: { iat: inTenMinutes() } }),
  ],
  ['jwk-kid-mismatch', '/session', ({ other }) => other.sessionToken()],
  ['token-invalid-signature', '/session', ({ clerk, other }) => clerk.sessionToken({ key: other })],
  [
    'token-invalid-authorized-parties',
    '/session',
    ({ clerk }) => clerk.sessionToken({ authorizedParty: 'https://evil.example' }),
  ],
  ['token-verification-failed', '/session', ({ clerk }) => clerk.sessionToken({ claims: { aud: 'another' } })],
  ['token-verification-failed', '/oauth', ({ clerk }) => expiredOAuthToken(clerk)],
  ['token-invalid-algorithm', '/session', ({ clerk }) => clerk.sessionToken({ header: { alg: 'none' } })],
  ['token-type-mismatch', '/session', ({ clerk }) => clerk.templateToken()],
  ['token-type-mismatch', '/key', ({ clerk }) => clerk.sessionToken()],
];

describe.each(PLATFORMS)('the reasons of docs/errors.md on %s', (_, platform) => {
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

  it.each(SITUATIONS)('answers 401 with the reason %s on %s', async (reason, path, tokenOf) => {
    const token = await tokenOf(tokens);
    const answer = await (token === undefined ? app.send(path) : app.withToken(path, token as string));
    expect(answer.status).toBe(401);
    expect(reasonOf(answer)).toBe(reason);
  });

  it('answers 401 with the reason session-token-and-uat-missing on a production instance', async () => {
    const answer = await productionApp.send('/session');
    expect(answer.status).toBe(401);
    expect(reasonOf(answer)).toBe('session-token-and-uat-missing');
  });

  it('answers 401 without a reason to a session with an open task', async () => {
    const answer = await app.withToken('/session', await tokens.clerk.sessionToken({ sessionStatus: 'pending' }));
    expect(answer.body.code).toBe('session-pending');
    expect(answer.headers.get('x-clerk-auth-reason')).toBeNull();
  });
});

describe('docs/errors.md', () => {
  it('lists the reasons above, and no other', () => {
    const tried = new Set([...SITUATIONS.map(([reason]) => reason), 'session-token-and-uat-missing']);
    expect(new Set(documentedReasons())).toEqual(tried);
  });
});
