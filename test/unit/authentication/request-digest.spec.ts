import fc from 'fast-check';

import {
  computeDigest,
  dependsOnUrl,
  fingerprintRequest,
  fingerprintWithoutCredentials,
  findSoleSessionToken,
} from '../../../lib/authentication/cache/request-digest.js';
import type { AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../../lib/index.js';
import type { ResolvedClerkOptions } from '../../../lib/options/resolved-options.js';

const options = (given: ClerkModuleOptions = {}) => ({ isSatellite: false, ...given }) as ResolvedClerkOptions;
const inputs = { method: 'GET', target: '/a?b=c', isEncrypted: false, headers: {} };
const authorization = 'Bearer x.y.z';

describe('findSoleSessionToken()', () => {
  it.each<[Record<string, string>, ClerkModuleOptions, string | undefined]>([
    [{ authorization }, {}, 'x.y.z'],
    [{ authorization, cookie: 'a=b; __client_uat=1' }, {}, 'x.y.z'],
    // Clerk would read more than the token, or something else.
    [{ authorization, cookie: 'a=b; __session=x' }, {}, undefined],
    [{ authorization, cookie: '__session_suffix=x' }, {}, undefined],
    [{ authorization }, { isSatellite: true, domain: 'a.example' }, undefined],
    [{ authorization }, { isSatellite: () => false }, undefined],
    [{ authorization: 'Bearer x.y.z more' }, {}, undefined],
    [{ authorization: 'Bearer x.y.z ' }, {}, undefined],
    [{ authorization: 'bearer x.y.z' }, {}, undefined],
    [{ authorization: 'x.y.z' }, {}, undefined],
    [{ cookie: 'a=b' }, {}, undefined],
    [{}, {}, undefined],
  ])('for the headers %j and the options %j, returns %s', (headers, given, token) => {
    expect(findSoleSessionToken({ ...inputs, headers }, options(given))).toBe(token);
  });
});

describe('computeDigest()', () => {
  it('returns a SHA-256 digest that differs for other credentials and other accepted types', () => {
    const digests = [
      computeDigest('x.y.z', 'session_token'),
      computeDigest('x.y', 'session_token'),
      computeDigest('x.y.z', 'any'),
      computeDigest('x.y.z', ['session_token', 'api_key']),
      computeDigest('x.y.z', ['api_key', 'session_token']),
    ];
    expect(new Set(digests).size).toBe(5);
    for (const digest of digests) expect(digest).toMatch(/^[\w+/]{43}=$/);
    expect(computeDigest('x.y.z', 'any')).toBe(computeDigest('x.y.z', 'any'));
  });
});

describe('fingerprintRequest()', () => {
  const of = (request: Partial<typeof inputs>, given?: ClerkModuleOptions) =>
    fingerprintRequest({ ...inputs, ...request }, options(given));
  const PER_URL = () => undefined as never;

  it.each([
    ...['host', 'x-forwarded-host', 'x-forwarded-proto', 'cloudfront-forwarded-proto', ':authority'],
    ...['origin', 'referer', 'sec-fetch-dest', 'accept', 'authorization', 'cookie'],
  ])('distinguishes requests by the header %s', (name) => {
    expect(of({ headers: { [name]: 'a' } })).not.toBe(of({ headers: { [name]: 'b' } }));
    expect(of({ headers: { [name]: 'a' } })).not.toBe(of({}));
  });

  it('distinguishes all requests that differ in any value that Clerk reads', () => {
    const value = fc.constantFrom(undefined, '', 'a', 'b', 'ab', 'null', 'undefined');
    const headers = fc.record({ host: value, origin: value, referer: value, accept: value, cookie: value });
    const request = fc.record({ method: fc.constantFrom('GET', 'POST'), isEncrypted: fc.boolean(), headers });
    fc.assert(
      fc.property(request, request, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(of(one as never) === of(other as never)).toBe(isSame);
      }),
      { numRuns: 5_000 },
    );
  });

  it('begins with a line break, so that no token can match it', () => {
    expect(of({}).startsWith('\n')).toBe(true);
  });

  it('distinguishes requests by method and encryption, but not by headers that Clerk does not read', () => {
    expect(of({ method: 'POST' })).not.toBe(of({}));
    expect(of({ isEncrypted: true })).not.toBe(of({}));
    expect(of({ headers: { 'x-request-id': '1' } })).toBe(of({}));
  });

  it.each<[string, string, string, ClerkModuleOptions, boolean]>([
    ['no part of a target without Clerk’s parameters', '/a?b=c', '/d', {}, false],
    ['Clerk’s parameters', '/a?__clerk_db_jwt=1', '/a?__clerk_db_jwt=2', {}, true],
    ['Clerk’s parameters after others', '/a?b=c&__clerk_synced=1', '/a?b=c&__clerk_synced=2', {}, true],
    ['percent-encoded parameters of Clerk', '/a?%5F_clerk_synced=1', '/a?%5F_clerk_synced=2', {}, true],
    [
      'parameters of Clerk that are percent-encoded further on',
      '/a?_%5Fclerk_synced=1',
      '/a?_%5Fclerk_synced=2',
      {},
      true,
    ],
    ['parameters with a tab, which URL parsers skip', '/a?__cl\terk_synced=1', '/a?__cl\terk_synced=2', {}, true],
    ['no parameter values that look like Clerk’s', '/a?b=__clerk_', '/a?b=__clerk_1', {}, false],
    ['the path, with organizationSyncOptions', '/orgs/a?b', '/orgs/c?b', { organizationSyncOptions: {} }, true],
    ['no query, with organizationSyncOptions', '/orgs/a?b', '/orgs/a?c', { organizationSyncOptions: {} }, false],
    ['the whole target, with a function as domain', '/a?b', '/a?c', { domain: PER_URL }, true],
    ['the whole target, with a function as isSatellite', '/a?b', '/a?c', { isSatellite: PER_URL }, true],
    ['the whole target, with a function as proxyUrl', '/a?b', '/a?c', { proxyUrl: PER_URL }, true],
    [
      'the whole target, with a function in frontendApiProxy',
      '/a?b',
      '/a?c',
      { frontendApiProxy: { enabled: PER_URL } },
      true,
    ],
    [
      'no query, with plain values as options',
      '/a?b',
      '/a?c',
      { domain: 'a', frontendApiProxy: { enabled: true } },
      false,
    ],
  ])('distinguishes targets by %s: %s and %s', (_, one, other, given, differ) => {
    expect(of({ target: one }, given) !== of({ target: other }, given)).toBe(differ);
  });
});

