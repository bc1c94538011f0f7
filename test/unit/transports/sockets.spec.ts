import { maxHeaderSize } from 'node:http';

import 'reflect-metadata';

import { HttpException, type Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';
import { signedOutAuthObject } from '@clerk/backend/internal';

import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { Denied, type Denial } from '../../../lib/errors/denial.js';
import type { WebSocketOptions } from '../../../lib/options/transport-types.js';
import { attachedIdentity } from '../../../lib/transports/attachment.js';
import {
  disconnect,
  socketState,
  credentialHeaders,
  requestOf,
  emitException,
} from '../../../lib/transports/websocket/sockets.js';
import { WebSocketPackage } from '../../../lib/transports/websocket/websocket.package.js';
import { UNAUTHENTICATED, WebSocketTransport } from '../../../lib/transports/websocket/websocket.transport.js';
import { attachToCall } from '../../support/attach.js';
import { NEST_VERSION } from '../../support/nest-version.js';

const OPTIONS: WebSocketOptions = { allowedOrigins: ['https://a.example'], tokenParameter: 'token' };
const browser = { cookie: '__session=s', origin: 'https://a.example', host: 'api.example' };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A socket of `ws`, of which the guard has seen the request. */
function ofWs(request: object): object {
  const client = {};
  socketState(client).request = request as never;
  return client;
}

describe('the credentials of a socket', () => {
  it.each<[string, object, object]>([
    ['nothing', {}, {}],
    ['nothing on socket.io', { handshake: {} }, {}],
    ['no auth', { handshake: { auth: null, headers: {}, query: {} } }, {}],
    ['a token', { handshake: { auth: { token: 't' }, headers: { authorization: 'Bearer h' } } }, bearer('t')],
    ['a token behind its scheme', { handshake: { auth: { token: 'Bearer t' } } }, bearer('t')],
    ['an empty token', { handshake: { auth: { token: '' }, headers: bearer('h') } }, bearer('h')],
    ['a token that is no text', { handshake: { auth: { token: ['t'] }, query: { token: 'q' } } }, bearer('q')],
    ['a header', { handshake: { headers: { ...browser, ...bearer('h') }, query: { token: 'q' } } }, bearer('h')],
    ['a query', { handshake: { headers: browser, query: { token: 'q' } } }, bearer('q')],
    ['a query that is no text', { handshake: { query: { token: ['q'] } } }, {}],
    ['another query', { handshake: { query: { other: 'q' } } }, {}],
    ['cookies', { handshake: { headers: { ...browser, 'x-a': 'b' } } }, browser],
    ['cookies for another origin', { handshake: { headers: { ...browser, origin: 'https://evil.example' } } }, {}],
    ['cookies for no origin', { handshake: { headers: { ...browser, origin: undefined } } }, {}],
    ['an origin alone', { handshake: { headers: { ...browser, cookie: undefined } } }, {}],
    ['a header on ws', ofWs({ headers: bearer('h'), url: '/?token=q' }), bearer('h')],
    ['a query on ws', ofWs({ headers: {}, url: '/chat?a=b&token=q%20r' }), bearer('q r')],
    ['no query on ws', ofWs({ headers: {}, url: '/chat' }), {}],
    ['no URL on ws', ofWs({ headers: {} }), {}],
    ['a second question mark on ws', ofWs({ headers: {}, url: '/?token=a?token=b' }), bearer('a')],
    ['cookies on ws', ofWs({ headers: browser, url: '/' }), browser],
    ['a request that nobody vouches for', { request: { headers: bearer('evil') } }, {}],
  ])('%s', (_, client, headers) => {
    expect(credentialHeaders(client, OPTIONS)).toEqual(headers);
  });

  it('prefer the refreshed token', () => {
    const client = { handshake: { auth: { token: 't' }, headers: { ...browser, ...bearer('h') } } };
    socketState(client).token = 'handed in';
    expect(credentialHeaders(client, OPTIONS)).toEqual(bearer('handed in'));
  });

  it('are read from the query once, as soon as there is a request', () => {
    const client = {};
    let reads = 0;
    expect(credentialHeaders(client, OPTIONS)).toEqual({});
    socketState(client).request = {
      headers: {},
      get url() {
        reads += 1;
        return reads === 1 ? '/?token=a&token=q' : '/?token=other';
      },
    };
    for (let message = 0; message < 3; message++) expect(credentialHeaders(client, OPTIONS)).toEqual(bearer('q'));
  });

  it.each<[string, string, object]>([
    ['after the name', 'clerk, t', bearer('t')],
    ['after the name, without spaces', 'clerk,t', bearer('t')],
    ['among others', 'a, clerk, t, b', bearer('t')],
    ['under another name', 'bearer, t', {}],
    ['before the name', 't, clerk', {}],
    ['without a name', 't', {}],
    ['empty', 'clerk, ', {}],
    ['that has been chosen', 'clerk, chosen', {}],
  ])('for the subprotocols %s', (_, offered, expected) => {
    const client = Object.assign(ofWs({ headers: { 'sec-websocket-protocol': offered } }), { protocol: 'chosen' });
    for (let message = 0; message < 3; message++) {
      expect(credentialHeaders(client, { tokenSubprotocol: 'clerk' })).toEqual(expected);
    }
    expect(credentialHeaders(ofWs({ headers: { 'sec-websocket-protocol': offered } }), OPTIONS)).toEqual({});
  });

  it.each([undefined, 5, ['clerk', 't']])('ignore subprotocols if the header is %j', (header) => {
    const client = ofWs({ headers: { 'sec-websocket-protocol': header }, url: '/?token=q' });
    expect(credentialHeaders(client, { ...OPTIONS, tokenSubprotocol: 'clerk' })).toEqual(bearer('q'));
  });

  it('ignore subprotocols on socket.io', () => {
    const headers = { 'sec-websocket-protocol': 'clerk, t' };
    const client = { handshake: { headers }, request: { headers } };
    expect(credentialHeaders(client, { tokenSubprotocol: 'clerk' })).toEqual({});
  });

  it('ignore query and cookies unless the options allow them', () => {
    expect(credentialHeaders({ handshake: { headers: browser, query: { token: 'q', undefined: 'u' } } }, {})).toEqual(
      {},
    );
    expect(credentialHeaders(ofWs({ headers: browser, url: '/?undefined=u' }), {})).toEqual({});
  });
});

describe('the upgrade request of a socket', () => {
  const request = { headers: {}, url: '/' };

  it.each<[string, object, object]>([
    ['socket.io', { handshake: {}, request }, request],
    ['ws', ofWs(request), request],
    ['nobody told', { request }, { headers: {} }],
    ['nobody told socket.io', { handshake: {} }, { headers: {} }],
  ])('%s', (_, client, expected) => {
    expect(requestOf(client)).toEqual(expected);
    expect(requestOf(client) === request).toBe(expected === request);
  });
});

describe('the state of a socket', () => {
  it('is one non-enumerable object, shared by all copies of this library', () => {
    const client = {};
    socketState(client).token = 't';
    expect(socketState(client)).toEqual({ token: 't' });
    expect(Object.getOwnPropertyDescriptor(client, Symbol.for('nest-clerk:socket'))).toMatchObject({
      enumerable: false,
      value: { token: 't' },
    });
  });

  it('is not shared with a socket that derives from or copies it', () => {
    const client = {};
    socketState(client).token = 't';
    expect([socketState(Object.create(client) as object), socketState({ ...client })]).toEqual([{}, {}]);
    expect(socketState(new Proxy(client, {}))).toBe(socketState(client));
  });

  it('is not stored on a frozen socket, whose handshake credentials are used', () => {
    const client = Object.freeze({ handshake: { headers: bearer('h') }, request: { headers: {} } });
    socketState(client).token = 'other';
    expect(socketState(client)).toEqual({});
    expect(credentialHeaders(client, OPTIONS)).toEqual(bearer('h'));
    expect(requestOf(client)).toBe(client.request);
  });
});

describe('the carrier of a message', () => {
  const transport = new WebSocketTransport({ webSocket: OPTIONS }, new WebSocketPackage());
  const carrierFor = (args: unknown[]) => {
    const [client] = args;
    return transport.carrier({ getArgs: () => args, switchToWs: () => ({ getClient: () => client }) } as never);
  };

  it.each<[string, unknown[], number]>([
    ['client and data', [{}, 'data'], 2],
    ['a pattern besides, which stays last', [{}, 'data', 'pattern'], 2],
    ['an acknowledgement too', [{}, 'data', 'ack', 'pattern'], 3],
    ['data that is undefined', [{}, undefined, 'pattern'], 2],
    ['data that is null', [{}, null, 'pattern'], 2],
    ['data that inherits the mark', [{}, Object.create({ [Symbol.for('nest-clerk:call')]: 1 })], 2],
  ])('is an additional argument of %s', (_, args, at) => {
    const before = [...args];
    const call = carrierFor(args);
    expect(args.indexOf(call)).toBe(at);
    expect(args.filter((arg) => arg !== call)).toEqual(before);
    expect(carrierFor(args)).toBe(call);
    expect(Object.getOwnPropertySymbols(call)).toEqual([Symbol.for('nest-clerk:call')]);
  });

  it('is unique for each message, even with the same socket and data', () => {
    const [client, data] = [{}, {}];
    const first = [client, data, 'event'];
    const second = [client, data, 'event'];
    const call = carrierFor(first);
    expect(carrierFor(second)).not.toBe(call);
    // Handed on as the arguments of another message.
    const third = [...first];
    expect(carrierFor(third)).not.toBe(call);
    expect(third).not.toContain(call);
    expect(third).toHaveLength(4);
  });
});

describe('a socket', () => {
  const recording = (...names: string[]) => {
    const said: unknown[] = [];
    const record = (name: string) =>
      function (this: unknown, ...args: unknown[]) {
        said.push([this === client, name, ...args]);
      };
    const client: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, record(name)]));
    return { said, client };
  };

  it.each<[string, string[], object, unknown[]]>([
    ['of socket.io', ['emit'], { handshake: {} }, [[true, 'emit', 'exception', { a: 1 }]]],
    ['of ws', ['emit'], {}, []],
    ['that cannot', [], { handshake: {} }, []],
  ])('%s gets an exception event', (_, methods, more, expected) => {
    const { said, client } = recording(...methods);
    emitException(Object.assign(client, more), { a: 1 });
    expect(said).toEqual(expected);
  });

  it.each<[string, string[], unknown[]]>([
    ['of socket.io', ['disconnect', 'close'], [[true, 'disconnect', true]]],
    ['of ws', ['close'], [[true, 'close', 4401, 'why']]],
    ['that cannot', [], []],
  ])('%s is closed', (_, methods, expected) => {
    const { said, client } = recording(...methods);
    disconnect(client, 4401, 'why');
    expect(said).toEqual(expected);
  });
});

