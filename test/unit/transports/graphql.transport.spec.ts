import { ForbiddenException, Logger, type ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../../lib/authentication/identity/credentials.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { Denied, type Denial, type DenialStatus } from '../../../lib/errors/denial.js';
import { attachedIdentity } from '../../../lib/transports/attachment.js';
import { identityCarrierOf } from '../../../lib/transports/carrier.js';
import { GraphqlTransport } from '../../../lib/transports/graphql/graphql.transport.js';
import { attachToCall } from '../../support/attach.js';
import { RecordingLogger } from '../../support/recording-logger.js';

/** A call of a resolver with this GraphQL context. */
const operation = { kind: 'OperationDefinition' };
const contextOf = (context: object, info: object = { fieldNodes: [], operation }) => {
  const args = [{}, {}, context, info];
  return {
    getType: () => 'graphql',
    switchToHttp: () => ({}),
    getArgByIndex: (index: number) => args[index],
  } as unknown as ExecutionContext;
};
let transport: GraphqlTransport;
beforeEach(() => void (transport = new GraphqlTransport(new LogThrottle())));
const presented = (context: object) => transport.credentials(contextOf(context)) as Credentials;
const denial: Denial = { status: 401, code: 'token-invalid', message: 'No.' };

/** Headers of which one throws when it is read. */
const unreadable = (name: string) =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error('not for reading');
    },
  });