describe('fingerprintWithoutCredentials()', () => {
  const of = (request: Partial<typeof inputs> = {}, acceptsToken: AcceptsToken = 'session_token') =>
    fingerprintWithoutCredentials({ ...inputs, ...request }, acceptsToken);

  it.each([
    ...['host', 'x-forwarded-host', 'x-forwarded-proto', 'cloudfront-forwarded-proto', ':authority'],
    ...['origin', 'sec-fetch-dest', 'accept'],
  ])('distinguishes requests by the header %s', (name) => {
    const [a, b, empty, missing] = ['a', 'b', '', undefined].map((value) => of({ headers: { [name]: value } }));
    expect(new Set([a, b, empty, missing]).size).toBe(4);
  });

  it('distinguishes a value of one header from the same value of another', () => {
    expect(of({ headers: { host: 'a' } })).not.toBe(of({ headers: { origin: 'a' } }));
  });

  it('distinguishes requests by method, encryption, token types and the cookies of Clerk', () => {
    const all = [
      of(),
      of({ method: 'POST' }),
      of({ isEncrypted: true }),
      of({}, 'any'),
      of({}, ['session_token', 'api_key']),
      of({ headers: { cookie: '__client_uat=0' } }),
      of({ headers: { cookie: '__client_uat=1' } }),
      of({ headers: { cookie: '__client_uat_12345678=1' } }),
      of({ headers: { cookie: '__clerk_db_jwt=1' } }),
      of({ headers: { cookie: '__clerk_redirect_count=1' } }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it.each<[string, Partial<typeof inputs>, Partial<typeof inputs>]>([
    ['the path and query', { target: '/' }, { target: '/other?page=2' }],
    ['cookies that are not Clerk’s', {}, { headers: { cookie: '_ga=GA1; theme=dark; __utma=1' } as never }],
    [
      'cookies beside Clerk’s',
      { headers: { cookie: '__client_uat=0' } },
      { headers: { cookie: '__client_uat=0;_ga=GA1' } },
    ],
    ['a scheme that Clerk ignores', {}, { headers: { authorization: 'Basic x' } as never }],
  ])('ignores %s', (_, one, other) => {
    // An empty list of Clerk's cookies ends with a line break.
    expect(of(one)?.trimEnd()).toBe(of(other)?.trimEnd());
  });

  it.each<[string, Partial<typeof inputs>]>([
    ['a token', { headers: { authorization: 'Bearer x' } as never }],
    ['an empty bearer token', { headers: { authorization: 'Bearer ' } as never }],
    ['a token without a scheme', { headers: { authorization: 'x' } as never }],
    ['a session cookie', { headers: { cookie: 'a=b;__session=x' } as never }],
    ['the name of a session cookie in another cookie', { headers: { cookie: 'a=__session' } as never }],
    ['a refresh token', { headers: { cookie: '__refresh_12345678=x' } as never }],
    ['a handshake cookie', { headers: { cookie: '__clerk_handshake_nonce=x' } as never }],
    ['a parameter of Clerk', { target: '/?a=b&__clerk_db_jwt=x' }],
    ['a parameter whose name is encoded', { target: '/?%5F_clerk_db_jwt=x' }],
    ['a tab in the name of a parameter, which URL parsers skip', { target: '/?__cl\terk_db_jwt=x' }],
    ['long headers', { headers: { origin: 'a'.repeat(600) } as never }],
  ])('returns undefined for a request with %s', (_, request) => {
    expect(of(request)).toBeUndefined();
  });
});

describe('dependsOnUrl()', () => {
  it.each<[string, ClerkModuleOptions, boolean]>([
    ['none', {}, false],
    ['fixed values', { domain: 'a.test', isSatellite: true, frontendApiProxy: { enabled: true } }, false],
    ['domain', { domain: () => 'a.test' }, true],
    ['isSatellite', { isSatellite: () => true }, true],
    ['proxyUrl', { proxyUrl: () => '/a' }, true],
    ['frontendApiProxy', { frontendApiProxy: { enabled: () => true } }, true],
  ])('with a function in %s, returns the right value', (_, given, expected) => {
    expect(dependsOnUrl(options(given))).toBe(expected);
  });
});
