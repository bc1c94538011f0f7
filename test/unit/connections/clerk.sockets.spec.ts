import type { AuthObject } from '@clerk/backend';
import { signedOutAuthObject } from '@clerk/backend/internal';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';

import type { Authenticator } from '../../../lib/authentication/lanes/authenticator.js';
import { tokenInHeader } from '../../../lib/authentication/identity/credentials.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';
import { ClerkSockets } from '../../../lib/connections/clerk.sockets.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { apiKey, signedIn } from '../../../lib/testing/index.js';
import { socketState } from '../../../lib/transports/websocket/sockets.js';
import { WebSocketPackage } from '../../../lib/transports/websocket/websocket.package.js';
import { WebSocketTransport } from '../../../lib/transports/websocket/websocket.transport.js';

const jwtOf = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AAAA`;
const EXPIRED = jwtOf({ sub: 'user_1' });
const WITHOUT_SUBJECT = jwtOf({ sid: 'sess_1' });

const identityOf = (auth: object, pending = false): Identity => ({
  ...{ status: 'signed-in', tokenType: (auth as AuthObject).tokenType, reason: null, hasCredentials: true },
  headers: new Headers(),
  toAuth: ({ treatPendingAsSignedOut = true } = {}) =>
    pending && treatPendingAsSignedOut ? signedOutAuthObject() : (auth as AuthObject),
});
const failing = (failure: Identity['failure']) => signedOutIdentity('unexpected-error', 'any', true, { failure });

/** The identity of each valid token; all other tokens are invalid. */
const BY_TOKEN: Readonly<Record<string, Identity>> = {
  mine: identityOf(signedIn({ userId: 'user_1' })),
  fresh: identityOf(signedIn({ userId: 'user_1' })),
  theirs: identityOf(signedIn({ userId: 'user_2' })),
  key: identityOf(apiKey({ subject: 'org_1' })),
  pending: identityOf(signedIn({ userId: 'user_1', sessionStatus: 'pending' }), true),
  nobodys: identityOf({ isAuthenticated: true, tokenType: 'session_token', userId: null }),
  down: failing(new ClerkUnavailableError('Clerk is down')),
  refused: failing(new ClerkKeyRejectedError('Clerk said no')),
};

/** A ClerkSockets with an authenticator that knows the tokens above and records its calls. */
function socketsOver(treatPendingAsSignedOut = true) {
  const publishableKey = `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`;
  const options = resolveClerkOptions({ publishableKey, secretKey: 'sk_test_x', treatPendingAsSignedOut }, {});
  const asked: unknown[] = [];
  const authenticator: Authenticator = {
    authenticate: async ({ headers }, acceptsToken) => {
      const token = tokenInHeader(headers.authorization ?? null);
      asked.push([token, acceptsToken]);
      return BY_TOKEN[token ?? ''] ?? signedOutIdentity('token-invalid', acceptsToken, token !== undefined);
    },
  };
  const transport = new WebSocketTransport(options, new WebSocketPackage({ WsException, BaseWsExceptionFilter }));
  return { sockets: new ClerkSockets(options, authenticator, transport), asked };
}

/** A socket that records calls, and its handshake request; with socket.io the token is in handshake.auth. */
const OPENED = {
  'socket.io': (token?: string) => {
    const said: unknown[] = [];
    const client = {
      handshake: { auth: { token }, headers: {} },
      emit: (...args: unknown[]) => said.push(['emit', ...args]),
      disconnect: (...args: unknown[]) => said.push(['disconnect', ...args]),
    };
    return { said, client, request: undefined };
  },
  ws: (token?: string) => {
    const said: unknown[] = [];
    const client = { close: (...args: unknown[]) => said.push(['close', ...args]) };
    return { said, client, request: { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } } };
  },
} as const;

describe('ClerkSockets.connect()', () => {
  it.each<[string, string | undefined, string | undefined, [status: number, code: string] | undefined]>([
    ['accepts a valid session', 'mine', 'user_1', undefined],
    ['accepts a valid API key', 'key', 'org_1', undefined],
    ['closes a socket without a token: 401', undefined, undefined, [401, 'authentication-required']],
    ['closes a socket with an invalid token: 401', 'bad', undefined, [401, 'token-invalid']],
    ['closes a socket with a pending session: 401', 'pending', undefined, [401, 'session-pending']],
    ['closes a socket during an outage of Clerk: 503', 'down', undefined, [503, 'clerk-unavailable']],
    ['closes a socket when Clerk rejects our key: 500', 'refused', undefined, [500, 'clerk-key-rejected']],
    ['closes a socket with a malformed token: 400', 'a\nb', undefined, [400, 'malformed-request']],
  ])('%s', async (_, token, subject, denied) => {
    for (const [library, open] of Object.entries(OPENED)) {
      const { said, client, request } = open(token);
      const { sockets } = socketsOver();
      expect(await sockets.connect(client, request)).toBe(!denied);
      expect(socketState(client)).toEqual({ request, subject });
      const [statusCode, code] = denied ?? [];
      const body = { status: 'error', statusCode, code, message: expect.any(String) };
      const inIo = [
        ['emit', 'exception', body],
        ['disconnect', true],
      ];
      const inWs = [['close', statusCode === 503 ? 1013 : 4401, code]];
      expect(said).toEqual(denied ? (library === 'ws' ? inWs : inIo) : []);
    }
  });

  it('accepts a pending session with treatPendingAsSignedOut false', async () => {
    const { client } = OPENED['socket.io']('pending');
    expect(await socketsOver(false).sockets.connect(client)).toBe(true);
    expect(socketState(client).subject).toBe('user_1');
  });

  it('authenticates tokens of any type, and does not authenticate with required false', async () => {
    const { client, said } = OPENED['socket.io']('bad');
    const { sockets, asked } = socketsOver();
    expect(await sockets.connect(client, undefined, { required: false })).toBe(true);
    expect([asked, said, socketState(client)]).toEqual([[], [], {}]);
    await sockets.connect(client, undefined, {});
    expect(asked).toEqual([['bad', 'any']]);
  });

  it('stores the first request at once, and keeps the first subject', async () => {
    const { client, request } = OPENED.ws('mine');
    const { sockets } = socketsOver();
    const connecting = sockets.connect(client, request);
    expect(socketState(client).request).toBe(request);
    await connecting;
    await sockets.connect(client, OPENED.ws('theirs').request);
    expect(socketState(client).request).toBe(request);
    socketState(client).subject = 'user_3';
    await sockets.connect(client);
    expect(socketState(client).subject).toBe('user_3');
  });

  it.each([undefined, {}, { headers: 'authorization: Bearer mine' }])(
    'does not store a value that is not a request: %j',
    async (request) => {
      const { client } = OPENED.ws();
      await socketsOver().sockets.connect(client, request, { required: false });
      expect(socketState(client)).not.toHaveProperty('request');
    },
  );
});

describe('ClerkSockets.refresh()', () => {
  const TOKEN_INVALID = { statusCode: 401, code: 'token-invalid' };
  const MALFORMED = { statusCode: 400, code: 'malformed-request' };
  const USER_CHANGED = {
    statusCode: 403,
    code: 'user-changed',
    message: 'The token belongs to a different user than this socket. Open a new socket.',
  };
  const UNAVAILABLE = {
    statusCode: 503,
    code: 'clerk-unavailable',
    message: 'Authentication is unavailable at the moment. Try again.',
  };

  it.each<[string, string | undefined, string, object | string]>([
    ['replaces a session with another of the same user', 'mine', 'fresh', 'user_1'],
    ['does not replace a session with one of another user', 'mine', 'theirs', USER_CHANGED],
    ['does not replace a session with an API key', 'mine', 'key', USER_CHANGED],
    ['does not replace a pending session with one of another user', 'pending', 'theirs', USER_CHANGED],
    ['replaces an expired session with another of the same user', EXPIRED, 'fresh', 'user_1'],
    ['does not replace an expired session with one of another user', EXPIRED, 'theirs', USER_CHANGED],
    ['replaces a token without a subject with a session', WITHOUT_SUBJECT, 'theirs', 'user_2'],
    ['replaces an invalid token with a session', 'bad', 'theirs', 'user_2'],
    ['replaces a malformed token with a session', 'a\nb', 'theirs', 'user_2'],
    ['accepts an API key on a socket without a token', undefined, 'key', 'org_1'],
    ['does not replace a session that cannot be verified in an outage', 'down', 'theirs', UNAVAILABLE],
    ['does not replace a session with one that cannot be verified in an outage', 'mine', 'down', UNAVAILABLE],
    ['does not replace a session with an invalid token', 'mine', 'bad', TOKEN_INVALID],
    ['does not replace a session with a malformed token', 'mine', 'a\nb', MALFORMED],
    ['does not replace a session with a pending one', 'mine', 'pending', { statusCode: 401, code: 'session-pending' }],
    ['does not replace a session with a token without a user', 'mine', 'nobodys', USER_CHANGED],
    ['does not accept a token without a user on a socket without a token', undefined, 'nobodys', USER_CHANGED],
  ])('%s', async (_, opening, token, outcome) => {
    const { client } = OPENED['socket.io'](opening);
    const { sockets, asked } = socketsOver();
    const refreshed = await sockets.refresh(client, token).catch((error: WsException) => error.getError());
    if (typeof outcome === 'string') {
      expect(refreshed).toBeUndefined();
      expect(socketState(client)).toEqual({ subject: outcome, token });
    } else {
      expect(refreshed).toEqual({ status: 'error', message: expect.any(String), ...outcome });
      expect(socketState(client)).toEqual({});
    }
    expect(asked.every((question) => (question as unknown[])[1] === 'any')).toBe(true);
  });

  it('compares with the stored subject, without authenticating the handshake again', async () => {
    const { client } = OPENED['socket.io']('down');
    socketState(client).subject = 'user_1';
    const { sockets, asked } = socketsOver();
    await sockets.refresh(client, 'fresh');
    expect(asked).toEqual([['fresh', 'any']]);
    await expect(sockets.refresh(client, 'theirs')).rejects.toThrow();
    expect(socketState(client)).toEqual({ subject: 'user_1', token: 'fresh' });
  });

  it('accepts the first of two concurrent tokens of different users on a signed-out socket', async () => {
    const { client } = OPENED['socket.io']();
    const { sockets } = socketsOver();
    const outcomes = await Promise.allSettled([sockets.refresh(client, 'mine'), sockets.refresh(client, 'theirs')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(socketState(client)).toEqual({ subject: 'user_1', token: 'mine' });
  });
});