describe('the credentials of a GraphQL operation', () => {
  const MALFORMED: Denial = {
    status: 400,
    code: 'malformed-request',
    message: 'The request target or method cannot be used here.',
  };

  it('are those of its HTTP request, but never as a document navigation', () => {
    const headers = { host: 'h', 'sec-fetch-dest': 'document', cookie: 'a=b' };
    const request = { method: 'POST', url: '/graphql?a=b', headers };
    const credentials = presented({ req: request });
    expect(credentials).toMatchObject({ source: request, carrier: request, method: 'POST', target: '/graphql?a=b' });
    expect(credentials.headers).toEqual({ ...headers, 'sec-fetch-dest': 'empty' });
    expect(headers['sec-fetch-dest']).toBe('document');
    const asked = credentials.request;
    expect(credentials.request).toBe(asked);
    expect([asked.method, asked.url, Object.fromEntries(asked.headers)]).toEqual([
      'POST',
      'http://localhost/graphql?a=b',
      { ...headers, 'sec-fetch-dest': 'empty' },
    ]);
  });

  it.each([
    ['Node', { socket: { encrypted: true } }],
    ['Fastify', { raw: { socket: { encrypted: true } } }],
  ])('are encrypted if the socket of %s is', (_, how) => {
    expect(presented({ req: { method: 'POST', url: '/', headers: {}, ...how } }).request.url).toBe(
      'https://localhost/',
    );
  });

  it.each<[string, object, object]>([
    ['a header among the parameters', { Authorization: 'Bearer t' }, { authorization: 'Bearer t' }],
    ['one that is no text', { authorization: ['Bearer t'] }, {}],
    ['another parameter', { token: 't', cookie: 'evil' }, {}],
  ])('of a subscription are %s', (_, connectionParams, expected) => {
    const address = { host: 'h', origin: 'o', 'x-forwarded-host': 'fh', 'x-forwarded-proto': 'https' };
    const headers = { ...address, upgrade: 'websocket', cookie: '__session=s', authorization: 'Bearer upgrade' };
    const upgrade = { url: '/graphql', headers };
    const context = { connectionParams, extra: { request: upgrade } };
    const credentials = presented(context);
    expect(credentials).toMatchObject({ source: upgrade, method: 'POST', target: '/' });
    expect(credentials.headers).toEqual({ ...address, ...expected, 'x-forwarded-host': undefined });
    const ofOrigins = new GraphqlTransport(new LogThrottle(), ['https://fh']).credentials(contextOf(context));
    expect(ofOrigins).toMatchObject({ headers: { ...address, ...expected } });
  });

  it('without a request are those of the connection parameters', () => {
    expect(presented({ connectionParams: { authorization: 't' } }).headers).toMatchObject({ authorization: 't' });
    expect(presented({}).headers).not.toHaveProperty('authorization');
  });

  it.each<[string, object]>([
    ['a request to nowhere', { req: { method: 'POST', url: '//evil', headers: {} } }],
    ['a method that is none', { req: { method: 'TRACE', url: '/', headers: {} } }],
    ['a parameter that no header holds', { connectionParams: { authorization: 'a\nb' } }],
    ['a header that is a list', { req: { method: 'POST', url: '/', headers: { authorization: ['Bearer t'] } } }],
    ['a header that cannot be read', { req: { method: 'POST', url: '/', headers: unreadable('authorization') } }],
    ['an address that is no text', { extra: { request: { url: '/', headers: { upgrade: 'websocket', host: 7n } } } }],
    ['an address that cannot be read', { extra: { request: { url: '/', headers: unreadable('host') } } }],
    ['a parameter that is longer than any header', { connectionParams: { authorization: 'a'.repeat(100_000) } }],
  ])('are denied with 400: %s', (_, context) => {
    expect(presented(context)).toEqual(new Denied(MALFORMED));
  });

  it.each<[string, object, object]>([
    ['its first name', { authorization: 'a', authToken: 'b' }, { authorization: 'a' }],
    ['a later one', { authToken: 'b' }, { authorization: 'b' }],
    ['a later one, since the first is empty', { authorization: '', authToken: 'b' }, { authorization: 'b' }],
    ['a name within an object', { Headers: { AUTHORIZATION: 'c' } }, { authorization: 'c' }],
    ['no name with a dot in it', { 'headers.authorization': 'c' }, {}],
    ['no inherited name', Object.create({ authToken: 'b' }) as object, {}],
    ['no inherited name within an object', { headers: Object.create({ authorization: 'c' }) as object }, {}],
    ['nothing within a string', { headers: 'authorization' }, {}],
  ])('are the token under the names in the option: %s', (_, connectionParams, expected) => {
    const names = { connectionParams: ['authorization', 'Headers.Authorization', 'authToken'] };
    const listed = new GraphqlTransport(new LogThrottle(), undefined, names);
    const { headers } = listed.credentials(contextOf({ connectionParams })) as Credentials;
    const { authorization } = headers;
    expect(authorization === undefined ? {} : { authorization }).toEqual(expected);
  });

  it('are searched once for each connection, and read again for each operation', () => {
    let looks = 0;
    const named = { Authorization: 'first' };
    const connectionParams = new Proxy(named, { ownKeys: (target) => (looks++, Reflect.ownKeys(target)) });
    expect(presented({ connectionParams }).headers).toMatchObject({ authorization: 'first' });
    named.Authorization = 'second';
    expect(presented({ connectionParams }).headers).toMatchObject({ authorization: 'second' });
    expect(looks).toBe(1);
    expect(presented({ connectionParams: { authorization: 't' } }).headers).toMatchObject({ authorization: 't' });
  });

  it('are read once for all resolvers of an operation', () => {
    const [context, request] = [{}, { method: 'POST', url: '/', headers: {} }];
    expect(presented(context)).toBe(presented(context));
    expect(presented({ req: request })).toBe(presented({ req: request }));
    expect(presented({})).not.toBe(presented({}));
  });

  it.each<[string, (one: object, other: object) => object]>([
    ['leads to two requests', (one, other) => ({ req: one, reply: { request: other } })],
    [
      'led to another request before',
      (one, other) => {
        const context = { req: one };
        presented(context);
        return Object.assign(context, { req: other });
      },
    ],
  ])('are denied with 500 if the context %s, and the log says why', (_, contextOfTwo) => {
    const logger = new RecordingLogger();
    Logger.overrideLogger(logger);
    const request = { url: '/', headers: {} };
    expect(presented(contextOfTwo(request, { ...request }))).toEqual({
      denial: {
        status: 500,
        code: 'invalid-configuration',
        message: 'Authentication is misconfigured on this server.',
      },
    });
    expect(logger.ofGuard('error')).toEqual([
      expect.stringContaining(
        'Several requests share one GraphQL context, so the call is denied: pass a function as the option "context" of GraphQLModule.',
      ),
    ]);
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
});

describe('the identity of a GraphQL operation', () => {
  const identity = { headers: new Headers(), toAuth: () => ({ userId: 'user_1' }) } as unknown as Identity;

  it('is attached to the call, the operation and its request', () => {
    const [request, info]: [{ auth?: { userId: string } } & object, object] = [
      { url: '/', headers: {} } as object,
      { fieldNodes: [] },
    ];
    const called = contextOf({ req: request }, info);
    attachToCall(transport, called, identity);
    expect(attachedIdentity(info)).toBe(identity);
    expect(attachedIdentity(request)).toBe(identity);
    expect(request.auth?.userId).toBe('user_1');
    expect(transport.carrier(contextOf({ req: request }, info))).toBe(info);
  });

  it('is attached for all fields of a subscription, and not for others on the same context', () => {
    const context = { connectionParams: {} };
    const called = contextOf(context);
    attachToCall(transport, called, identity);
    expect(attachedIdentity(identityCarrierOf(contextOf(context)))).toBe(identity);
    const another = contextOf(context, { fieldNodes: [], operation: { ...operation } });
    expect(attachedIdentity(identityCarrierOf(another))).toBeUndefined();
  });

  it('is attached to the request of the credentials, even if the context refers to another by then', () => {
    const [first, second] = [1, 2].map(() => ({ url: '/', headers: {} }) as { auth?: unknown });
    const context = { req: first! };
    const called = contextOf(context);
    const credentials = transport.credentials(called) as Credentials;
    context.req = second!;
    attachToCall(transport, called, identity, credentials);
    expect([attachedIdentity(first!), attachedIdentity(second!)]).toEqual([identity, undefined]);
    expect([first!.auth !== undefined, second!.auth]).toEqual([true, undefined]);
  });

  it('is attached with a frozen context and a frozen request', () => {
    const context = Object.freeze({ req: Object.freeze({ method: 'POST', url: '/', headers: {} }) });
    const called = contextOf(context);
    attachToCall(transport, called, identity);
    expect(attachedIdentity(identityCarrierOf(called))).toBe(identity);
    expect(attachedIdentity(identityCarrierOf(contextOf(context)))).toBeUndefined();
  });
});

describe('the denial of a GraphQL operation', () => {
  const refuse = (more: Partial<Denial> = {}) => transport.deny(contextOf({}), { ...denial, ...more });

  it.each<[DenialStatus, string]>([
    [302, 'UNAUTHENTICATED'],
    [307, 'UNAUTHENTICATED'],
    [400, 'BAD_REQUEST'],
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
    [500, 'INTERNAL_SERVER_ERROR'],
    [503, 'SERVICE_UNAVAILABLE'],
  ])('with the status %i has the code %s', (status, code) => {
    expect(refuse({ status })).toMatchObject({ message: 'No.', extensions: { code, clerkCode: 'token-invalid' } });
  });

  it.each<[Partial<Denial>, object]>([
    [{}, { code: 'UNAUTHENTICATED', clerkCode: 'token-invalid' }],
    [{ missing: ['role a'] }, { code: 'UNAUTHENTICATED', clerkCode: 'token-invalid', missing: ['role a'] }],
    [
      { status: 403, reverification: 'strict' },
      {
        code: 'FORBIDDEN',
        clerkCode: 'token-invalid',
        clerk_error: {
          type: 'forbidden',
          reason: 'reverification-error',
          metadata: { reverification: 'strict' },
        },
      },
    ],
  ])('for %j has only these extensions', (more, extensions) => {
    expect(refuse(more)).toHaveProperty('extensions', extensions);
  });

  it('has no statusCode in its body, since a driver would replace the code', () => {
    expect((refuse() as ForbiddenException).getResponse()).toEqual({
      message: 'No.',
      error: 'Unauthorized',
      code: 'token-invalid',
    });
  });

  it.each<[string, Error, object]>([
    ['the status of the denial', new Error('mine'), { message: 'mine', extensions: { code: 'UNAUTHENTICATED' } }],
    ['a status', Object.assign(new Error('tea'), { statusCode: 403 }), { extensions: { code: 'FORBIDDEN' } }],
    [
      'an unusual one',
      Object.assign(new Error('tea'), { statusCode: 418 }),
      { extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ],
    ['an exception', new ForbiddenException('x'), { message: 'x', extensions: { code: 'FORBIDDEN' } }],
    [
      'extensions of its own',
      Object.assign(new Error('x'), { extensions: { code: 'MINE', more: 1 } }),
      { extensions: { code: 'MINE', more: 1 } },
    ],
  ])('is the error of the application, with %s', (_, error, expected) => {
    expect(transport.denyWith(contextOf({}), error, denial)).toMatchObject(expected);
  });
});
