import { createClerkRequest } from '@clerk/backend/internal';

import {
  proxyPathFor,
  rejectionReason,
  requestOptions,
} from '../../../lib/authentication/lanes/clerk-request-options.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import type { ResolvedClerkOptions } from '../../../lib/options/resolved-options.js';

const keys = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_x' };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (payload: object, header: object = {}) => `${encode(header)}.${encode(payload)}.AAAA`;
const forwarded = { host: 'internal', 'x-forwarded-host': 'tenant.example.com', 'x-forwarded-proto': 'https' };

const asked = (options: ClerkModuleOptions, headers: Record<string, string> = {}) =>
  requestOptions(
    resolveClerkOptions({ ...keys, ...options }, {}),
    createClerkRequest(new Request('http://localhost/a', { headers: { ...forwarded, ...headers } })),
  );
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cookies = (token: string) => ({ cookie: `__session=${token}` });

describe('requestOptions', () => {
  it('hands every option on to Clerk', () => {
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
    expect(asked(options)).toMatchObject({ ...keys, ...options });
  });

  it('asks functions with the URL as the browser sees it', () => {
    const domain = jest.fn((given: URL) => `clerk.${given.hostname}`);
    const answers = asked({ domain, proxyUrl: ({ origin }) => `${origin}/__clerk`, isSatellite: () => false });
    expect(answers).toMatchObject({
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
    ['leaves a satellite without address', { isSatellite: () => true, signInUrl: 'https://p.example/in' }],
    ['leaves a development satellite without sign-in page', { isSatellite: () => true, domain: () => 'd.example' }],
  ])('fails where a function %s', (_, options) => {
    expect(() => asked(options)).toThrow(expect.objectContaining({ code: 'invalid-configuration' }));
  });

  it.each<[string, ClerkModuleOptions]>([
    ['neither domain nor proxyUrl has a value', { signInUrl: 'https://p.example/in' }],
    ['signInUrl is not an absolute URL', { domain: () => 'd.example' }],
    ['signInUrl is not an absolute URL', { domain: () => 'd.example', signInUrl: '/in' }],
  ])('says of a satellite that %s', (problem, options) => {
    expect(() => asked({ isSatellite: () => true, ...options })).toThrow(problem);
  });

  it('lets a satellite in production find its sign-in page by itself', () => {
    const live = { publishableKey: `pk_live_${btoa('clerk.example.com$')}`, secretKey: 'sk_live_x' };
    const options = { ...live, isSatellite: () => true, domain: () => 'd.example' };
    expect(asked(options)).toMatchObject({ isSatellite: true, domain: 'd.example' });
  });

  it.each(['domain', 'proxyUrl', 'isSatellite'])('says that it was the function of %s that failed', (name) => {
    const thrown = new Error('secret');
    const fails = () => {
      throw thrown;
    };
    const expected = { message: `The function of the option ${name} threw`, cause: thrown };
    expect(() => asked({ [name]: fails })).toThrow(expect.objectContaining(expected));
  });

  it.each([
    [undefined, undefined],
    [{ enabled: false }, undefined],
    [{ enabled: true }, '/__clerk'],
    [{ enabled: true, path: '/auth' }, '/auth'],
    [{ enabled: ({ hostname }: URL) => hostname === 'a.example' }, '/__clerk'],
    [{ enabled: ({ hostname }: URL) => hostname === 'b.example' }, undefined],
  ])('finds the path of the Frontend API by %j: %s', (frontendApiProxy, path) => {
    const options = { path: '/__clerk', ...frontendApiProxy };
    const given = { frontendApiProxy: frontendApiProxy && options } as ResolvedClerkOptions;
    expect(proxyPathFor(given, new URL('https://a.example/'))).toBe(path);
  });

  it('says so where that function fails', () => {
    const enabled = () => {
      throw new Error('secret');
    };
    const given = { frontendApiProxy: { enabled, path: '/__clerk' } } as unknown as ResolvedClerkOptions;
    expect(() => proxyPathFor(given, new URL('https://a.example/'))).toThrow(
      'The function of the option frontendApiProxy threw',
    );
  });

  describe('demands', () => {
    const audience = { session_token: 'web', m2m_token: ['billing'], oauth_token: 'partner' };
    const m2m = jwt({ sub: 'mch_1' });
    const oauth = jwt({ sub: 'user_1' }, { typ: 'at+jwt' });

    it.each([
      ['session tokens', bearer(jwt({ sub: 'user_1' })), 'web'],
      ['cookies', cookies(jwt({ sub: 'user_1' })), 'web'],
      ['nobody', {}, 'web'],
      ['M2M tokens', bearer(m2m), ['billing']],
      ['OAuth tokens', bearer(oauth), 'partner'],
    ])('of %s the audience of their kind', (_, headers, expected) => {
      expect(asked({ audience }, headers).audience).toEqual(expected);
    });

    it('of machines no audience that is Clerk’s form, nor any party', () => {
      for (const token of [m2m, oauth, 'ak_x', 'mt_x']) {
        const { audience: demanded, authorizedParties } = asked(
          { audience: 'web', authorizedParties: ['https://a.example'] },
          bearer(token),
        );
        expect([demanded, authorizedParties]).toEqual([undefined, undefined]);
      }
    });

    it('of nobody a party where a missing one is excused: the verified token is judged then', () => {
      const authorizedParties = ['https://a.example'];
      expect(asked({ authorizedParties }).authorizedParties).toEqual(authorizedParties);
      expect(asked({ authorizedParties, allowMissingAzp: true }).authorizedParties).toBeUndefined();
    });

    it('a party of a list that is Clerk’s own to change', () => {
      const options = resolveClerkOptions({ ...keys, authorizedParties: ['https://a.example'] }, {});
      const request = createClerkRequest(new Request('http://localhost/'));
      requestOptions(options, request).authorizedParties!.push('https://b.example');
      expect(options.authorizedParties).toEqual(['https://a.example']);
    });
  });
});

describe('refusedClaims', () => {
  const judged = (options: ClerkModuleOptions, claims: object, more: object = {}) =>
    rejectionReason(resolveClerkOptions({ ...keys, ...options }, {}), {
      status: 'signed-in',
      tokenType: 'session_token',
      // Those of a session with an open task count too.
      toAuth: (given?: { treatPendingAsSignedOut?: boolean }) => ({
        sessionClaims: given?.treatPendingAsSignedOut === false ? claims : null,
      }),
      ...more,
    } as never);
  const parties: ClerkModuleOptions = { authorizedParties: ['https://a.example'], allowMissingAzp: true };
  const audience: ClerkModuleOptions = { audience: 'web', requireAudience: true };

  it.each<[string, ClerkModuleOptions, object, string | undefined]>([
    ['no demand', {}, {}, undefined],
    ['allowMissingAzp without parties', { allowMissingAzp: true }, { azp: 'https://evil.example' }, undefined],
    ['an accepted party', parties, { azp: 'https://a.example' }, undefined],
    ['no party', parties, {}, undefined],
    ['an empty party', parties, { azp: '' }, undefined],
    ['another party', parties, { azp: 'https://evil.example' }, 'token-invalid-authorized-parties'],
    ['a party that is no text', parties, { azp: ['https://a.example'] }, 'token-invalid-authorized-parties'],
    ['requireAudience without audience', { requireAudience: true }, {}, undefined],
    ['an audience', audience, { aud: 'web' }, undefined],
    ['an audience where none is demanded', parties, { aud: 'web', azp: 'https://a.example' }, undefined],
    ['no audience', audience, {}, 'token-verification-failed'],
    ['an empty audience', audience, { aud: '' }, 'token-verification-failed'],
    ['an audience among others', audience, { aud: ['other', 'web'] }, undefined],
    ['an empty list of audiences', audience, { aud: [] }, 'token-verification-failed'],
    ['a list of empty audiences', audience, { aud: [''] }, 'token-verification-failed'],
    ['an audience that is no text', audience, { aud: { web: true } }, 'token-verification-failed'],
  ])('%s', (_, options, claims, reason) => expect(judged(options, claims)).toBe(reason));

  it('leaves machines and those who are signed out alone', () => {
    expect(judged({ ...parties, ...audience }, {}, { tokenType: 'm2m_token' })).toBeUndefined();
    expect(judged({ ...parties, ...audience }, {}, { status: 'signed-out' })).toBeUndefined();
  });
});
