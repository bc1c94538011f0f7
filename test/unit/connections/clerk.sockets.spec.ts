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
const NAMES_NOBODY = jwtOf({ sid: 'sess_1' });

const identityOf = (auth: object, pending = false): Identity => ({
  ...{ status: 'signed-in', tokenType: (auth as AuthObject).tokenType, reason: null, hasCredentials: true },
  headers: new Headers(),
  toAuth: ({ treatPendingAsSignedOut = true } = {}) =>
    pending && treatPendingAsSignedOut ? signedOutAuthObject() : (auth as AuthObject),
});
const failing = (failure: Identity['failure']) => signedOutIdentity('unexpected-error', 'any', true, { failure });

/** Who is signed in by which token; by any other nobody. */
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

/** The WebSocket side of an application over a Clerk that knows the tokens above, and what it is asked about. */
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

/** A socket that records what is done to it, and the request that opened it; socket.io's own brings a token along. */
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
    ['a session', 'mine', 'user_1', undefined],
    ['an API key', 'key', 'org_1', undefined],
    ['nothing', undefined, undefined, [401, 'authentication-required']],
    ['a bad token', 'bad', undefined, [401, 'token-invalid']],
    ['a session with an open task', 'pending', undefined, [401, 'session-pending']],
    ['a token that Clerk cannot be asked about', 'down', undefined, [503, 'clerk-unavailable']],
    ['a key that Clerk refuses', 'refused', undefined, [500, 'clerk-key-rejected']],
    ['what no token can be', 'a\nb', undefined, [400, 'malformed-request']],
  ])('judges %s', async (_, token, subject, refused) => {
    for (const [library, open] of Object.entries(OPENED)) {
      const { said, client, request } = open(token);
      const { sockets } = socketsOver();
      expect(await sockets.connect(client, request)).toBe(!refused);
      expect(socketState(client)).toEqual({ request, subject });
      const [statusCode, code] = refused ?? [];
      const body = { status: 'error', statusCode, code, message: expect.any(String) };
      const inIo = [
        ['emit', 'exception', body],
        ['disconnect', true],
      ];
      const inWs = [['close', statusCode === 503 ? 1013 : 4401, code]];
      expect(said).toEqual(refused ? (library === 'ws' ? inWs : inIo) : []);
    }
  });

  it('lets a session with an open task in where the options say so', async () => {
    const { client } = OPENED['socket.io']('pending');
    expect(await socketsOver(false).sockets.connect(client)).toBe(true);
    expect(socketState(client).subject).toBe('user_1');
  });

  it('asks for tokens of any type, unless it is only to remember', async () => {
    const { client, said } = OPENED['socket.io']('bad');
    const { sockets, asked } = socketsOver();
    expect(await sockets.connect(client, undefined, { required: false })).toBe(true);
    expect([asked, said, socketState(client)]).toEqual([[], [], {}]);
    await sockets.connect(client, undefined, {});
    expect(asked).toEqual([['bad', 'any']]);
  });

  it('remembers the first request, at once, and whose the socket was first', async () => {
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
    'takes nothing but a request for one: %j',
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
    ['a session, by another of the same user', 'mine', 'fresh', 'user_1'],
    ['a session, by one of another user', 'mine', 'theirs', USER_CHANGED],
    ['a session, by an API key', 'mine', 'key', USER_CHANGED],
    ['a session with an open task, by one of another user', 'pending', 'theirs', USER_CHANGED],
    ['an expired session, by another of the same user', EXPIRED, 'fresh', 'user_1'],
    ['an expired session, by one of another user', EXPIRED, 'theirs', USER_CHANGED],
    ['a token that names nobody', NAMES_NOBODY, 'theirs', 'user_2'],
    ['what is no token', 'bad', 'theirs', 'user_2'],
    ['what no token can be', 'a\nb', 'theirs', 'user_2'],
    ['nothing', undefined, 'key', 'org_1'],
    ['a session, while Clerk cannot be asked about it', 'down', 'theirs', UNAVAILABLE],
    ['a session, by one that Clerk cannot be asked about', 'mine', 'down', UNAVAILABLE],
    ['a session, by a bad token', 'mine', 'bad', TOKEN_INVALID],
    ['a session, by what no token can be', 'mine', 'a\nb', MALFORMED],
    ['a session, by one with an open task', 'mine', 'pending', { statusCode: 401, code: 'session-pending' }],
    ['a session, by a token of nobody', 'mine', 'nobodys', USER_CHANGED],
    ['nothing, by a token of nobody', undefined, 'nobodys', USER_CHANGED],
  ])('replaces %s', async (_, opening, token, outcome) => {
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

  it('holds the socket to whom it has belonged to, without asking about the handshake again', async () => {
    const { client } = OPENED['socket.io']('down');
    socketState(client).subject = 'user_1';
    const { sockets, asked } = socketsOver();
    await sockets.refresh(client, 'fresh');
    expect(asked).toEqual([['fresh', 'any']]);
    await expect(sockets.refresh(client, 'theirs')).rejects.toThrow();
    expect(socketState(client)).toEqual({ subject: 'user_1', token: 'fresh' });
  });

  it('gives a socket of nobody to the first of two who come at once', async () => {
    const { client } = OPENED['socket.io']();
    const { sockets } = socketsOver();
    const outcomes = await Promise.allSettled([sockets.refresh(client, 'mine'), sockets.refresh(client, 'theirs')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(socketState(client)).toEqual({ subject: 'user_1', token: 'mine' });
  });
});
