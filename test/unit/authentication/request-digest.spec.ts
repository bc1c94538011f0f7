import {
  computeDigest,
  fingerprintRequest,
  findSoleSessionToken,
} from '../../../lib/authentication/cache/request-digest.js';
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