describe('WebSocketTransport', () => {
  const websockets = new WebSocketPackage({ WsException, BaseWsExceptionFilter });
  const transport = new WebSocketTransport({ webSocket: OPTIONS }, websockets);
  const MALFORMED = new Denied({ status: 400, code: 'malformed-request', message: 'The token is malformed.' });
  const denial: Denial = { status: 401, code: 'token-invalid', message: 'No.' };
  const contextOf = (client: object) => {
    const context = new ExecutionContextHost([client, {}, 'event'], Object as unknown as Type, () => undefined);
    context.setType('ws');
    return context;
  };
  const identityOf = (userId: string | null, reason: string | null = null): Identity => ({
    status: userId ? 'signed-in' : 'signed-out',
    tokenType: 'session_token',
    reason,
    hasCredentials: true,
    headers: new Headers(),
    toAuth: () => ({ ...signedOutAuthObject(), userId, isAuthenticated: userId !== null }) as never,
  });

  it.each<[string, unknown, object]>([
    ['a token', 't', { headers: bearer('t') }],
    ['an accent, which a header can hold', 'é', { headers: bearer('é') }],
    ['a tab', 'a\tb', { headers: bearer('a\tb') }],
    ['a line break', 'a\nb', MALFORMED],
    ['a letter beyond Latin', 'ж', MALFORMED],
    ['what is longer than any header', 'a'.repeat(maxHeaderSize), MALFORMED],
    ['nothing', undefined, { headers: {} }],
  ])('returns the credentials for %s', (_, token, expected) => {
    const client = { handshake: { auth: { token } }, request: { headers: {} } };
    const context = contextOf(client);
    const credentials = transport.credentials(context);
    expect(credentials).toMatchObject(expected);
    if ('headers' in expected) {
      expect(credentials).toMatchObject({ source: client.request, carrier: transport.carrier(context) });
    } else expect(credentials).toEqual(MALFORMED);
  });

  it.each<[string, object]>([
    ['a token in a list', { authorization: ['Bearer t'] }],
    ['a number for a token', { authorization: 7 }],
    ['an object for a token', { authorization: { toString: () => 'Bearer t' } }],
    ['a list of cookies', { cookie: ['__session=t'], origin: OPTIONS.allowedOrigins?.[0] }],
    [
      'a token that cannot be read',
      Object.defineProperty({}, 'authorization', {
        get: () => {
          throw new Error('not for reading');
        },
      }),
    ],
  ])('returns 400 for headers with %s', (_, headers) => {
    expect(transport.credentialsOf({ handshake: { headers } }, {})).toEqual(MALFORMED);
  });

  it('returns empty credentials if there are no headers, or the URL is not a string', () => {
    const tokens = new WebSocketTransport({ webSocket: { tokenParameter: 'token' } }, websockets);
    for (const request of [{ headers: null, url: 7 }, { url: ['/?token=t'] }]) {
      const client = {};
      socketState(client).request = request as never;
      expect(tokens.credentialsOf(client, {})).toMatchObject({ headers: {} });
    }
  });

  it.each<[unknown, object]>([
    ['token', { headers: bearer('token'), source: { headers: {} }, carrier: {} }],
    ['', MALFORMED],
    ['a b', MALFORMED],
    ['a\n', MALFORMED],
    ['\na', MALFORMED],
    ['é', MALFORMED],
    [['t'], MALFORMED],
    [undefined, MALFORMED],
  ])('returns credentials or 400 for the refreshed token %j', (token, expected) => {
    expect(transport.tokenOf({}, token)).toMatchObject(expected);
  });

  it('returns 400 for a refreshed token that is longer than any header', () => {
    expect(transport.tokenOf({}, 'a'.repeat(maxHeaderSize))).not.toEqual(MALFORMED);
    expect(transport.tokenOf({}, 'a'.repeat(maxHeaderSize + 1))).toEqual(MALFORMED);
  });

  it('attaches the identity to the message, and only its first subject to the socket', () => {
    const client = {};
    const context = contextOf(client);
    attachToCall(transport, context, identityOf(null));
    expect(socketState(client)).toEqual({ subject: undefined });
    attachToCall(transport, context, identityOf('user_1'));
    attachToCall(transport, context, identityOf('user_2'));
    expect(socketState(client)).toEqual({ subject: 'user_1' });
    expect(attachedIdentity(transport.carrier(context))!.toAuth()).toMatchObject({ userId: 'user_2' });
    expect(attachedIdentity(transport.carrier(contextOf(client)))).toBeUndefined();
  });

  it('denies with a WsException', () => {
    const refusal = transport.deny(contextOf({}), denial) as WsException;
    expect(refusal).toBeInstanceOf(WsException);
    expect(refusal.getError()).toEqual({ status: 'error', statusCode: 401, code: 'token-invalid', message: 'No.' });
  });

  it.each<[string, Error, object | string]>([
    [
      'with a status and data',
      Object.assign(new Error('tea'), { statusCode: 418, data: 1 }),
      { status: 'error', statusCode: 418, message: 'tea', code: 'token-invalid', data: 1 },
    ],
    ['of HTTP that says a word', new HttpException('tea', 418), { status: 'error', message: 'tea' }],
    ['that Nest can answer with already', new WsException('mine'), 'mine'],
  ])('denies with an error of the application %s', (_, error, said) => {
    const refusal = transport.denyWith(contextOf({}), error, denial) as WsException;
    expect(refusal.getError()).toEqual(said);
  });

  it.each<[string, WebSocketOptions, string | null, Denial, boolean]>([
    ['a token that has expired', { disconnectOnExpiry: true }, 'token-expired', denial, true],
    ['the same, where it may stay', {}, 'token-expired', denial, false],
    ['a token that is bad', { disconnectOnExpiry: true }, 'token-invalid', denial, false],
    ['no reason', { disconnectOnExpiry: true }, null, denial, false],
    ['a missing right', { disconnectOnExpiry: true }, 'token-expired', { ...denial, status: 403 }, false],
  ])('closes the socket on expiry only: %s, %j', async (_, webSocket, reason, why, closes) => {
    const closed: unknown[] = [];
    const client = { close: (...args: unknown[]) => closed.push(args) };
    for (const deny of ['deny', 'denyWith'] as const) {
      closed.length = 0;
      const context = contextOf(client);
      const closing = new WebSocketTransport({ webSocket }, websockets);
      attachToCall(closing, context, identityOf(null, reason));
      if (deny === 'deny') closing.deny(context, why);
      else closing.denyWith(context, new Error('mine'), why);
      // Nest has told the client by then.
      expect(closed).toEqual([]);
      await new Promise(setImmediate);
      expect(closed).toEqual(closes ? [[UNAUTHENTICATED, 'token-invalid']] : []);
    }
  });

  it('does not close the socket if the caller was not authenticated', async () => {
    const closed: unknown[] = [];
    const closing = new WebSocketTransport({ webSocket: { disconnectOnExpiry: true } }, websockets);
    const client = { close: (...args: unknown[]) => closed.push(args) };
    expect(closing.deny(contextOf(client), denial)).toBeInstanceOf(WsException);
    await new Promise(setImmediate);
    expect(closed).toEqual([]);
  });
});

