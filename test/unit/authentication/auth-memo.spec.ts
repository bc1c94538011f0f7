import { memoizeAuth, type AuthObjectOptions } from '../../../lib/authentication/identity/auth-memo.js';

const PENDING_ALLOWED = { treatPendingAsSignedOut: false };

/** Builds auth objects as Clerk does for a session with this status, and records the options of each. */
function setUp(sessionStatus: string | undefined) {
  const built: (AuthObjectOptions | undefined)[] = [];
  const toAuth = memoizeAuth((options) => {
    built.push(options);
    const isOut = sessionStatus === 'pending' && options?.treatPendingAsSignedOut !== false;
    return {
      ...(sessionStatus && { sessionStatus }),
      userId: isOut ? null : 'user_1',
      claims: { meta: ['a'], none: null },
      has: () => true,
    } as never;
  });
  return { toAuth, built };
}

describe('memoizeAuth()', () => {
  it('freezes claims that are nested 100,000 levels deep', () => {
    const claims = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    const auth = memoizeAuth(() => ({ claims }) as never)() as unknown as { claims: unknown[] };
    let innermost = auth.claims;
    while (innermost.length > 0) innermost = innermost[0] as unknown[];
    expect([Object.isFrozen(auth.claims), Object.isFrozen(innermost)]).toEqual([true, true]);
  });

  it.each(['active', undefined])(
    'builds the auth object of a session with status %s once for all options',
    (status) => {
      const { toAuth, built } = setUp(status);
      const all = [toAuth(), toAuth({}), toAuth(PENDING_ALLOWED), toAuth({ treatPendingAsSignedOut: true })];
      expect(new Set(all).size).toBe(1);
      expect(built).toHaveLength(1);
      const other = setUp(status);
      expect(other.toAuth(PENDING_ALLOWED)).toBe(other.toAuth());
      expect(other.built).toEqual([PENDING_ALLOWED]);
    },
  );

  it('builds two auth objects of a pending session, each once', () => {
    for (const order of [
      [undefined, PENDING_ALLOWED],
      [PENDING_ALLOWED, undefined],
    ]) {
      const { toAuth, built } = setUp('pending');
      for (const options of [...order, ...order]) {
        expect(toAuth(options)).toMatchObject({ userId: options ? 'user_1' : null });
      }
      expect(built).toHaveLength(2);
    }
  });

  it('builds lazily, and freezes the auth object and its claims but not its functions', () => {
    const { toAuth, built } = setUp('active');
    expect(built).toHaveLength(0);
    const auth = toAuth() as unknown as { has: object; claims: { meta: string[] } };
    expect(Object.isFrozen(auth.has)).toBe(false);
    expect(() => auth.claims.meta.push('admin')).toThrow(TypeError);
    expect(() => Object.assign(auth, { userId: 'user_evil' })).toThrow(TypeError);
    expect(() => Object.assign(auth.claims, { more: 1 })).toThrow(TypeError);
  });
});
