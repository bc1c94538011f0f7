import { ForbiddenException, Logger, type ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../../lib/authentication/credentials.js';
import type { Identity } from '../../../lib/authentication/identity.js';
import type { Denial, DenialStatus } from '../../../lib/errors/denial.js';
import { attachedIdentity } from '../../../lib/transports/attachment.js';
import { GraphqlTransport } from '../../../lib/transports/graphql.transport.js';
import { RecordingLogger } from '../../support/recording-logger.js';

/** A call of a resolver with this GraphQL context. */
const contextOf = (context: object, info: object = { fieldNodes: [] }) => {
  const args = [{}, {}, context, info];
  return { getType: () => 'graphql', getArgByIndex: (index: number) => args[index] } as unknown as ExecutionContext;
};
const transport = new GraphqlTransport();
const presented = (context: object) => transport.credentials(contextOf(context)) as Credentials;
const denial: Denial = { status: 401, code: 'token-invalid', message: 'No.' };

describe('what an operation presents', () => {
  const MALFORMED = {
    status: 400,
    code: 'malformed-request',
    message: 'The request target or method cannot be used here.',
  };

  it('is what its HTTP request does, as a program', () => {
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
  ])('came over TLS where the socket of %s says so', (_, how) => {
    expect(presented({ req: { method: 'POST', url: '/', headers: {}, ...how } }).request.url).toBe(
      'https://localhost/',
    );
  });

  it.each<[string, object, object]>([
    ['a header among the parameters', { Authorization: 'Bearer t' }, { authorization: 'Bearer t' }],
    ['one that is no text', { authorization: ['Bearer t'] }, {}],
    ['another parameter', { token: 't', cookie: 'evil' }, {}],
  ])('of a subscription is %s, and where it leads', (_, connectionParams, expected) => {
    const address = { host: 'h', origin: 'o', 'x-forwarded-host': 'fh', 'x-forwarded-proto': 'https' };
    const headers = { ...address, upgrade: 'websocket', cookie: '__session=s', authorization: 'Bearer upgrade' };
    const upgrade = { url: '/graphql', headers };
    const context = { connectionParams, extra: { request: upgrade } };
    const credentials = presented(context);
    expect(credentials).toMatchObject({ source: upgrade, carrier: context, method: 'POST', target: '/' });
    expect(credentials.headers).toEqual({ ...address, ...expected });
  });

  it('of no request at all is what the parameters say', () => {
    expect(presented({ connectionParams: { authorization: 't' } }).headers).toMatchObject({ authorization: 't' });
    expect(presented({}).headers).not.toHaveProperty('authorization');
  });

  it.each<[string, object]>([
    ['a request to nowhere', { req: { method: 'POST', url: '//evil', headers: {} } }],
    ['a method that is none', { req: { method: 'TRACE', url: '/', headers: {} } }],
    ['a parameter that no header holds', { connectionParams: { authorization: 'a\nb' } }],
    ['a parameter that is longer than any header', { connectionParams: { authorization: 'a'.repeat(100_000) } }],
  ])('is refused: %s', (_, context) => {
    expect(presented(context)).toEqual(MALFORMED);
  });

  it('is looked for among the parameters of a connection once, and read anew for each operation', () => {
    let looks = 0;
    const named = { Authorization: 'first' };
    const connectionParams = new Proxy(named, { ownKeys: (target) => (looks++, Reflect.ownKeys(target)) });
    expect(presented({ connectionParams }).headers).toMatchObject({ authorization: 'first' });
    named.Authorization = 'second';
    expect(presented({ connectionParams }).headers).toMatchObject({ authorization: 'second' });
    expect(looks).toBe(1);
    expect(presented({ connectionParams: { authorization: 't' } }).headers).toMatchObject({ authorization: 't' });
  });

  it('is read once, however many resolvers ask', () => {
    const [context, request] = [{}, { method: 'POST', url: '/', headers: {} }];
    expect(presented(context)).toBe(presented(context));
    expect(presented({ req: request })).toBe(presented({ req: request }));
    expect(presented({})).not.toBe(presented({}));
  });

  it('is refused where it could be that of two callers, and the log says why', () => {
    const logger = new RecordingLogger();
    Logger.overrideLogger(logger);
    const request = { url: '/', headers: {} };
    expect(presented({ req: request, reply: { request: { ...request } } })).toEqual({
      status: 500,
      code: 'invalid-configuration',
      message: 'Authentication is misconfigured on this server.',
    });
    expect(logger.ofGuard('error')).toEqual([
      expect.stringContaining('Several requests share one GraphQL context: give the option "context" a function.'),
    ]);
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
});

describe('whom an operation is of', () => {
  const identity = { headers: new Headers(), toAuth: () => ({ userId: 'user_1' }) } as unknown as Identity;
  const loader = { load: () => Promise.reject(new Error('nobody asks')) };

  it('is kept with the call, the operation and its request', () => {
    const [request, info]: [{ auth?: { userId: string } } & object, object] = [
      { url: '/', headers: {} } as object,
      { fieldNodes: [] },
    ];
    transport.attach(contextOf({ req: request }, info), identity, loader);
    expect(attachedIdentity(info)).toBe(identity);
    expect(attachedIdentity(request)).toBe(identity);
    expect(request.auth?.userId).toBe('user_1');
    expect(transport.carrier(contextOf({ req: request }, info))).toBe(info);
  });

  it('is kept with the context of a subscription', () => {
    const context = { connectionParams: {} };
    transport.attach(contextOf(context), identity, loader);
    expect(attachedIdentity(context)).toBe(identity);
  });
});

describe('a refusal of an operation', () => {
  const refuse = (more: Partial<Denial> = {}) => transport.refuse(contextOf({}), { ...denial, ...more });

  it.each<[DenialStatus, string]>([
    [302, 'UNAUTHENTICATED'],
    [307, 'UNAUTHENTICATED'],
    [400, 'BAD_REQUEST'],
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
    [500, 'INTERNAL_SERVER_ERROR'],
    [503, 'SERVICE_UNAVAILABLE'],
  ])('of the status %i has the code %s', (status, code) => {
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
  ])('says, beside %j, no more than that', (more, extensions) => {
    expect(refuse(more)).toHaveProperty('extensions', extensions);
  });

  it('names no status, by which a driver would replace the code', () => {
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
  ])('may be the application’s error, with %s', (_, error, expected) => {
    expect(transport.refuseWith(contextOf({}), error, denial)).toMatchObject(expected);
  });
});
