import 'reflect-metadata';

import { HttpException, Logger, type ArgumentsHost, type ExecutionContext, type Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { RpcException } from '@nestjs/microservices';

import type { Identity } from '../../../lib/authentication/identity.js';
import type { Denial } from '../../../lib/errors/denial.js';
import type { TransportAdapter } from '../../../lib/options/transport-options.js';
import { AdaptedTransport } from '../../../lib/transports/adapted.transport.js';
import { attachedIdentity } from '../../../lib/transports/attachment.js';
import type { CallCredentials } from '../../../lib/transports/call.credentials.js';
import { callCarrier } from '../../../lib/transports/call-carrier.js';
import { carrierOf, identityCarrierOf, sourceOf } from '../../../lib/transports/carrier.js';
import { RpcTransport } from '../../../lib/transports/rpc.transport.js';
import { TransportsRegistry } from '../../../lib/transports/transports.registry.js';
import { RecordingLogger } from '../../support/recording-logger.js';

class Handlers {
  one() {}
  another() {}
}
const { one, another } = Handlers.prototype;

function contextOf(type: string, args: unknown[], handler: (() => void) | null = one): ExecutionContext {
  const context = new ExecutionContextHost(args, Handlers as Type, handler as () => void);
  context.setType(type);
  return context;
}
const rpc = (call: unknown, handler?: (() => void) | null) => contextOf('rpc', [{ payload: 1 }, call], handler);
const identity = { headers: new Headers(), toAuth: () => ({}) } as unknown as Identity;
const loader = { load: () => Promise.reject(new Error('nobody asks')) };
const denial: Denial = { status: 403, code: 'insufficient-permissions', message: 'No.', missing: ['role org:admin'] };

describe('where the identity of a call is kept', () => {
  it.each<[string, ExecutionContext | object, object]>([
    ...[{ headers: {}, url: '/' }].flatMap((request): [string, object, object][] => [
      ['HTTP', contextOf('http', [request]), request],
      ['a request by itself', request, request],
      ['Fastify', contextOf('http', [{ raw: request }]), request],
      ['Fastify’s request by itself', { raw: request }, request],
    ]),
    ...[{ getType: () => 'ws' }, { switchToHttp: () => ({}) }, { raw: { headers: {} } }, { raw: { url: '/' } }].map(
      (request): [string, object, object] => ['an object that is no context', request, request],
    ),
  ])('is the request itself: %s', (_, source, request) => {
    expect(carrierOf(source)).toBe(request);
    expect(identityCarrierOf(source)).toBe(request);
  });

  it('is one object for each handler of a message', () => {
    const call = {};
    const [first, second] = [carrierOf(rpc(call)), carrierOf(rpc(call, another))];
    expect(sourceOf(rpc(call))).toBe(call);
    expect(first).not.toBe(second);
    expect(first).not.toBe(call);
    expect(carrierOf(rpc(call))).toBe(first);
    expect(carrierOf(rpc(call, another))).toBe(second);
    expect(carrierOf(rpc({}))).not.toBe(first);
  });

  it('is that of the only handler, where a filter is told of none', () => {
    const call = {};
    const first = carrierOf(rpc(call));
    expect(callCarrier(call, {} as ArgumentsHost)).toBe(first);
    expect(callCarrier(call, rpc(call, null))).toBe(first);
    carrierOf(rpc(call, another));
    const nobodys = callCarrier(call, rpc(call, null));
    expect([first, carrierOf(rpc(call, another))]).not.toContain(nobodys);
    expect(callCarrier(call, rpc(call, null))).toBe(nobodys);
    const fresh = {};
    expect(callCarrier(fresh, rpc(fresh, null))).toBe(callCarrier(fresh, rpc(fresh, null)));
  });

  it.each([[undefined], [null], ['text']])('is the arguments’ where a strategy gives %p as context', (call) => {
    const context = rpc(call);
    expect(sourceOf(context)).toBe(context.getArgs());
    expect(carrierOf(context)).toBe(carrierOf(context));
  });

  it('is not copied with the call, and known to every copy of this library', () => {
    const call = {};
    carrierOf(rpc(call));
    expect(Object.getOwnPropertySymbols(call)).toEqual([Symbol.for('nest-clerk:carriers')]);
    expect(Object.getOwnPropertySymbols({ ...call })).toEqual([]);
  });

  it('is one more argument of a message on a socket', () => {
    const client = { handshake: {}, request: { headers: { host: 'h' } } };
    const context = contextOf('ws', [client, {}, 'event']);
    expect(carrierOf(context)).toBe(carrierOf(context));
    expect(context.getArgs()).toEqual([client, {}, carrierOf(context), 'event']);
    expect(sourceOf(context)).toBe(client.request);
  });

  it('is the request of a resolver', () => {
    const request = { headers: {}, url: '/' };
    const context = contextOf('graphql', [{}, {}, { req: request }, { fieldNodes: [] }]);
    expect([sourceOf(context) === request, carrierOf(context) === request]).toEqual([true, true]);
  });

  it('is found again among the arguments, of a kind that has an adapter', () => {
    const call = {};
    const args = ['text', null, undefined, {}, Object.create(call), call];
    expect(() => sourceOf(contextOf('bot', args))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
    const carrier = callCarrier(call, contextOf('bot', args));
    expect(sourceOf(contextOf('bot', args))).toBe(call);
    expect(carrierOf(contextOf('bot', args))).toBe(carrier);
  });

  it('is nowhere for a kind that nobody knows, which is said', () => {
    expect(() => carrierOf(contextOf('bot', []))).toThrow(
      'A call of the execution context type "bot" was denied: no transport adapter of nest-clerk knows it. Built in are ' +
        'http, graphql, rpc and ws; register one for it with the option transports: ' +
        'ClerkModule.forRoot({ transports: { "bot": { call, credentials } } }).',
    );
  });
});

describe('RpcTransport', () => {
  const presenting = (answer: unknown) => new RpcTransport({ rpc: { credentials: () => answer as string } });

  it.each<[string, unknown, object]>([
    ['a token', 't', { authorization: 'Bearer t' }],
    [
      'headers, of which one counts',
      { authorization: 'Bearer t', cookie: 'a=b', origin: 'o' },
      { authorization: 'Bearer t' },
    ],
    ['nothing', undefined, { authorization: undefined }],
  ])('presents %s', (_, answer, headers) => {
    const call = {};
    const presented = presenting(answer).credentials(rpc(call));
    const { source, carrier, ...rest } = presented as CallCredentials;
    expect(rest.headers).toEqual(headers);
    expect([source === call, carrier === carrierOf(rpc(call))]).toEqual([true, true]);
  });

  it('presents nothing where the application names no credentials', () => {
    expect(new RpcTransport({ rpc: undefined }).credentials(rpc({}))).toHaveProperty('headers', {});
  });

  it('keeps the identity with the handler’s carrier', () => {
    const call = {};
    const transport = presenting(undefined);
    transport.attach(rpc(call), identity, loader);
    expect(transport.carrier(rpc(call))).toBe(carrierOf(rpc(call)));
    expect(attachedIdentity(carrierOf(rpc(call)))).toBe(identity);
    expect(attachedIdentity(carrierOf(rpc(call, another)))).toBeUndefined();
  });

  it('refuses in the words of microservices', () => {
    const refusal = presenting('').refuse(rpc({}), denial) as RpcException;
    expect(refusal).toBeInstanceOf(RpcException);
    expect(refusal.getError()).toEqual({
      status: 'error',
      statusCode: 403,
      code: 'insufficient-permissions',
      message: 'No.',
      missing: ['role org:admin'],
    });
  });

  it.each<[string, Error, object | string]>([
    [
      'an error with a status and data',
      Object.assign(new Error('tea'), { statusCode: 418, data: { pot: 1 } }),
      { status: 'error', statusCode: 418, message: 'tea', code: denial.code, data: { pot: 1 } },
    ],
    ['any error', new RangeError('far'), { status: 'error', statusCode: 403, message: 'far', code: denial.code }],
    [
      'an exception of HTTP that says a word',
      new HttpException('tea', 418),
      { status: 'error', statusCode: 418, message: 'tea' },
    ],
    ['an RpcException', new RpcException('mine'), 'mine'],
  ])('refuses with %s of the application', (_, error, said) => {
    const refusal = presenting('').refuseWith(rpc({}), error, denial) as RpcException;
    expect(refusal.getError()).toEqual(said);
    expect(refusal === error || refusal.cause === error).toBe(true);
  });
});

describe('RpcTransport without @nestjs/microservices at hand, as in a bundle', () => {
  it('refuses all the same, with fewer words', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.doMock('@nestjs/microservices', () => {
        throw new Error('Cannot find module');
      });
      const { asRpcException, toRpcException } = await import('../../../lib/transports/rpc-exception.js');
      const error = new Error('mine');
      expect(toRpcException(denial)).toMatchObject({ status: 403, code: denial.code });
      expect(asRpcException(new HttpException('mine', 418), error)).toBe(error);
    });
    jest.dontMock('@nestjs/microservices');
  });
});

