import type { ClerkClient } from '@clerk/backend';

import { ClerkCalls } from '../../../lib/client/clerk-calls.js';
import { computeCookieSuffix } from '../../../lib/authentication/identity/credentials.js';
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

/** An authenticator over a client with these results, and the options of each call to Clerk. */
function setUp(
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
    isUnknown: () => false,
    getCached: () => null,
    current: async () => 'CURRENT',
    freshUntil: () => Infinity,
  };
  const authenticator = new ClerkAuthenticator(options, () => client, keys, calls);
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
  describe('passes Clerk the key', () => {
    const NO_KEY = expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\s+-----END PUBLIC KEY-----$/);
    const keyAskedWith = async (headers: Record<string, string>, acceptsToken?: AcceptsToken, path?: string) => {
      const { ask, asked } = setUp(signedOut, async (kid) =>
        kid === 'ins_1' || kid === 'ins_2' ? `PEM of ${kid}` : null,
      );
      await ask(headers, acceptsToken, path);
      return asked[0]?.jwtKey;
    };

    it('that the header token names', async () => {
      expect(await keyAskedWith(bearer(session))).toBe('PEM of ins_1');
      expect(await keyAskedWith(bearer(jwt({ kid: 'ins_1', typ: 'at+jwt' })), 'oauth_token')).toBe('PEM of ins_1');
    });

    it('of this instance if the cookies of several applications are sent', async () => {
      const suffix = computeCookieSuffix(options.publishableKey);
      const cookie = `__session=${jwt({ kid: 'ins_foreign' })}; __session_${suffix}=${jwt({ kid: 'ins_2' })}; __session_x=nonsense`;
      expect(await keyAskedWith({ cookie })).toBe('PEM of ins_2');
    });

    it('that is current if a cookie is unreadable or a handshake nonce is sent', async () => {
      expect(await keyAskedWith({ cookie: '__session=garbage' })).toBe('CURRENT');
      expect(await keyAskedWith({ accept: 'text/html' }, 'session_token', '/?__clerk_handshake_nonce=n')).toBe(
        'CURRENT',
      );
    });

    it.each<[string, Record<string, string>, AcceptsToken]>([
      ['no credentials are sent', {}, 'session_token'],
      ['the token is opaque', bearer('ak_x'), 'api_key'],
      ['the token is unreadable', bearer('a.b.c'), 'session_token'],
      ['a machine JWT is sent to a session route', bearer(jwt({ kid: 'ins_1' }, { sub: 'mch_1' })), 'session_token'],
      ['a session token is sent to a machine route', bearer(session), 'api_key'],
      ['cookies are sent to a machine route', { cookie: `__session=${session}` }, 'm2m_token'],
      [
        'the cookies name no key of the instance',
        { cookie: `__session=${jwt({ kid: 'ins_foreign' })}` },
        'session_token',
      ],
    ])('that verifies nothing if %s', async (_, headers, acceptsToken) => {
      expect(await keyAskedWith(headers, acceptsToken)).toEqual(NO_KEY);
    });

    it('or does not call Clerk at all if the header token names a key that the instance does not have', async () => {
      for (const token of [jwt({ kid: 'ins_foreign' }), jwt({})]) {
        const { ask, asked } = setUp(signedOut, async () => null);
        const identity = await ask(bearer(token));
        expect(identity).toMatchObject({ status: 'signed-out', reason: 'jwk-kid-mismatch', hasCredentials: true });
        expect(identity.headers.get('x-clerk-auth-reason')).toBe('jwk-kid-mismatch');
        expect(identity.toAuth()).toMatchObject({ isAuthenticated: false, tokenType: 'session_token' });
        expect(asked).toEqual([]);
      }
    });
  });

  describe('with cookies that name different keys', () => {
    const suffix = computeCookieSuffix(options.publishableKey);
    const cookie = `__session=${jwt({ kid: 'ins_1' })}; __session_${suffix}=${jwt({ kid: 'ins_2' })}`;
    const find = async (kid: string | null) => `PEM of ${kid}`;

    it('calls Clerk again with the next key after an invalid signature, since Clerk decides which cookie counts', async () => {
      const { ask, asked } = setUp(
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

    it('calls Clerk once for any other rejection, and once per key if no key matches', async () => {
      const expired = setUp(() => signedOut({ reason: 'session-token-expired' }), find);
      await expired.ask({ cookie });
      expect(expired.asked).toHaveLength(1);
      const forged = setUp(() => signedOut({ reason: 'token-invalid-signature' }), find);
      expect(await forged.ask({ cookie })).toMatchObject({ status: 'signed-out', reason: 'token-invalid-signature' });
      expect(forged.asked).toHaveLength(2);
    });

    it('tries the key of a handshake first', async () => {
      const { ask, asked } = setUp(signedOut, find);
      await ask({ cookie, accept: 'text/html' }, 'session_token', `/?__clerk_handshake=${jwt({ kid: 'ins_3' })}`);
      expect(asked[0].jwtKey).toBe('PEM of ins_3');
    });
  });

  describe('for a cookie that names an unknown key', () => {
    const suffix = computeCookieSuffix(options.publishableKey);
    const foreign = jwt({ kid: 'ins_foreign' });
    const reasonFor = async (cookie: string, reason: string) => {
      const { ask } = setUp(
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
    ])('without other cookies, turns Clerk’s reason %s into %s', async (reason, told) =>
      expect(await reasonFor(`__session=${foreign}`, reason)).toBe(told),
    );

    it.each(['token-invalid-signature', 'token-verification-failed'])(
      'keeps Clerk’s reason %s if another cookie names a known key but has an invalid signature',
      async (reason) => {
        expect(await reasonFor(`__session=${foreign}; __session_${suffix}=${session}`, reason)).toBe(reason);
      },
    );
  });

  describe('with a client that can exchange credentials', () => {
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
    // Clerk's own code runs here, which may be slow on a busy machine.
    const patient = { ...options, timeoutInMs: 5_000 };
    const keys = { ...EMPTY_KEY_SET, find: async () => 'PEM', current: async () => 'PEM' };
    const ask = (headers: Record<string, string>, url = '/') =>
      new ClerkAuthenticator(patient, () => client, keys, new ClerkCalls(patient)).authenticate(
        new HttpCredentials({ method: 'GET', url, headers }, {}),
        'session_token',
      );

    beforeEach(() => void asked.splice(0));

    it('calls Clerk without the refresh token, which it could spend', async () => {
      for (const headers of [{ cookie: `${expired}; __refresh_x=r; a=b` }, bearer(session)]) await ask(headers);
      expect(asked.map(({ headers }) => headers.get('cookie'))).toEqual([`${expired}; a=b`, null]);
      expect(calls.refreshes).toBe(0);
    });

    it('does not call authenticateRequest() of the client for a nonce, and exchanges the nonce once', async () => {
      const answer = await ask({ accept: 'text/html' }, '/?__clerk_handshake_nonce=n');
      expect(answer.reason).toBe('session-token-missing');
      expect([asked.length, calls.nonces]).toEqual([0, 1]);
    });
  });

  it('requires audience and authorizedParties of session tokens, but not of machine tokens', async () => {
    const { ask, asked } = setUp(signedOut);
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

  it('removes the header that discloses configuration, without changing the headers of Clerk’s state', async () => {
    const state = signedOut();
    const { headers } = await setUp(() => state).ask(bearer(session));
    expect([...headers]).toEqual([['x-clerk-auth-status', 'signed-out']]);
    expect(state.headers.has('x-clerk-auth-message')).toBe(true);
  });

  it('looks up no key for an unreadable cookie', async () => {
    const find = jest.fn(async () => null);
    await setUp(signedOut, find).ask({ cookie: '__session=garbage' });
    expect(find).not.toHaveBeenCalled();
  });

  it.each<[string, string, AcceptsToken]>([
    ['is not a JWT', 'garbage', 'session_token'],
    ['cannot be decoded', `${jwt({ kid: 'ins_2' })}AA`, 'any'],
    ['belongs to a JWT template', jwt({ kid: 'ins_2', cat: 'cl_B7d4PD222AAA' }), 'session_token'],
    ['belongs to a JWT template', jwt({ kid: 'ins_2', cat: 'cl_B7d4PD222AAA' }), 'any'],
    ['belongs to a machine', jwt({ kid: 'ins_2' }, { sub: 'mch_1' }), 'session_token'],
    ['is one of a session where only machines are accepted', session, 'm2m_token'],
  ])('looks up no key for a token that %s, where Clerk rejects it by its format', async (_, token, acceptsToken) => {
    const find = jest.fn(async () => null);
    await setUp(signedOut, find).ask(bearer(token), acceptsToken);
    expect(find).not.toHaveBeenCalled();
  });

  it('treats an unreadable request as signed out with credentials', async () => {
    const unreadable = {
      get request(): Request {
        throw new TypeError('no URL');
      },
    };
    const authenticator = new ClerkAuthenticator(
      options,
      () => ({}) as ClerkClient,
      EMPTY_KEY_SET,
      new ClerkCalls(options),
    );
    expect(await authenticator.authenticate(unreadable as never, 'any')).toMatchObject({
      ...{ status: 'signed-out', reason: 'unexpected-error', hasCredentials: true },
      detail: '@clerk/backend threw TypeError',
    });
  });

  it('reports a failure if a function among the options throws', async () => {
    const domain = () => {
      throw new Error('cannot tell');
    };
    const given = { ...options, domain };
    const authenticator = new ClerkAuthenticator(
      given,
      () => ({}) as ClerkClient,
      EMPTY_KEY_SET,
      new ClerkCalls(given),
    );
    const source = { method: 'GET', url: '/', headers: { host: 'a.example' } };
    expect(await authenticator.authenticate(new HttpCredentials(source, source), 'any')).toMatchObject({
      ...{ status: 'signed-out', reason: 'unexpected-error' },
      failure: { code: 'invalid-configuration', message: 'The function of the option domain threw' },
    });
  });

  it('treats an error thrown by Clerk’s code as signed out, and keeps its message out of the identity', async () => {
    const thrown = [new SyntaxError('Unexpected token in eyJSECRET'), 'text'];
    for (const error of thrown) {
      const identity = await setUp(() => Promise.reject(error)).ask(bearer(session));
      expect(identity).toMatchObject({ status: 'signed-out', reason: 'unexpected-error' });
      expect(identity.failure).toBeUndefined();
      expect(identity.detail).toMatch(/^@clerk\/backend threw (SyntaxError|string)$/);
      expect(JSON.stringify(identity)).not.toContain('SECRET');
    }
  });

  it('reports an outage if Clerk or its keys take longer than timeoutInMs', async () => {
    const never = () => new Promise<never>(() => {});
    for (const { ask } of [setUp(never), setUp(signedOut, never)]) {
      expect((await ask(bearer(session))).failure).toMatchObject({
        code: 'clerk-unavailable',
        message: 'Clerk did not answer within 50 ms',
      });
    }
  });

  describe('with one retry allowed', () => {
    const patient = () =>
      new ClerkCalls({ timeoutInMs: 5_000, maxRetries: 1, maxPendingCalls: 9 }, async () => undefined);
    const failing = () => setUp(() => signedOut({ reason: 'jwk-remote-failed-to-load' }), undefined, patient());
    const timesAsked = async (headers: Record<string, string>, acceptsToken?: AcceptsToken, path?: string) => {
      const { ask, asked } = failing();
      expect((await ask(headers, acceptsToken, path)).failure?.code).toBe('clerk-unavailable');
      return asked.length;
    };

    it('calls Clerk twice for an opaque token during an outage', async () => {
      for (const token of ['ak_x', 'mt_x', 'oat_x']) expect(await timesAsked(bearer(token), 'any')).toBe(2);
    });

    it.each([
      [500, 2],
      [402, 1],
      [408, 1],
    ])('after status %i, calls Clerk %i times in all for an opaque token', async (status, times) => {
      const machine = signedOut({ tokenType: 'api_key', reason: 'unexpected-error', message: `(status=${status})` });
      const { ask, asked } = setUp(() => machine, undefined, patient());
      await ask(bearer('ak_x'), 'api_key');
      expect(asked).toHaveLength(times);
    });

    it('calls Clerk once for a nonce, a refresh token or a session token during an outage', async () => {
      const expired = `__session=${jwt({ kid: 'ins_1' }, { exp: 1 })}; __refresh_x=r`;
      const navigation = { accept: 'text/html', 'sec-fetch-dest': 'document' };
      expect(await timesAsked(navigation, 'session_token', '/?__clerk_handshake_nonce=n')).toBe(1);
      expect(await timesAsked({ cookie: expired })).toBe(1);
      expect(await timesAsked(bearer(session))).toBe(1);
    });
  });

  describe('the failure', () => {
    const failureOf = async (state: object) =>
      (await setUp(() => signedOut(state)).ask(bearer('ak_x'), 'api_key')).failure?.code;
    const machine = (message: string) => failureOf({ tokenType: 'api_key', reason: 'unexpected-error', message });

    it.each([
      ['(code=unexpected-error, status=500)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=503)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=429)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=n/a)', 'clerk-unavailable'],
      ['with another wording', 'clerk-unavailable'],
      ['(code=unexpected-error, status=402)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=408)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=403)', 'clerk-key-rejected'],
      ['(code=unexpected-error, status=400)', undefined],
      ['(status=400), then (code=unexpected-error, status=500)', 'clerk-unavailable'],
      ['(code=unexpected-error, status=422)', undefined],
    ])('of a machine token with the error “%s” is %s', async (message, code) =>
      expect(await machine(`Unexpected error ${message}`)).toBe(code),
    );

    const verifiedAs = (toAuth: () => unknown) =>
      failureOf({ status: 'signed-in', tokenType: 'm2m_token', reason: null, toAuth });

    it.each<[string, () => unknown]>([
      ['without an ID', () => ({ isAuthenticated: true, subject: 'mch_1' })],
      ['without a subject', () => ({ isAuthenticated: true, id: 'mt_1' })],
      ['with an empty subject', () => ({ isAuthenticated: true, id: 'mt_1', subject: '' })],
      ['with a subject that is not a string', () => ({ isAuthenticated: true, id: 'mt_1', subject: {} })],
      [
        'whose auth object throws',
        () => {
          throw new TypeError('undefined');
        },
      ],
    ])('of a verified opaque token %s is clerk-unavailable', async (_, toAuth) =>
      expect(await verifiedAs(toAuth)).toBe('clerk-unavailable'),
    );

    it('is absent if a verified opaque token has an ID and a subject', async () => {
      expect(await verifiedAs(() => ({ isAuthenticated: true, id: 'mt_1', subject: 'mch_1' }))).toBeUndefined();
    });

    it('is absent if the token is invalid', async () => {
      expect(await failureOf({ tokenType: 'api_key', reason: 'token-invalid' })).toBeUndefined();
      expect(await failureOf({ tokenType: 'session_token', reason: 'unexpected-error' })).toBeUndefined();
      expect(await failureOf({ tokenType: null, reason: 'unexpected-error' })).toBeUndefined();
    });

    it.each([
      ['secret-key-invalid', 'clerk-key-rejected'],
      ['jwk-remote-failed-to-load', 'clerk-unavailable'],
    ])('for Clerk’s reason %s is %s', async (reason, code) => expect(await failureOf({ reason })).toBe(code));

    it.each<[string, object]>([
      ['The Backend API rejected the secret key', { reason: 'secret-key-invalid' }],
      ['Clerk could not load its keys', { reason: 'jwk-remote-failed-to-load' }],
      ['The Backend API does not let the secret key verify this token', { message: '(status=403)' }],
      ['The Backend API did not verify the token (status 500)', { message: '(status=500)' }],
      ['The Backend API did not verify the token (status unknown)', { message: null }],
      ['The Backend API did not verify the token: it returned something else', { status: 'signed-in', reason: null }],
    ])('has the message “%s”', async (message, state) => {
      const machine = signedOut({ tokenType: 'api_key', reason: 'unexpected-error', ...state });
      expect((await setUp(() => machine).ask(bearer('ak_x'), 'api_key')).failure).toMatchObject({ message });
    });

    it('of a machine token without a message is clerk-unavailable', async () => {
      expect(await failureOf({ tokenType: 'm2m_token', reason: 'unexpected-error', message: null })).toBe(
        'clerk-unavailable',
      );
    });
  });

  describe('the signed-out auth object during an outage', () => {
    it.each<[AcceptsToken, string | null]>([
      ['session_token', 'session_token'],
      ['api_key', 'api_key'],
      ['m2m_token', 'm2m_token'],
      [['session_token', 'api_key'], 'session_token'],
      [['m2m_token', 'api_key'], null],
      ['any', 'session_token'],
    ])('for the accepted types %j has the token type %s', async (acceptsToken, tokenType) => {
      const down = setUp(() => new Promise<never>(() => {}));
      expect((await down.ask({}, acceptsToken)).toAuth()).toMatchObject({ isAuthenticated: false, tokenType });
    });
  });
});
