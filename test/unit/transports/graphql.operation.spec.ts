import type { ExecutionContext } from '@nestjs/common';

import { getAuth } from '../../../lib/index.js';
import { attachIdentity } from '../../../lib/transports/attachment.js';
import { carrierOf } from '../../../lib/transports/carrier.js';
import { graphqlOperationOf } from '../../../lib/transports/graphql/graphql.operation.js';

const request = { headers: { host: 'localhost' }, url: '/graphql', method: 'POST' };
const upgrade = { headers: { upgrade: 'WebSocket' }, url: '/graphql', method: 'GET' };
const info = { fieldNodes: [] };

const of = (...args: unknown[]) =>
  ({
    getType: () => 'graphql',
    switchToHttp: () => ({}),
    getArgByIndex: (index: number) => args[index],
    getArgs: () => args[1],
  }) as unknown as ExecutionContext;

describe('graphqlOperationOf()', () => {
  it.each<[string, unknown[]]>([
    ['a field', [{}, {}, { req: request }, info]],
    ['a field without arguments', [undefined, undefined, { req: request }, info]],
    ['a reference', [{ __typename: 'Invoice' }, { req: request }, info]],
    ['a reference, as GqlExecutionContext puts it', [{}, undefined, { req: request }, info, undefined]],
    ['a type', [{}, { req: request }, info, { name: 'Invoice' }]],
    ['a context of Fastify', [{}, {}, { request, reply: { request } }, info]],
    [
      'a context that wraps Node’s request',
      [{}, {}, { req: { headers: request.headers, url: '/', raw: request } }, info],
    ],
  ])('finds the operation for %s', (_name, args) => {
    expect(graphqlOperationOf(of(...args))).toMatchObject({ call: info, isAmbiguous: false, connectionParams: {} });
    expect(carrierOf(of(...args))).toBe(request);
  });

  it('never reads the parent or the arguments of a resolver', () => {
    const hostile = { req: request, reply: { request }, connectionParams: { authorization: 'a' }, _connectionInit: {} };
    const context = {};
    expect(graphqlOperationOf(of(hostile, hostile, context, info))).toMatchObject({
      carrier: info,
      request: undefined,
      connectionParams: {},
    });
  });

  it.each<[string, object]>([
    ['graphql-ws', { req: { connectionParams: { authorization: 'a' }, extra: { request: upgrade } } }],
    [
      'graphql-ws with a context of one’s own',
      { connectionParams: { authorization: 'a' }, extra: { request: upgrade } },
    ],
    ['graphql-ws, with the request that opened it', { req: upgrade, connectionParams: { authorization: 'a' } }],
    ['Mercurius', { request: upgrade, reply: { request: upgrade }, _connectionInit: { authorization: 'a' } }],
  ])('finds the operation over %s', (_name, context) => {
    expect(graphqlOperationOf(of({}, {}, context, info))).toEqual({
      call: info,
      carrier: info,
      context,
      source: upgrade,
      request: undefined,
      connectionParams: { authorization: 'a' },
      isAmbiguous: false,
    });
  });

  it.each<[string, object]>([
    ['headers that are none', { req: { url: '/', headers: 'a' } }],
    ['no headers', { req: { url: '/', headers: null } }],
    ['no URL', { req: { headers: {} } }],
    ['null', { req: null, request: null, reply: null, extra: null, connectionParams: null }],
    ['texts', { req: 'a', request: 'b', reply: 'c', extra: 'd', connectionParams: 'e' }],
  ])('finds no request if the context has %s', (_name, context) => {
    expect(graphqlOperationOf(of({}, {}, context, info))).toEqual({
      call: info,
      carrier: info,
      context,
      source: context,
      request: undefined,
      connectionParams: {},
      isAmbiguous: false,
    });
  });

  it.each<[unknown, boolean]>([
    ['websocket', true],
    ['WebSocket', true],
    ['h2c', false],
    ['', false],
    [undefined, false],
    [null, false],
    [['websocket'], true],
    [7, true],
    [{}, true],
  ])('treats a request with the header upgrade %j as one that opens a WebSocket: %p', (upgrade, opens) => {
    const request = { url: '/', headers: { upgrade } };
    expect(graphqlOperationOf(of({}, {}, { req: request }, info)).request).toBe(opens ? undefined : request);
  });

  it('is ambiguous if the context refers to the requests of two callers', () => {
    const context = { req: request, reply: { request: { ...request } } };
    expect(graphqlOperationOf(of({}, {}, context, info)).isAmbiguous).toBe(true);
  });

  it.each([[[]], [[{}, {}, undefined, info]], [[{}, {}, 'text', undefined]]])(
    'finds no credentials in the arguments %j',
    (args) => {
      expect(graphqlOperationOf(of(...args))).toMatchObject({ request: undefined, connectionParams: {} });
      expect(() => getAuth(of(...args))).toThrow('There is no Clerk identity');
    },
  );

  it('uses a copy of a request with its own headers as a separate carrier', () => {
    const copy = { ...request, raw: request, headers: { authorization: 'Bearer b' } };
    expect(carrierOf(of({}, {}, { req: copy }, info))).toBe(copy);
  });

  describe('for an operation without an HTTP request', () => {
    const operation = { kind: 'OperationDefinition' };
    const carried = (context: object, of_: object | undefined) =>
      carrierOf(of({}, {}, context, { fieldNodes: [], operation: of_ }));

    it('returns one carrier for all fields and events', () => {
      const context = { connectionParams: {} };
      expect(carried(context, operation)).toBe(carried(context, operation));
    });

    it('returns different carriers for operations that share a context', () => {
      const context = { connectionParams: {} };
      const first = carried(context, operation);
      expect(carried(context, { ...operation })).not.toBe(first);
      expect(carried(context, operation)).toBe(first);
    });

    it('returns different carriers for different connection parameters on the same context', () => {
      const context: { connectionParams: object } = { connectionParams: { authorization: 'a' } };
      const first = carried(context, operation);
      context.connectionParams = { authorization: 'b' };
      expect(carried(context, operation)).not.toBe(first);
    });

    it.each<[string, (context: object) => object]>([
      ['copied', (context) => ({ ...context })],
      ['derived from', (context) => Object.create(context) as object],
      ['wrapped in a Proxy', (context) => new Proxy(context, {})],
    ])('returns another carrier if the context was %s', (_, copied) => {
      const context = { connectionParams: {} };
      const first = carried(context, operation);
      expect(carried(copied(context), operation)).not.toBe(first);
    });

    it('returns a carrier for each call if the context is frozen or has no operation', () => {
      const frozen = Object.freeze({ connectionParams: {} });
      for (const [context, of_] of [
        [frozen, operation],
        [{ connectionParams: {} }, undefined],
      ] as const) {
        expect(carried(context, of_)).not.toBe(carried(context, of_));
      }
    });
  });

  it('keeps a separate identity for each resolver call', () => {
    const identity = (userId: string) => ({ toAuth: () => ({ tokenType: 'session_token', userId }) }) as never;
    const [context, first, second, third] = [{ req: request }, { ...info }, { ...info }, { ...info }];
    attachIdentity(first, identity('first'));
    attachIdentity(second, undefined);
    attachIdentity(request, identity('last'));
    expect(getAuth(of({}, {}, context, first))).toMatchObject({ userId: 'first' });
    expect(() => getAuth(of({}, {}, context, second))).toThrow('There is no Clerk identity');
    expect(getAuth(of({}, {}, context, third))).toMatchObject({ userId: 'last' });
  });
});
