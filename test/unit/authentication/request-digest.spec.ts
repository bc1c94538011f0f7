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

describe('soleSessionToken', () => {
  it.each<[Record<string, string>, ClerkModuleOptions, string | undefined]>([
    [{ authorization }, {}, 'x.y.z'],
    [{ authorization, cookie: 'a=b; __client_uat=1' }, {}, 'x.y.z'],
    // Where Clerk would look at more, or elsewhere.
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
  ])('of %j with %j is %s', (headers, given, token) => {
    expect(findSoleSessionToken({ ...inputs, headers }, options(given))).toBe(token);
  });
});

describe('digestOf', () => {
  it('is another for another text and for other accepted tokens, and shows nothing of it', () => {
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

describe('requestFingerprint', () => {
  const of = (request: Partial<typeof inputs>, given?: ClerkModuleOptions) =>
    fingerprintRequest({ ...inputs, ...request }, options(given));
  const PER_URL = () => undefined as never;

  it.each([
    ...['host', 'x-forwarded-host', 'x-forwarded-proto', 'cloudfront-forwarded-proto', ':authority'],
    ...['origin', 'referer', 'sec-fetch-dest', 'accept', 'authorization', 'cookie'],
  ])('tell requests apart by %s', (name) => {
    expect(of({ headers: { [name]: 'a' } })).not.toBe(of({ headers: { [name]: 'b' } }));
    expect(of({ headers: { [name]: 'a' } })).not.toBe(of({}));
  });

  it('tell them apart by method and encryption, and not by what Clerk does not read', () => {
    expect(of({ method: 'POST' })).not.toBe(of({}));
    expect(of({ isEncrypted: true })).not.toBe(of({}));
    expect(of({ headers: { 'x-request-id': '1' } })).toBe(of({}));
  });

  it.each<[string, string, string, ClerkModuleOptions, boolean]>([
    ['nothing of the target', '/a?b=c', '/d', {}, false],
    ['parameters of Clerk', '/a?__clerk_db_jwt=1', '/a?__clerk_db_jwt=2', {}, true],
    ['later ones', '/a?b=c&__clerk_synced=1', '/a?b=c&__clerk_synced=2', {}, true],
    ['such parameters in another spelling', '/a?%5F_clerk_synced=1', '/a?%5F_clerk_synced=2', {}, true],
    ['those that are spelt so only further on', '/a?_%5Fclerk_synced=1', '/a?_%5Fclerk_synced=2', {}, true],
    ['no values that look like it', '/a?b=__clerk_', '/a?b=__clerk_1', {}, false],
    ['the path, for organizations', '/orgs/a?b', '/orgs/c?b', { organizationSyncOptions: {} }, true],
    ['no query, for organizations', '/orgs/a?b', '/orgs/a?c', { organizationSyncOptions: {} }, false],
    ['all of it, for a function', '/a?b', '/a?c', { domain: PER_URL }, true],
    ['all of it, for a function', '/a?b', '/a?c', { isSatellite: PER_URL }, true],
    ['all of it, for a function', '/a?b', '/a?c', { proxyUrl: PER_URL }, true],
    ['all of it, for a function', '/a?b', '/a?c', { frontendApiProxy: { enabled: PER_URL } }, true],
    ['nothing, for options that are none', '/a?b', '/a?c', { domain: 'a', frontendApiProxy: { enabled: true } }, false],
  ])('tell them apart by %s: %s and %s', (_, one, other, given, apart) => {
    expect(of({ target: one }, given) !== of({ target: other }, given)).toBe(apart);
  });
});
