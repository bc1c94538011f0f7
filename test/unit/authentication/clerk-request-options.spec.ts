import { createClerkRequest } from '@clerk/backend/internal';

import {
  resolveProxyPath,
  findRejectionReason,
  resolveClerkRequestOptions,
} from '../../../lib/authentication/lanes/clerk-request-options.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import type { ResolvedClerkOptions } from '../../../lib/options/resolved-options.js';

const keys = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_x' };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (payload: object, header: object = {}) => `${encode(header)}.${encode(payload)}.AAAA`;
const forwarded = { host: 'internal', 'x-forwarded-host': 'tenant.example.com', 'x-forwarded-proto': 'https' };

const resolve = (options: ClerkModuleOptions, headers: Record<string, string> = {}) =>
  resolveClerkRequestOptions(
    resolveClerkOptions({ ...keys, ...options }, {}),
    createClerkRequest(new Request('http://localhost/a', { headers: { ...forwarded, ...headers } })),
  );
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cookies = (token: string) => ({ cookie: `__session=${token}` });

describe('resolveClerkRequestOptions()', () => {
  it('passes every option to Clerk', () => {
    const options = {
      ...{ machineSecretKey: 'ask_x', clockSkewInMs: 1, domain: 'd.example', proxyUrl: '/__clerk', isSatellite: true },
      ...{
        satelliteAutoSync: true,
        signInUrl: 'https://p.example/in',
        signUpUrl: '/up',
        afterSignInUrl: '/a',
        afterSignUpUrl: '/b',
      },
      organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'] },
    };
    expect(resolve(options)).toMatchObject({ ...keys, ...options });
  });

  it('calls functions with the URL that the browser requested', () => {
    const domain = jest.fn((given: URL) => `clerk.${given.hostname}`);
    const resolved = resolve({ domain, proxyUrl: ({ origin }) => `${origin}/__clerk`, isSatellite: () => false });
    expect(resolved).toMatchObject({
      domain: 'clerk.tenant.example.com',
      proxyUrl: 'https://tenant.example.com/__clerk',
      isSatellite: false,
    });
    expect(domain.mock.calls[0]![0].href).toBe('https://tenant.example.com/a');
  });

  it.each<[string, ClerkModuleOptions]>([
    [
      'throws',
      {
        domain: () => {
          throw new Error('secret');
        },
      },
    ],
    [
      'makes the request one of a satellite without domain and proxyUrl',
      { isSatellite: () => true, signInUrl: 'https://p.example/in' },
    ],
    [
      'makes the request one of a development satellite without signInUrl',
      { isSatellite: () => true, domain: () => 'd.example' },
    ],
  ])('throws invalid-configuration if a function %s', (_, options) => {
    expect(() => resolve(options)).toThrow(expect.objectContaining({ code: 'invalid-configuration' }));
  });

  it.each<[string, ClerkModuleOptions]>([
    ['neither domain nor proxyUrl has a value', { signInUrl: 'https://p.example/in' }],
    ['signInUrl is not an absolute URL', { domain: () => 'd.example' }],
    ['signInUrl is not an absolute URL', { domain: () => 'd.example', signInUrl: '/in' }],
  ])('names the problem of a satellite: %s (with %j)', (problem, options) => {
    expect(() => resolve({ isSatellite: () => true, ...options })).toThrow(problem);
  });

  it('accepts a production satellite without signInUrl', () => {
    const live = { publishableKey: `pk_live_${btoa('clerk.example.com$')}`, secretKey: 'sk_live_x' };
    const options = { ...live, isSatellite: () => true, domain: () => 'd.example' };
    expect(resolve(options)).toMatchObject({ isSatellite: true, domain: 'd.example' });
  });

  it.each(['domain', 'proxyUrl', 'isSatellite'])('names the option %s if its function throws', (name) => {
    const thrown = new Error('secret');
    const fails = () => {
      throw thrown;
    };
    const expected = { message: `The function of the option ${name} threw`, cause: thrown };
    expect(() => resolve({ [name]: fails })).toThrow(expect.objectContaining(expected));
  });

  it.each([
    [undefined, undefined],
    [{ enabled: false }, undefined],
    [{ enabled: true }, '/__clerk'],
    [{ enabled: true, path: '/auth' }, '/auth'],
    [{ enabled: ({ hostname }: URL) => hostname === 'a.example' }, '/__clerk'],
    [{ enabled: ({ hostname }: URL) => hostname === 'b.example' }, undefined],
  ])('resolveProxyPath() for frontendApiProxy %j returns %s', (frontendApiProxy, path) => {
    const options = { path: '/__clerk', ...frontendApiProxy };
    const given = { frontendApiProxy: frontendApiProxy && options } as ResolvedClerkOptions;
    expect(resolveProxyPath(given, new URL('https://a.example/'))).toBe(path);
  });

  it('resolveProxyPath() names the option frontendApiProxy if its function throws', () => {
    const enabled = () => {
      throw new Error('secret');
    };
    const given = { frontendApiProxy: { enabled, path: '/__clerk' } } as unknown as ResolvedClerkOptions;
    expect(() => resolveProxyPath(given, new URL('https://a.example/'))).toThrow(
      'The function of the option frontendApiProxy threw',
    );
  });

  describe('the required claims', () => {
    const audience = { session_token: 'web', m2m_token: ['billing'], oauth_token: 'partner' };
    const m2m = jwt({ sub: 'mch_1' });
    const oauth = jwt({ sub: 'user_1' }, { typ: 'at+jwt' });

    it.each([
      ['a session token', bearer(jwt({ sub: 'user_1' })), 'web'],
      ['a session cookie', cookies(jwt({ sub: 'user_1' })), 'web'],
      ['a request without credentials', {}, 'web'],
      ['an M2M token', bearer(m2m), ['billing']],
      ['an OAuth token', bearer(oauth), 'partner'],
    ])('of %s include the audience of its token type', (_, headers, expected) => {
      expect(resolve({ audience }, headers).audience).toEqual(expected);
    });

    it('of machine tokens include neither an audience in Clerk’s form nor authorized parties', () => {
      for (const token of [m2m, oauth, 'ak_x', 'mt_x']) {
        const { audience: required, authorizedParties } = resolve(
          { audience: 'web', authorizedParties: ['https://a.example'] },
          bearer(token),
        );
        expect([required, authorizedParties]).toEqual([undefined, undefined]);
      }
    });

    it('include authorizedParties unless allowMissingAzp is set', () => {
      const authorizedParties = ['https://a.example'];
      expect(resolve({ authorizedParties }).authorizedParties).toEqual(authorizedParties);
      expect(resolve({ authorizedParties, allowMissingAzp: true }).authorizedParties).toBeUndefined();
    });

    it('contain a copy of authorizedParties, so that Clerk cannot change the option', () => {
      const options = resolveClerkOptions({ ...keys, authorizedParties: ['https://a.example'] }, {});
      const request = createClerkRequest(new Request('http://localhost/'));
      resolveClerkRequestOptions(options, request).authorizedParties!.push('https://b.example');
      expect(options.authorizedParties).toEqual(['https://a.example']);
    });
  });
});

