import { createServer, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

import { getAuth as getAuthOfExpress } from '@clerk/express';
import { authenticatedMachineObject, signedOutAuthObject } from '@clerk/backend/internal';

import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { safeAuthObject } from '../../../lib/authentication/identity/safe-auth-object.js';
import { ClerkError, getAuth, tryGetAuth } from '../../../lib/index.js';
import { attachIdentity } from '../../../lib/transports/attachment.js';
import { defineRequestAuth, separateRequests, type RequestAuth } from '../../../lib/transports/http/request-auth.js';

const identity = (toAuth: Identity['toAuth']): Identity => ({
  status: 'signed-in',
  tokenType: 'session_token',
  reason: null,
  hasCredentials: true,
  headers: new Headers(),
  toAuth,
});
const session = () => safeAuthObject({ ...signedOutAuthObject(), userId: 'user_1', isAuthenticated: true } as never);
const apiKey = () =>
  safeAuthObject(
    authenticatedMachineObject('api_key', 'ak_secret', {
      id: 'k',
      name: 'deploy',
      subject: 'user_1',
      scopes: ['a'],
      claims: null,
    } as never),
  );

function requestWith(toAuth: Identity['toAuth'], request: { auth?: unknown } = {}) {
  attachIdentity(request, identity(toAuth));
  defineRequestAuth(request);
  return request as { auth: RequestAuth };
}

describe('request.auth', () => {
  it('can be called, read and serialized as JSON', () => {
    const { auth } = requestWith(session);
    expect(auth().userId).toBe('user_1');
    expect(auth.userId).toBe('user_1');
    expect(auth.has({ permission: 'org:a' })).toBe(false);
    expect(JSON.parse(JSON.stringify(auth))).toMatchObject({
      userId: 'user_1',
      tokenType: 'session_token',
    });
    expect(JSON.parse(JSON.stringify({ auth }))).toMatchObject({ auth: { userId: 'user_1' } });
  });

  it('has the properties of the auth object that functions define as well, such as name', () => {
    const { auth } = requestWith(apiKey);
    expect((auth as unknown as { name: string }).name).toBe('deploy');
    expect(JSON.stringify(auth)).not.toContain('ak_secret');
  });

  it('resolves to the auth object when awaited, and is never printed as source code', async () => {
    const { auth } = requestWith(session);
    expect(JSON.stringify(await auth)).toBe(JSON.stringify(auth));
    expect(await Promise.resolve(auth).then(({ userId }) => userId)).toBe('user_1');
    expect(String(auth)).toBe('[request.auth]');
  });

  it('has methods that serializers neither call nor copy', () => {
    const { auth } = requestWith(session);
    expect(Object.values(auth).filter((value) => typeof value === 'function')).toEqual([]);
    expect(typeof auth.getToken).toBe('function');
    expect((auth.has as () => boolean)()).toBe(false);
  });

  it('is created once, on first use', () => {
    const toAuth = jest.fn(session);
    const request = requestWith(toAuth);
    expect(toAuth).not.toHaveBeenCalled();
    expect(request.auth).toBe(request.auth);
    expect(Object.getOwnPropertyDescriptor(request, 'auth')).toMatchObject({
      configurable: true,
      writable: true,
      enumerable: false,
    });
    expect(toAuth).toHaveBeenCalledTimes(1);
  });

  it('passes options to Clerk', () => {
    const toAuth = jest.fn(session);
    requestWith(toAuth).auth({ treatPendingAsSignedOut: false });
    expect(toAuth).toHaveBeenLastCalledWith({ treatPendingAsSignedOut: false });
  });

  it('is accepted by getAuth() of Clerk’s Express SDK', () => {
    expect(getAuthOfExpress(requestWith(session) as never).userId).toBe('user_1');
    expect(getAuthOfExpress(requestWith(apiKey) as never, { acceptsToken: 'api_key' })).toMatchObject({ id: 'k' });
  });

  it('replaces an earlier request.auth of another library, and leaves a later one', () => {
    const request = requestWith(session, { auth: { payload: 'of express-jwt' } });
    expect(request.auth.userId).toBe('user_1');
    (request as { auth: unknown }).auth = 'of passport';
    expect(request.auth).toBe('of passport');
    expect(getAuth(request).userId).toBe('user_1');
  });

  it('leaves a property that another library has made read-only', () => {
    const request = Object.defineProperty({}, 'auth', { value: 'locked' }) as { auth?: unknown };
    requestWith(session, request);
    expect(request.auth).toBe('locked');
    expect(getAuth(request).userId).toBe('user_1');
  });

  it('can be assigned before it is read', () => {
    const request = requestWith(session);
    (request as { auth: unknown }).auth = 'of passport';
    expect(request.auth).toBe('of passport');
  });

  it('spreads to the properties of Clerk’s object only', () => {
    const { auth } = requestWith(session);
    expect(Object.keys(Object.assign({}, auth))).toEqual(Object.keys(session()));
    expect(Object.getOwnPropertyDescriptor(auth, 'userId')).toEqual({
      value: 'user_1',
      enumerable: true,
      configurable: true,
      writable: true,
    });
  });

  describe('on requests that share a prototype', () => {
    const expressApp = () => Object.assign(() => undefined, { request: {} as object });
    const express = (app = expressApp()) => {
      app.request = Object.create({}, { app: { value: app } }) as object;
      return Object.create(app.request) as object;
    };
    const fastify = () => {
      class Request {
        readonly raw = { headers: {}, url: '/' };
        get server() {
          return { [Symbol('fastify.Request')]: Request, [Symbol('other')]: null };
        }
      }
      return new Request();
    };
    const prototypeOf = (request: object) => Object.getPrototypeOf(request) as object;

    it.each<[string, () => object, boolean]>([
      ['Express', express, true],
      ['Fastify', fastify, true],
      ['Node', () => Object.create({}) as object, false],
      ['Express, where another library was first', () => Object.assign(express(), { auth: 'of passport' }), false],
      ['a copy of Express’ request', () => Object.create(express()) as object, false],
      ['a copy of Fastify’s request', () => Object.create(fastify()) as object, false],
      [
        'Express, where the prototype is frozen',
        () => Object.create(Object.freeze(prototypeOf(express()))) as object,
        false,
      ],
      ['what inherits an app that is none', () => Object.create({ app: {} }) as object, false],
      ['what inherits an app of other requests', () => Object.create({ app: expressApp() }) as object, false],
      [
        'what wraps a request',
        () => Object.assign(Object.create({}) as object, { raw: { headers: {}, url: '/' } }),
        false,
      ],
      [
        'what knows a server',
        () => Object.assign(Object.create({}) as object, { server: { [Symbol()]: class {} } }),
        false,
      ],
    ])('is defined once on the prototype: %s', (_, make, isShared) => {
      const request = make();
      attachIdentity((request as { raw?: object }).raw ?? request, identity(session));
      const prototype = prototypeOf(request);
      const before = Reflect.ownKeys(prototype);
      defineRequestAuth(request);
      const added = Reflect.ownKeys(prototype).filter((key) => !before.includes(key));
      expect(added).toEqual(isShared ? ['auth', Symbol.for('nest-clerk:request-auth')] : []);
      expect(Object.hasOwn(request, 'auth')).toBe(!isShared);
      expect((request as { auth: RequestAuth }).auth.userId).toBe('user_1');
      expect(Object.hasOwn(request, 'auth')).toBe(true);
      expect(Object.getOwnPropertyDescriptor(request, 'auth')).toMatchObject({ enumerable: false, configurable: true });
    });

    it.each<[string, () => object]>([
      ['plain', () => ({ app: {}, raw: { headers: {}, url: '/' }, server: { [Symbol('fastify.Request')]: Object } })],
      ['frozen', () => Object.freeze({ app: {}, raw: {} })],
      ['without a prototype', () => Object.assign(Object.create(null) as object, { app: {}, raw: {} })],
      ['sealed', () => Object.seal({ raw: {} })],
      ['a Proxy', () => new Proxy({ raw: {} }, {})],
      [
        'a Proxy that throws',
        () => {
          const fail = () => {
            throw new Error('no');
          };
          return new Proxy({}, { defineProperty: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail });
        },
      ],
      ['of Node', () => new IncomingMessage(new Socket())],
      ['of Node, with its server', () => Object.assign(new IncomingMessage(new Socket()), { server: createServer() })],
    ])('never changes a prototype shared with other applications, for a request that is %s', (_, make) => {
      const everybodys = [Object.prototype, IncomingMessage.prototype, Function.prototype];
      const before = everybodys.map((prototype) => Reflect.ownKeys(prototype));
      defineRequestAuth(make());
      expect(everybodys.map((prototype) => Reflect.ownKeys(prototype))).toEqual(before);
      expect('auth' in {}).toBe(false);
    });

    it('is readable if the request was frozen before the first read', () => {
      const request = express() as { auth: RequestAuth };
      attachIdentity(request, identity(session));
      defineRequestAuth(request);
      Object.freeze(request);
      expect(request.auth.userId).toBe('user_1');
    });

    it('is separate for each request, and undefined for a request that was not authenticated', () => {
      const prototype = prototypeOf(express());
      const [first, second, third] = [1, 2, 3].map(() => Object.create(prototype) as { auth?: RequestAuth });
      for (const [request, userId] of [
        [first!, 'user_1'],
        [second!, 'user_2'],
      ] as const) {
        const whose = identity(() => ({ ...signedOutAuthObject(), userId }) as never);
        attachIdentity(request, whose);
        defineRequestAuth(request);
      }
      const { get } = Object.getOwnPropertyDescriptor(prototype, 'auth')!;
      defineRequestAuth(third!);
      expect(Object.getOwnPropertyDescriptor(prototype, 'auth')!.get).toBe(get);
      expect([first!.auth?.userId, second!.auth?.userId, third!.auth]).toEqual(['user_1', 'user_2', undefined]);
      expect(Object.getOwnPropertyDescriptor(prototype, 'auth')).toMatchObject({
        enumerable: false,
        configurable: true,
      });
      (third as { auth?: unknown }).auth = 'of passport';
      expect(Object.getOwnPropertyDescriptor(third, 'auth')).toEqual({
        value: 'of passport',
        configurable: true,
        writable: true,
        enumerable: true,
      });
    });
  });

  it.each<[string, unknown]>([
    ['no server', undefined],
    ['a server without decorators', {}],
    [
      'a server that has started',
      {
        decorateRequest: () => {
          throw new Error('FST_ERR_DEC_AFTER_START');
        },
      },
    ],
  ])('needs no request class of its own: %s', (_, server) => {
    expect(() => separateRequests(server)).not.toThrow();
  });

  it('shares one getter between requests, whether on a prototype or on each request', () => {
    const getterOf = (object: object) => Object.getOwnPropertyDescriptor(object, 'auth')?.get;
    const [first, second] = [requestWith(session), requestWith(session)];
    expect(getterOf(first)).toEqual(expect.any(Function));
    expect(getterOf(first)).toBe(getterOf(second));
  });

  it('is not enumerable, so that logs and JSON omit it', () => {
    expect(Object.keys(requestWith(session))).toEqual([]);
  });
});

describe('getAuth', () => {
  it.each([
    ['nothing', {}],
    [
      'a forged function',
      {
        auth: Object.assign(() => ({ userId: 'user_evil' }), {
          [Symbol.for('@clerk/express.auth')]: true,
        }),
      },
    ],
    ['the auth of express-jwt', { auth: { sub: 'user_evil' } }],
  ])('throws for a request with %s', (_, request) => {
    expect(() => getAuth(request)).toThrow(expect.objectContaining({ code: 'auth-not-populated' }));
  });

  it('filters by token type, and never returns a machine as a session', () => {
    const request = requestWith(apiKey);
    expect(getAuth(request)).toMatchObject({
      tokenType: 'session_token',
      isAuthenticated: false,
      userId: null,
    });
    expect(getAuth(request, { acceptsToken: 'm2m_token' })).toMatchObject({
      tokenType: 'm2m_token',
      isAuthenticated: false,
    });
    expect(getAuth(request, { acceptsToken: ['session_token', 'm2m_token'] })).toMatchObject({
      tokenType: null,
    });
    for (const acceptsToken of ['api_key', 'any', ['api_key', 'session_token']] as const) {
      expect(getAuth(request, { acceptsToken: acceptsToken as 'api_key' })).toMatchObject({
        id: 'k',
        isAuthenticated: true,
      });
    }
  });

  it('reads an execution context, and throws for an unknown transport', () => {
    const request = requestWith(session);
    const context = (type: string) => ({
      getType: () => type,
      switchToHttp: () => ({ getRequest: () => request }),
    });
    expect(getAuth(context('http')).userId).toBe('user_1');
    expect(() => getAuth(context('necord'))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
  });
});

describe('tryGetAuth', () => {
  const contextOf = (type: string, request?: unknown, args: unknown[] = [{}, {}]) => ({
    getType: () => type,
    getArgs: () => args,
    getArgByIndex: (index: number) => args[index],
    switchToHttp: () => ({ getRequest: () => request }),
  });
  const throwing = () => {
    throw new Error('hostile');
  };

  it('returns what getAuth() returns', () => {
    for (const request of [requestWith(apiKey), requestWith(session)]) {
      for (const acceptsToken of [
        undefined,
        'session_token',
        'api_key',
        'm2m_token',
        'any',
        ['api_key', 'm2m_token'],
      ]) {
        for (const source of [request, contextOf('http', request)]) {
          const options = { acceptsToken: acceptsToken as 'api_key' };
          const [given, expected] = [tryGetAuth(source, options), getAuth(source, options)];
          expect(JSON.stringify(given)).toBe(JSON.stringify(expected));
          expect(given).toHaveProperty('isAuthenticated', expected.isAuthenticated);
        }
      }
    }
  });

  it('passes options to Clerk', () => {
    const toAuth = jest.fn(session);
    tryGetAuth(requestWith(toAuth), { treatPendingAsSignedOut: false });
    expect(toAuth).toHaveBeenLastCalledWith({ treatPendingAsSignedOut: false });
  });

  /** Requests and calls whose credentials nobody has checked, as filters and loggers meet them. */
  const UNCHECKED: [string, object][] = [
    ['a request', { headers: {}, url: '/' }],
    ['a request of Fastify', { raw: { headers: {}, url: '/' }, headers: {} }],
    ['a request that passed a @SkipAuth() handler', skipped()],
    ['a request with an auth of another library', { auth: { userId: 'user_evil' } }],
    ['a copy of another request', { ...requestWith(session), headers: {} }],
    ...['http', 'graphql', 'rpc', 'ws', 'necord', ''].map((type): [string, object] => [
      `a context of the type "${type}"`,
      contextOf(type, { headers: {}, url: '/' }),
    ]),
    ['a context without arguments', contextOf('rpc', undefined, [])],
  ];

  function skipped() {
    const request = {};
    attachIdentity(request, undefined);
    return request;
  }

  it.each(UNCHECKED)('returns undefined for %s, and creates no error', (_, source) => {
    const made: string[] = [];
    const Parent = Object.getPrototypeOf(ClerkError) as ErrorConstructor;
    // Every error of ours is built by what ClerkError extends.
    class Counted extends Parent {
      constructor(...args: [string?]) {
        super(...args);
        made.push(new.target.name);
      }
    }
    Object.setPrototypeOf(ClerkError, Counted);
    try {
      expect(tryGetAuth(source)).toBeUndefined();
      expect(made).toEqual([]);
      expect(() => getAuth(source)).toThrow(/There is no Clerk identity|execution context type/);
      expect(made).toHaveLength(1);
    } finally {
      Object.setPrototypeOf(ClerkError, Parent);
    }
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a text', 'request'],
    ['a number', 5],
    ['a function', () => undefined],
    ['a context whose request is missing', contextOf('http')],
    ['a context whose request is null', contextOf('http', null)],
    ['a context whose type throws', { ...contextOf('http'), getType: throwing }],
    ['a context that has no arguments to give', { getType: () => 'ws', switchToHttp: throwing }],
    ['an object without a prototype', Object.create(null)],
    ['a Proxy that throws', new Proxy({}, { get: throwing })],
    ['a revoked Proxy', revoked()],
    ['an identity whose auth object throws', requestWith(throwing)],
  ])('returns undefined for %s', (_, source) => {
    expect(tryGetAuth(source as object)).toBeUndefined();
  });

  function revoked() {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }
});
