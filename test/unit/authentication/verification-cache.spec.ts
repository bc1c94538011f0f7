import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { StaticKeySet, type KeySet } from '../../../lib/authentication/keys/key-set.js';
import { machineIdentity, SessionIdentities } from '../../../lib/authentication/identity/session-identity.js';
import { VerificationCache } from '../../../lib/authentication/cache/verification-cache.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const NOW = 1_000_000_000;
const SECOND = 1_000;
const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a', clockSkewInMs: 5 * SECOND },
  {},
);
const sessions = new SessionIdentities(options);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object) => `${encode({ alg: 'RS256' })}.${encode(claims)}.c2ln`;

/** Claims of a session that expires in so many seconds. */
const claims = (seconds: number) => ({ sub: 'user_1', sid: 'sess_1', exp: NOW / SECOND + seconds }) as never;
const session = (seconds: number) => sessions.create(jwt(claims(seconds)), claims(seconds));
const machine = () => machineIdentity('api_key', 'ak_1', { id: 'id_1', subject: 'user_1', scopes: ['a'] } as never);

function setUp({ ttl = 0, maxEntries = 10, maxBytes = 1_000_000, freshUntil = Infinity } = {}) {
  const clock = { now: NOW };
  const keys: KeySet = Object.assign(new StaticKeySet('PEM'), { freshUntil: () => freshUntil });
  const limits = { maxEntries, maxBytes, machineTokens: { ttl } };
  const cache = new VerificationCache(options, limits, keys, sessions, () => clock.now);
  /** The number of seconds for which the entry is cached. */
  const secondsCached = (token?: string) => {
    for (let seconds = 0; seconds <= 100; seconds++) {
      clock.now = NOW + seconds * SECOND;
      if (!cache.get('digest', token)) return seconds;
    }
    return Infinity;
  };
  return { cache, clock, secondsCached };
}

describe('VerificationCache', () => {
  it.each<[string, number, object, number]>([
    ['until its expiry plus the clock skew', 30, {}, 35],
    ['for at most a minute', 3600, {}, 60],
    ['while the keys are fresh', 3600, { freshUntil: NOW + 10 * SECOND }, 10],
    ['not at all if it has expired', -5, {}, 0],
    ['not at all if its expiry is NaN', NaN, {}, 0],
  ])('caches a session token of the header %s', (_, seconds, given, expected) => {
    const { cache, secondsCached } = setUp(given);
    cache.setToken('digest', session(seconds), jwt(claims(seconds)));
    expect(secondsCached(jwt(claims(seconds)))).toBe(expected);
  });

  it.each<[string, Identity, string | undefined, object, number]>([
    ['a cookie session until its expiry, without clock skew', session(30), undefined, {}, 30],
    ['a cookie session while the keys are fresh', session(30), undefined, { freshUntil: NOW + 10 * SECOND }, 10],
    ['a cookie session for at most a minute', session(3600), undefined, {}, 60],
    ['a machine JWT until its expiry', machine(), jwt(claims(20)), { ttl: 50 * SECOND }, 20],
    ['a machine JWT while the keys are fresh', machine(), jwt(claims(20)), { freshUntil: NOW + 10 * SECOND }, 10],
    ['no machine JWT without an expiry', machine(), jwt({}), { ttl: 50 * SECOND }, 0],
    ['an opaque token for the ttl of the options', machine(), 'ak_1', { ttl: 7 * SECOND }, 7],
    ['an opaque token also while the keys are not fresh', machine(), 'ak_1', { ttl: 7 * SECOND, freshUntil: 0 }, 7],
    ['no opaque token if the ttl is 0', machine(), 'ak_1', {}, 0],
    ['no machine identity without a token in the header', machine(), undefined, { ttl: 7 * SECOND }, 0],
    ['no identity without a token type', { ...machine(), tokenType: null }, 'ak_1', { ttl: 7 * SECOND }, 0],
  ])('caches %s', async (_, identity, token, given, expected) => {
    const { cache, secondsCached } = setUp(given);
    await cache.setRequest('digest', identity, token);
    expect(secondsCached(token)).toBe(expected);
  });

  it('does not cache a session whose token is not available', async () => {
    const { cache, secondsCached } = setUp();
    const auth = session(30).toAuth();
    const toAuth = () => ({ ...auth, getToken: async () => null }) as never;
    await cache.setRequest('digest', { ...session(30), toAuth }, undefined);
    expect(secondsCached()).toBe(0);
  });

  it('returns the cached identity with its validity window and token', async () => {
    const { cache } = setUp({ ttl: SECOND });
    cache.setToken('header', session(30), jwt(claims(30)));
    await cache.setRequest('cookies', session(30), undefined);
    await cache.setRequest('machine', machine(), 'ak_1');
    for (const digest of ['header', 'cookies']) {
      const { identity, since } = cache.get(digest, jwt(claims(30)))!;
      expect(since).toBe(NOW);
      expect(identity.toAuth()).toMatchObject({ userId: 'user_1', sessionId: 'sess_1', sessionClaims: claims(30) });
      expect(await (identity.toAuth() as any).getToken()).toBe(jwt(claims(30)));
    }
    const { identity, until } = cache.get('machine', 'ak_1')!;
    expect(until).toBe(NOW + SECOND);
    expect(identity.toAuth()).toMatchObject({ tokenType: 'api_key', id: 'id_1', scopes: ['a'] });
    expect(await (identity.toAuth() as any).getToken()).toBe('ak_1');
    // The token of a cookie session is cached with it, so the given one is ignored.
    expect(await (cache.get('cookies', 'other')!.identity.toAuth() as any).getToken()).toBe(jwt(claims(30)));
    expect(cache.get('elsewhere', 'ak_1')).toBeUndefined();
  });

  it('removes an entry that a lookup finds expired, so that it stays gone if the clock is set back', () => {
    const { cache, clock } = setUp();
    cache.setToken('digest', session(30), jwt(claims(30)));
    clock.now = NOW + 40 * SECOND;
    expect(cache.get('digest', '')).toBeUndefined();
    clock.now = NOW;
    expect(cache.get('digest', '')).toBeUndefined();
  });

  it('does not evict an entry for a token that has already expired', () => {
    const { cache } = setUp({ maxEntries: 1 });
    cache.setToken('digest', session(30), jwt(claims(30)));
    for (const seconds of [-5, -6]) cache.setToken('ended', session(seconds), jwt(claims(seconds)));
    expect(cache.get('digest', jwt(claims(30)))).toBeDefined();
  });
});