describe('WebSocketPackage', () => {
  const body = { status: 'error', statusCode: 401, code: 'token-invalid', message: 'No.' };

  it('loads the WsException class of the application, and detects global guards for gateways', async () => {
    const websockets = await WebSocketPackage.load();
    expect(websockets.exception(body)).toBeInstanceOf(WsException);
    expect(websockets.hasGlobalGuards()).toBe(NEST_VERSION >= 12);
  });

  it.each<[string, (SocketModule: { prototype: object }) => object, boolean]>([
    ['takes the configuration', ({ prototype }) => ({ prototype }), NEST_VERSION >= 12],
    [
      'takes the container alone',
      () =>
        class {
          getContextCreator(_container: object) {}
        },
      false,
    ],
    ['is made otherwise', () => class {}, false],
  ])('detects global guards by whether the SocketModule of Nest %s', async (_, replace, expected) => {
    await jest.isolateModulesAsync(async () => {
      const actual = jest.requireActual<{ SocketModule: { prototype: object } }>('@nestjs/websockets/socket-module.js');
      jest.doMock('@nestjs/websockets/socket-module.js', () => ({ SocketModule: replace(actual.SocketModule) }));
      const { WebSocketPackage: Isolated } = await import('../../../lib/transports/websocket/websocket.package.js');
      expect((await Isolated.load()).hasGlobalGuards()).toBe(expected);
    });
    jest.dontMock('@nestjs/websockets/socket-module.js');
  });

  it('denies with an HTTP exception if @nestjs/websockets cannot be loaded, and reports no global guards', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.doMock('@nestjs/websockets', () => {
        throw new Error('Cannot find module');
      });
      const { WebSocketPackage: Isolated } = await import('../../../lib/transports/websocket/websocket.package.js');
      const websockets = await Isolated.load();
      expect(websockets.exception(body)).toMatchObject({ response: body });
      expect(websockets.hasGlobalGuards()).toBe(false);
    });
    jest.dontMock('@nestjs/websockets');
  });
});