describe('AdaptedTransport', () => {
  const bot = (args: unknown[]) => contextOf('bot', args);
  const adapter: TransportAdapter = {
    call: (context) => context.getArgByIndex<object>(1),
    credentials: (context) => context.getArgByIndex<{ said: never }>(1).said,
  };
  const transport = new AdaptedTransport('bot', adapter);

  it('presents authorization, cookies and origin, and nothing else', () => {
    const said = { authorization: 'Bearer t', cookie: 'a=b', origin: 'o', host: 'evil' };
    const context = bot(['client', { said }]);
    const presented = transport.credentials(context);
    expect(presented).toHaveProperty('headers', { authorization: 'Bearer t', cookie: 'a=b', origin: 'o' });
    expect(presented).toMatchObject({ source: { said }, carrier: transport.carrier(context) });
  });

  it('keeps the identity where getAuth() finds it', () => {
    const context = bot(['client', {}]);
    transport.attach(context, identity, loader);
    expect(attachedIdentity(identityCarrierOf(context))).toBe(identity);
  });

  it.each([[[{}, 'text']], [[{}, null]], [[{}]]])('denies a call that is no object: %j', (args) => {
    expect(() => transport.carrier(bot(args))).toThrow(
      'A call of the execution context type "bot" was denied: transports.bot.call(context) must answer an object that is among context.getArgs().',
    );
  });

  it('denies a call that is none of the arguments', () => {
    const elsewhere = new AdaptedTransport('bot', { ...adapter, call: () => ({}) });
    expect(() => elsewhere.credentials(bot([{}, {}]))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
  });

  it.each<[string, Partial<TransportAdapter>, object, object]>([
    ['with none of its own', {}, { status: 403 }, { status: 418 }],
    ['with its own', { refuse: (_, { code }) => new Error(code) }, { message: denial.code }, { message: 'tea' }],
  ])('refuses by errors of HTTP, or %s', (_, own, refusal, refusalWith) => {
    const speaking = new AdaptedTransport('bot', { ...adapter, ...own });
    const error = Object.assign(new Error('tea'), { statusCode: 418 });
    expect(speaking.refuse(bot([]), denial)).toMatchObject(refusal);
    expect(speaking.refuseWith(bot([]), error, denial)).toMatchObject(refusalWith);
    expect(speaking.refuseWith(bot([]), error, denial) === error).toBe('refuse' in own);
  });
});

describe('what an application says of credentials', () => {
  const fail = () => {
    throw new Error('no session');
  };
  it.each<[option: string, ask: () => unknown]>([
    ['rpc.credentials', () => new RpcTransport({ rpc: { credentials: fail } }).credentials(rpc({}))],
    [
      'transports.bot.credentials',
      () =>
        new AdaptedTransport('bot', {
          call: (context) => context.getArgByIndex<object>(0),
          credentials: fail,
        }).credentials(contextOf('bot', [{}])),
    ],
  ])('is named in the log where it fails: %s', (option, ask) => {
    const logger = new RecordingLogger();
    Logger.overrideLogger(logger);
    expect(ask()).toMatchObject({ status: 500 });
    expect(logger.ofGuard('error')).toEqual([expect.stringMatching(`^error ${option} threw, `)]);
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
});

describe('TransportsRegistry', () => {
  const credentials = () => 't';
  const transports = { bot: { call: () => ({}), credentials }, graphql: { call: () => ({}), credentials } };
  const webSocket = { of: 'gateways' };
  const registry = new TransportsRegistry({} as never, { rpc: undefined, transports, authorizedParties: undefined }, webSocket as never);

  it.each([
    ['http', 'HttpTransport'],
    ['rpc', 'RpcTransport'],
    ['graphql', 'GraphqlTransport'],
    ['bot', 'AdaptedTransport'],
  ])('knows %s', (type, name) => {
    expect(registry.for(contextOf(type, [])).constructor.name).toBe(name);
  });

  it('knows ws', () => {
    expect(registry.for(contextOf('ws', []))).toBe(webSocket);
  });

  it.each(['other', 'constructor'])('denies %j', (type) => {
    expect(() => registry.for(contextOf(type, []))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
  });

  it('knows what is built in without adapters', () => {
    const bare = new TransportsRegistry({} as never, { rpc: undefined, transports: undefined, authorizedParties: undefined }, webSocket as never);
    expect(() => bare.for(contextOf('bot', []))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
    expect(bare.for(contextOf('http', []))).toBeDefined();
  });
});
