import { requestOptions } from '../../../lib/authentication/request-options.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const keys = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_x' };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (payload: object, header: object = {}) => `${encode(header)}.${encode(payload)}.AAAA`;
const url = new URL('https://tenant.example.com/a');

const asked = (options: ClerkModuleOptions, headers: Record<string, string> = {}) =>
  requestOptions(resolveClerkOptions({ ...keys, ...options }, {}), new Request('http://localhost/', { headers }), url);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cookies = (...tokens: string[]) => ({
  cookie: tokens.map((token, i) => `__session${i ? `_${i}` : ''}=${token}`).join('; '),
});

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
    expect(domain).toHaveBeenCalledWith(url);
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
        expect(asked({ audience: 'web', authorizedParties: ['https://a.example'] }, bearer(token))).toMatchObject({
          audience: undefined,
          authorizedParties: undefined,
        });
      }
    });

    it('a party of every session token, unless none of them names one and that is allowed', () => {
      const parties = ['https://a.example'];
      const [without, empty, evil] = [jwt({}), jwt({ azp: '' }), jwt({ azp: 'https://evil.example' })];
      const demanded = (headers: Record<string, string>, allowMissingAzp: boolean) =>
        asked({ authorizedParties: parties, allowMissingAzp }, headers).authorizedParties;
      for (const headers of [bearer(without), bearer(evil), cookies(without), {}]) {
        expect(demanded(headers, false)).toEqual(parties);
      }
      for (const headers of [bearer(without), bearer(empty), cookies(without), cookies(without, empty)]) {
        expect(demanded(headers, true)).toBeUndefined();
      }
      for (const headers of [bearer(evil), cookies(evil), cookies(without, evil), cookies(evil, without)]) {
        expect(demanded(headers, true)).toEqual(parties);
      }
    });
  });
});
