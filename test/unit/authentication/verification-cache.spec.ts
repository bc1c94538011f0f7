import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { StaticKeySet, type KeySet } from '../../../lib/authentication/keys/key-set.js';
import { machineIdentity, sessionIdentity } from '../../../lib/authentication/identity/session-identity.js';
import { VerificationCache } from '../../../lib/authentication/cache/verification-cache.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const NOW = 1_000_000_000;
const SECOND = 1_000;
const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a', clockSkewInMs: 5 * SECOND },
  {},
);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object) => `${encode({ alg: 'RS256' })}.${encode(claims)}.c2ln`;

/** Claims of a session that expires in so many seconds. */
const claims = (seconds: number) => ({ sub: 'user_1', sid: 'sess_1', exp: NOW / SECOND + seconds }) as never;
const session = (seconds: number) => sessionIdentity(options, jwt(claims(seconds)), claims(seconds));
const machine = () => machineIdentity('api_key', 'ak_1', { id: 'id_1', subject: 'user_1', scopes: ['a'] } as never);

function over({ ttl = 0, maxEntries = 10, maxBytes = 1_000_000, freshUntil = Infinity } = {}) {
  const clock = { now: NOW };
  const keys: KeySet = Object.assign(new StaticKeySet('PEM'), { freshUntil: () => freshUntil });
  const verdicts = new VerificationCache(
    options,
    { maxEntries, maxBytes, machineTokens: { ttl } },
    keys,
    () => clock.now,
  );
  /** For how many seconds it is remembered. */
  const lasts = (token?: string) => {
    for (let seconds = 0; seconds <= 100; seconds++) {
      clock.now = NOW + seconds * SECOND;
      if (!verdicts.get('digest', token)) return seconds;
    }
    return Infinity;
  };
  return { verdicts, clock, lasts };
}

describe('VerificationCache', () => {
  it.each<[string, number, object, number]>([
    ['until it expires, by Clerk’s tolerance', 30, {}, 35],
    ['a minute at most', 3600, {}, 60],
    ['as long as the keys are fresh', 3600, { freshUntil: NOW + 10 * SECOND }, 10],
    ['not at all, where it has expired', -5, {}, 0],
    ['not at all, where its date is none', NaN, {}, 0],
  ])('keep the token of a header %s', (_, seconds, given, expected) => {
    const { verdicts, lasts } = over(given);
    verdicts.setToken('digest', session(seconds), jwt(claims(seconds)));
    expect(lasts(jwt(claims(seconds)))).toBe(expected);
  });

  it.each<[string, Identity, string | undefined, object, number]>([
    ['a session of cookies until it expires, without tolerance', session(30), undefined, {}, 30],
    ['it as long as the keys are fresh', session(30), undefined, { freshUntil: NOW + 10 * SECOND }, 10],
    ['it a minute at most', session(3600), undefined, {}, 60],
    ['a machine JWT until it expires', machine(), jwt(claims(20)), { ttl: 50 * SECOND }, 20],
    ['it as long as the keys are fresh', machine(), jwt(claims(20)), { freshUntil: NOW + 10 * SECOND }, 10],
    ['no machine JWT without a date', machine(), jwt({}), { ttl: 50 * SECOND }, 0],
    ['an opaque token for the time that is allowed', machine(), 'ak_1', { ttl: 7 * SECOND }, 7],
    ['it whether keys are fresh or not', machine(), 'ak_1', { ttl: 7 * SECOND, freshUntil: 0 }, 7],
    ['no opaque token where none is allowed', machine(), 'ak_1', {}, 0],
    ['no machine without a token', machine(), undefined, { ttl: 7 * SECOND }, 0],
    ['nobody without a type', { ...machine(), tokenType: null }, 'ak_1', { ttl: 7 * SECOND }, 0],
  ])('keep %s', async (_, identity, token, given, expected) => {
    const { verdicts, lasts } = over(given);
    await verdicts.setRequest('digest', identity, token);
    expect(lasts(token)).toBe(expected);
  });

  it('keep nothing of a session whose token cannot be had', async () => {
    const { verdicts, lasts } = over();
    const auth = session(30).toAuth();
    const toAuth = () => ({ ...auth, getToken: async () => null }) as never;
    await verdicts.setRequest('digest', { ...session(30), toAuth }, undefined);
    expect(lasts()).toBe(0);
  });

  it('give back whom they were given, with the term and the token of now', async () => {
    const { verdicts } = over({ ttl: SECOND });
    verdicts.setToken('header', session(30), jwt(claims(30)));
    await verdicts.setRequest('cookies', session(30), undefined);
    await verdicts.setRequest('machine', machine(), 'ak_1');
    for (const digest of ['header', 'cookies']) {
      const { identity, since } = verdicts.get(digest, jwt(claims(30)))!;
      expect(since).toBe(NOW);
      expect(identity.toAuth()).toMatchObject({ userId: 'user_1', sessionId: 'sess_1', sessionClaims: claims(30) });
      expect(await (identity.toAuth() as any).getToken()).toBe(jwt(claims(30)));
    }
    const { identity, until } = verdicts.get('machine', 'ak_1')!;
    expect(until).toBe(NOW + SECOND);
    expect(identity.toAuth()).toMatchObject({ tokenType: 'api_key', id: 'id_1', scopes: ['a'] });
    expect(await (identity.toAuth() as any).getToken()).toBe('ak_1');
    // The token of cookies is kept with it; no other may take its place.
    expect(await (verdicts.get('cookies', 'other')!.identity.toAuth() as any).getToken()).toBe(jwt(claims(30)));
    expect(verdicts.get('elsewhere', 'ak_1')).toBeUndefined();
  });

  it('forget what has ended, also where the clock is set back after it', () => {
    const { verdicts, clock } = over();
    verdicts.setToken('digest', session(30), jwt(claims(30)));
    clock.now = NOW + 40 * SECOND;
    expect(verdicts.get('digest', '')).toBeUndefined();
    clock.now = NOW;
    expect(verdicts.get('digest', '')).toBeUndefined();
  });

  it('give no place to what has ended already', () => {
    const { verdicts } = over({ maxEntries: 1 });
    verdicts.setToken('digest', session(30), jwt(claims(30)));
    for (const seconds of [-5, -6]) verdicts.setToken('ended', session(seconds), jwt(claims(seconds)));
    expect(verdicts.get('digest', jwt(claims(30)))).toBeDefined();
  });
});
