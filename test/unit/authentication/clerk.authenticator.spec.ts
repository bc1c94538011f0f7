import type { ClerkClient } from '@clerk/backend';

import { ClerkCalls } from '../../../lib/client/clerk-calls.js';
import { cookieSuffixOf } from '../../../lib/authentication/identity/credentials.js';
import { ClerkAuthenticator } from '../../../lib/authentication/lanes/clerk.authenticator.js';
import { EMPTY_KEY_SET, type KeySet } from '../../../lib/authentication/keys/key-set.js';
import type { AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const options = resolveClerkOptions(
  {
    publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`,
    secretKey: 'sk_test_x',
    audience: ['api'],
    authorizedParties: ['https://app.example.com'],
    timeoutInMs: 50,
  },
  {},
);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (header: object, payload: object = {}) => `${encode(header)}.${encode(payload)}.AAAA`;
const session = jwt({ kid: 'ins_1' });

/** An authenticator over a Clerk that answers as told; records what Clerk was asked with. */
function over(
  answer: (request: Request, options: any) => unknown,
  find: KeySet['find'] = async () => 'PEM',
  calls = new ClerkCalls(options),
) {
  const asked: any[] = [];
  const client = {
    authenticateRequest: async (request: Request, given: object) => {
      asked.push(given);
      return answer(request, given);
    },
  } as unknown as ClerkClient;
  const keys: KeySet = {
    find,
    getCached: () => null,
    current: async () => 'CURRENT',
    freshUntil: () => Infinity,
  };
  const authenticator = new ClerkAuthenticator(options, client, keys, calls);
  const ask = (headers: Record<string, string>, acceptsToken: AcceptsToken = 'session_token', path = '/') =>
    authenticator.authenticate(new HttpCredentials({ method: 'GET', url: path, headers }, {}), acceptsToken);
  return { ask, asked };
}

const signedOut = (more: object = {}) => ({
  status: 'signed-out',
  reason: 'token-invalid',
  message: '',
  tokenType: 'session_token',
  headers: new Headers({ 'x-clerk-auth-message': 'configuration', 'x-clerk-auth-status': 'signed-out' }),
  toAuth: () => ({ isAuthenticated: false }),
  ...more,
});
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('ClerkAuthenticator', () => {
  describe('hands Clerk the key', () => {
    const NO_KEY = expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\s+-----END PUBLIC KEY-----$/);
    const keyAskedWith = async (headers: Record<string, string>, acceptsToken?: AcceptsToken, path?: string) => {
      const { ask, asked } = over(signedOut, async (kid) =>
        kid === 'ins_1' || kid === 'ins_2' ? `PEM of ${kid}` : null,
      );
      await ask(headers, acceptsToken, path);
      return asked[0]?.jwtKey;
    };

    it('that the header token names', async () => {
      expect(await keyAskedWith(bearer(session))).toBe('PEM of ins_1');
      expect(await keyAskedWith(bearer(jwt({ kid: 'ins_1', typ: 'at+jwt' })), 'oauth_token')).toBe('PEM of ins_1');
    });

    it('of ours, where cookies of several applications came along', async () => {
      const suffix = cookieSuffixOf(options.publishableKey);
      const cookie = `__session=${jwt({ kid: 'ins_foreign' })}; __session_${suffix}=${jwt({ kid: 'ins_2' })}; __session_x=nonsense`;
      expect(await keyAskedWith({ cookie })).toBe('PEM of ins_2');
    });

    it('that is current, where a cookie cannot be read or a handshake is to be resolved', async () => {
      expect(await keyAskedWith({ cookie: '__session=garbage' })).toBe('CURRENT');
      expect(await keyAskedWith({ accept: 'text/html' }, 'session_token', '/?__clerk_handshake_nonce=n')).toBe(
        'CURRENT',
      );
    });

    it.each<[string, Record<string, string>, AcceptsToken]>([
      ['nothing was sent', {}, 'session_token'],
      ['the token is opaque', bearer('ak_x'), 'api_key'],
      ['the token is unreadable', bearer('a.b.c'), 'session_token'],
      ['a machine JWT meets a session route', bearer(jwt({ kid: 'ins_1' }, { sub: 'mch_1' })), 'session_token'],
      ['a session token meets a machine route', bearer(session), 'api_key'],
      ['cookies meet a machine route', { cookie: `__session=${session}` }, 'm2m_token'],
      ['cookies name none of ours', { cookie: `__session=${jwt({ kid: 'ins_foreign' })}` }, 'session_token'],
    ])('that verifies nothing, where %s', async (_, headers, acceptsToken) => {
      expect(await keyAskedWith(headers, acceptsToken)).toEqual(NO_KEY);
    });

    it('or does not ask at all, where the header token names a key the instance does not have', async () => {
      for (const token of [jwt({ kid: 'ins_foreign' }), jwt({})]) {
        const { ask, asked } = over(signedOut, async () => null);
        const identity = await ask(bearer(token));
        expect(identity).toMatchObject({ status: 'signed-out', reason: 'jwk-kid-mismatch', hasCredentials: true });
        expect(identity.headers.get('x-clerk-auth-reason')).toBe('jwk-kid-mismatch');
        expect(identity.toAuth()).toMatchObject({ isAuthenticated: false, tokenType: 'session_token' });
        expect(asked).toEqual([]);
      }
    });
  });

  describe('with several keys in question', () => {
    const suffix = cookieSuffixOf(options.publishableKey);
    const cookie = `__session=${jwt({ kid: 'ins_1' })}; __session_${suffix}=${jwt({ kid: 'ins_2' })}`;
    const find = async (kid: string | null) => `PEM of ${kid}`;

    it('asks with the next where a signature does not fit, for which cookie counts is for Clerk to decide', async () => {
      const { ask, asked } = over(
        (_, { jwtKey }) =>
          jwtKey === 'PEM of ins_2'
            ? {
                status: 'signed-in',
                tokenType: 'session_token',
                headers: new Headers(),
                reason: null,
                toAuth: () => ({}),
              }
            : signedOut({ reason: 'token-invalid-signature' }),
        find,
      );
      expect((await ask({ cookie })).status).toBe('signed-in');
      expect(asked.map(({ jwtKey }) => jwtKey)).toEqual(['PEM of ins_1', 'PEM of ins_2']);
    });

    it('asks once where anything else is wrong, and not again where no key fits', async () => {
      const expired = over(() => signedOut({ reason: 'session-token-expired' }), find);
      await expired.ask({ cookie });
      expect(expired.asked).toHaveLength(1);
      const forged = over(() => signedOut({ reason: 'token-invalid-signature' }), find);
      expect(await forged.ask({ cookie })).toMatchObject({ status: 'signed-out', reason: 'token-invalid-signature' });
      expect(forged.asked).toHaveLength(2);
    });

    it('takes a handshake’s key first', async () => {
      const { ask, asked } = over(signedOut, find);
      await ask({ cookie, accept: 'text/html' }, 'session_token', `/?__clerk_handshake=${jwt({ kid: 'ins_3' })}`);
      expect(asked[0].jwtKey).toBe('PEM of ins_3');
    });
  });

  describe('of a cookie that names an unknown key says what Clerk says that looks for it', () => {
    const suffix = cookieSuffixOf(options.publishableKey);
    const foreign = jwt({ kid: 'ins_foreign' });
    const reasonFor = async (cookie: string, reason: string) => {
      const { ask } = over(
        () => signedOut({ reason }),
        async (kid) => (kid === 'ins_1' ? 'PEM' : null),
      );
      return (await ask({ cookie })).reason;
    };

    it.each([
      ['token-invalid-signature', 'jwk-kid-mismatch'],
      ['token-verification-failed', 'jwk-kid-mismatch'],
      ['token-invalid-algorithm', 'jwk-kid-mismatch'],
      ['token-invalid', 'jwk-kid-mismatch'],
      ['session-token-and-uat-missing', 'session-token-and-uat-missing'],
    ])('by itself: %s is %s', async (reason, told) =>
      expect(await reasonFor(`__session=${foreign}`, reason)).toBe(told),
    );

    it.each(['token-invalid-signature', 'token-verification-failed'])(
      'and not where one beside it names a known key, and is not signed by it: %s',
      async (reason) => {
        expect(await reasonFor(`__session=${foreign}; __session_${suffix}=${session}`, reason)).toBe(reason);
      },
    );
  });

  describe('asks a client that can exchange', () => {
    const expired = `__session=${jwt({ kid: 'ins_1' }, { sid: 'sess_1', exp: 1 })}`;
    const asked: Request[] = [];
    const calls = { nonces: 0, refreshes: 0 };
    const client = {
      authenticateRequest: async (request: Request) => {
        asked.push(request);
        return signedOut({ reason: 'session-token-and-uat-missing' });
      },
      clients: { getHandshakePayload: async () => (calls.nonces++, { directives: [] }) },
      sessions: { refreshSession: async () => (calls.refreshes++, { cookies: [] }) },
    } as unknown as ClerkClient;
    // Clerk's own code runs here, which takes its time on a busy machine.
    const patient = { ...options, timeoutInMs: 5_000 };
    const keys = { ...EMPTY_KEY_SET, find: async () => 'PEM', current: async () => 'PEM' };
    const ask = (headers: Record<string, string>, url = '/') =>
      new ClerkAuthenticator(patient, client, keys, new ClerkCalls(patient)).authenticate(
        new HttpCredentials({ method: 'GET', url, headers }, {}),
        'session_token',
      );

    beforeEach(() => void asked.splice(0));

    it('without the refresh token, which it could spend', async () => {
      for (const headers of [{ cookie: `${expired}; __refresh_x=r; a=b` }, bearer(session)]) await ask(headers);
      expect(asked.map(({ headers }) => headers.get('cookie'))).toEqual([`${expired}; a=b`, null]);
      expect(calls.refreshes).toBe(0);
    });

    it('not at all about a nonce, which is exchanged once', async () => {
      const answer = await ask({ accept: 'text/html' }, '/?__clerk_handshake_nonce=n');
      expect(answer.reason).toBe('session-token-missing');
      expect([asked.length, calls.nonces]).toEqual([0, 1]);
    });
  });

  it('holds session tokens to the authorized parties, and machine tokens not', async () => {
    const { ask, asked } = over(signedOut);
    await ask(bearer(session), 'any');
    await ask({ cookie: `__session=${session}` });
    await ask(bearer(jwt({ kid: 'ins_1', typ: 'at+jwt' })), 'any');
    await ask(bearer('ak_x'), 'any');
    expect(asked.map(({ authorizedParties }) => authorizedParties)).toEqual([
      ['https://app.example.com'],
      ['https://app.example.com'],
      undefined,
      undefined,
    ]);
    expect(asked.map(({ audience }) => audience?.[0])).toEqual(['api', 'api', undefined, undefined]);
  });

  it('drops the header that discloses configuration, and leaves Clerk’s own headers alone', async () => {
    const state = signedOut();
    const { headers } = await over(() => state).ask(bearer(session));
    expect([...headers]).toEqual([['x-clerk-auth-status', 'signed-out']]);
    expect(state.headers.has('x-clerk-auth-message')).toBe(true);
  });

  it('looks for no key of a cookie that names none', async () => {
    const find = jest.fn(async () => null);
    await over(signedOut, find).ask({ cookie: '__session=garbage' });
    expect(find).not.toHaveBeenCalled();
  });

  it('counts a request that cannot be read as one that carried a credential', async () => {
    const unreadable = {
      get request(): Request {
        throw new TypeError('no URL');
      },
    };
    const authenticator = new ClerkAuthenticator(options, {} as ClerkClient, EMPTY_KEY_SET, new ClerkCalls(options));
    expect(await authenticator.authenticate(unreadable as never, 'any')).toMatchObject({
      ...{ status: 'signed-out', reason: 'unexpected-error', hasCredentials: true },
      detail: '@clerk/backend threw TypeError',
    });
  });

  it('takes a function among the options that throws for a failure of its own', async () => {
    const domain = () => {
      throw new Error('cannot tell');
    };
    const given = { ...options, domain };
    const authenticator = new ClerkAuthenticator(given, {} as ClerkClient, EMPTY_KEY_SET, new ClerkCalls(given));
    const source = { method: 'GET', url: '/', headers: { host: 'a.example' } };
    expect(await authenticator.authenticate(new HttpCredentials(source, source), 'any')).toMatchObject({
      ...{ status: 'signed-out', reason: 'unexpected-error' },
      failure: { code: 'invalid-configuration', message: 'The function of the option domain threw' },
    });
  });

  it('takes what makes Clerk’s code throw for a refusal, and keeps what it said to itself', async () => {
    const thrown = [new SyntaxError('Unexpected token in eyJSECRET'), 'text'];
    for (const error of thrown) {
      const identity = await over(() => Promise.reject(error)).ask(bearer(session));
      expect(identity).toMatchObject({ status: 'signed-out', reason: 'unexpected-error' });
      expect(identity.failure).toBeUndefined();
      expect(identity.detail).toMatch(/^@clerk\/backend threw (SyntaxError|string)$/);
      expect(JSON.stringify(identity)).not.toContain('SECRET');
    }
  });

  it('waits no longer than timeoutInMs, for keys and Clerk together', async () => {
    const never = () => new Promise<never>(() => {});
    for (const { ask } of [over(never), over(signedOut, never)]) {
      expect((await ask(bearer(session))).failure).toMatchObject({
        code: 'clerk-unavailable',
        message: 'Clerk did not answer within 50 ms',
      });
    }
  });

  describe('asks Clerk again where it failed', () => {
    const patient = () =>
      new ClerkCalls({ timeoutInMs: 5_000, maxRetries: 1, maxPendingCalls: 9 }, async () => undefined);
    const failing = () => over(() => signedOut({ reason: 'jwk-remote-failed-to-load' }), undefined, patient());
    const timesAsked = async (headers: Record<string, string>, acceptsToken?: AcceptsToken, path?: string) => {
      const { ask, asked } = failing();
      expect((await ask(headers, acceptsToken, path)).failure?.code).toBe('clerk-unavailable');
      return asked.length;
    };

    it('to verify an opaque token', async () => {
      for (const token of ['ak_x', 'mt_x', 'oat_x']) expect(await timesAsked(bearer(token), 'any')).toBe(2);
    });

    it.each([
      [500, 2],
      [402, 1],
      [408, 1],
    ])('where that may help: after a status %i it has asked %i times', async (status, times) => {
      const machine = signedOut({ tokenType: 'api_key', reason: 'unexpected-error', message: `(status=${status})` });
      const { ask, asked } = over(() => machine, undefined, patient());
      await ask(bearer('ak_x'), 'api_key');
      expect(asked).toHaveLength(times);
    });

    it('and not where that would spend a nonce or a refresh token twice, nor for what needs no Clerk', async () => {
      const expired = `__session=${jwt({ kid: 'ins_1' }, { exp: 1 })}; __refresh_x=r`;
      const navigation = { accept: 'text/html', 'sec-fetch-dest': 'document' };
      expect(await timesAsked(navigation, 'session_token', '/?__clerk_handshake_nonce=n')).toBe(1);
      expect(await timesAsked({ cookie: expired })).toBe(1);
      expect(await timesAsked(bearer(session))).toBe(1);
    });
  });

  describe('finds failures in Clerk’s answers', () => {
    const failureOf = async (state: object) =>
      (await over(() => signedOut(state)).ask(bearer('ak_x'), 'api_key')).failure?.code;
    const machine = (message: string) => failureOf({ tokenType: 'api_key', reason: 'unexpected-error', message });

    it.each([
      ['(code=unexpected-error, status=500)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=503)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=429)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=n/a)', 'clerk-unavailable'],
      ['in words of a later version', 'clerk-unavailable'],
      ['(code=unexpected-error, status=402)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=408)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=403)', 'clerk-key-rejected'],
      ['(code=unexpected-error, status=400)', undefined],
      ['(status=400), then (code=unexpected-error, status=500)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=422)', undefined],
    ])('of machine tokens: %s', async (message, code) =>
      expect(await machine(`Unexpected error ${message}`)).toBe(code),
    );

    const nobody = (toAuth: () => unknown) =>
      failureOf({ status: 'signed-in', tokenType: 'm2m_token', reason: null, toAuth });

    it.each<[string, () => unknown]>([
      ['without id', () => ({ isAuthenticated: true, subject: 'mch_1' })],
      ['without subject', () => ({ isAuthenticated: true, id: 'mt_1' })],
      ['whose subject is empty', () => ({ isAuthenticated: true, id: 'mt_1', subject: '' })],
      ['whose subject is no text', () => ({ isAuthenticated: true, id: 'mt_1', subject: {} })],
      [
        'that cannot be read',
        () => {
          throw new TypeError('undefined');
        },
      ],
    ])('of opaque tokens that Clerk calls good: one %s', async (_, toAuth) =>
      expect(await nobody(toAuth)).toBe('clerk-unavailable'),
    );

    it('and none where an opaque token is somebody’s', async () => {
      expect(await nobody(() => ({ isAuthenticated: true, id: 'mt_1', subject: 'mch_1' }))).toBeUndefined();
    });

    it('and none where a token is merely bad', async () => {
      expect(await failureOf({ tokenType: 'api_key', reason: 'token-invalid' })).toBeUndefined();
      expect(await failureOf({ tokenType: 'session_token', reason: 'unexpected-error' })).toBeUndefined();
      expect(await failureOf({ tokenType: null, reason: 'unexpected-error' })).toBeUndefined();
    });

    it.each([
      ['secret-key-invalid', 'clerk-key-rejected'],
      ['jwk-remote-failed-to-load', 'clerk-unavailable'],
    ])('whatever the token: %s', async (reason, code) => expect(await failureOf({ reason })).toBe(code));

    it.each<[string, object]>([
      ['The Backend API rejected the secret key', { reason: 'secret-key-invalid' }],
      ['Clerk could not load its keys', { reason: 'jwk-remote-failed-to-load' }],
      ['The Backend API does not let the secret key verify this token', { message: '(status=403)' }],
      ['The Backend API did not verify the token (status 500)', { message: '(status=500)' }],
      ['The Backend API did not verify the token (status unknown)', { message: null }],
      ['The Backend API did not verify the token: it returned something else', { status: 'signed-in', reason: null }],
    ])('in words for the log: %s', async (message, state) => {
      const machine = signedOut({ tokenType: 'api_key', reason: 'unexpected-error', ...state });
      expect((await over(() => machine).ask(bearer('ak_x'), 'api_key')).failure).toMatchObject({ message });
    });

    it('a machine state without message counts as an outage', async () => {
      expect(await failureOf({ tokenType: 'm2m_token', reason: 'unexpected-error', message: null })).toBe(
        'clerk-unavailable',
      );
    });
  });

  describe('gives, signed out, Clerk’s object of the accepted type', () => {
    it.each<[AcceptsToken, string | null]>([
      ['session_token', 'session_token'],
      ['api_key', 'api_key'],
      ['m2m_token', 'm2m_token'],
      [['session_token', 'api_key'], 'session_token'],
      [['m2m_token', 'api_key'], null],
      ['any', 'session_token'],
    ])('%j', async (acceptsToken, tokenType) => {
      const down = over(() => new Promise<never>(() => {}));
      expect((await down.ask({}, acceptsToken)).toAuth()).toMatchObject({ isAuthenticated: false, tokenType });
    });
  });
});