describe('findRejectionReason()', () => {
  const reasonFor = (options: ClerkModuleOptions, claims: object, more: object = {}) =>
    findRejectionReason(resolveClerkOptions({ ...keys, ...options }, {}), {
      status: 'signed-in',
      tokenType: 'session_token',
      // The claims of a pending session count too.
      toAuth: (given?: { treatPendingAsSignedOut?: boolean }) => ({
        sessionClaims: given?.treatPendingAsSignedOut === false ? claims : null,
      }),
      ...more,
    } as never);
  const parties: ClerkModuleOptions = { authorizedParties: ['https://a.example'], allowMissingAzp: true };
  const audience: ClerkModuleOptions = { audience: 'web', requireAudience: true };

  it.each<[string, ClerkModuleOptions, object, string | undefined]>([
    ['no requirements', {}, {}, undefined],
    [
      'allowMissingAzp without authorizedParties',
      { allowMissingAzp: true },
      { azp: 'https://evil.example' },
      undefined,
    ],
    ['an authorized azp', parties, { azp: 'https://a.example' }, undefined],
    ['no azp', parties, {}, undefined],
    ['an empty azp', parties, { azp: '' }, undefined],
    ['another azp', parties, { azp: 'https://evil.example' }, 'token-invalid-authorized-parties'],
    ['an azp that is not a string', parties, { azp: ['https://a.example'] }, 'token-invalid-authorized-parties'],
    ['requireAudience without audience', { requireAudience: true }, {}, undefined],
    ['the required audience', audience, { aud: 'web' }, undefined],
    ['an aud where no audience is required', parties, { aud: 'web', azp: 'https://a.example' }, undefined],
    ['no aud', audience, {}, 'token-verification-failed'],
    ['an empty aud', audience, { aud: '' }, 'token-verification-failed'],
    ['the required audience among others', audience, { aud: ['other', 'web'] }, undefined],
    ['an empty list as aud', audience, { aud: [] }, 'token-verification-failed'],
    ['a list with an empty text as aud', audience, { aud: [''] }, 'token-verification-failed'],
    ['an object as aud', audience, { aud: { web: true } }, 'token-verification-failed'],
  ])('for a session with %s (options %j, claims %j), returns %s', (_, options, claims, reason) =>
    expect(reasonFor(options, claims)).toBe(reason),
  );

  it('returns undefined for machine tokens and signed-out callers', () => {
    expect(reasonFor({ ...parties, ...audience }, {}, { tokenType: 'm2m_token' })).toBeUndefined();
    expect(reasonFor({ ...parties, ...audience }, {}, { status: 'signed-out' })).toBeUndefined();
  });
});
