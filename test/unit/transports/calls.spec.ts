import 'reflect-metadata';

import { HttpException, Logger, type ExecutionContext, type Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { RpcException, TcpContext } from '@nestjs/microservices';

import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import type { Denial } from '../../../lib/errors/denial.js';
import type { TransportAdapter } from '../../../lib/options/transport-types.js';
import { AdaptedTransport } from '../../../lib/transports/custom/adapted.transport.js';
import { attachedIdentity } from '../../../lib/transports/attachment.js';
import type { CallCredentials } from '../../../lib/transports/call.credentials.js';
import { carrierOf, identityCarrierOf, sourceOf } from '../../../lib/transports/carrier.js';
import { RpcExceptions } from '../../../lib/transports/rpc/rpc-exception.js';
import { RpcTransport } from '../../../lib/transports/rpc/rpc.transport.js';
import { GraphqlConnections } from '../../../lib/transports/graphql/graphql.connections.js';
import { TransportsRegistry } from '../../../lib/transports/transports.registry.js';
import { RecordingLogger } from '../../support/recording-logger.js';

class Handlers {
  one() {}
}
const { one } = Handlers.prototype;

const EXCEPTIONS = new RpcExceptions(RpcException);

function contextOf(type: string, args: unknown[], handler: (() => void) | null = one): ExecutionContext {
  const context = new ExecutionContextHost(args, Handlers as Type, handler as () => void);
  context.setType(type);
  return context;
}
const rpc = (call: unknown, handler?: (() => void) | null) => contextOf('rpc', [{ payload: 1 }, call], handler);
const identity = { headers: new Headers(), toAuth: () => ({}) } as unknown as Identity;
const loader = { load: () => Promise.reject(new Error('nobody asks')) };
const denial: Denial = { status: 403, code: 'insufficient-permissions', message: 'No.', missing: ['role org:admin'] };

function hostileProxy(): object {
  const fail = () => {
    throw new Error('no');
  };
  return new Proxy({}, { get: fail, has: fail, getOwnPropertyDescriptor: fail, defineProperty: fail, set: fail });
}

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

  const transport = new RpcTransport({ rpc: undefined }, new LogThrottle(), EXCEPTIONS);
  /** As Nest runs a handler: parameters get copies of the arguments. */
  const parameterOf = (context: ExecutionContext) => contextOf(context.getType(), [...context.getArgs<unknown[]>()]);
  /** As Nest runs a filter: it is told neither class nor handler, and what the transport called with. */
  const filterOf = (...args: unknown[]) => {
    const host = new ExecutionContextHost(args);
    host.setType('rpc');
    return host;
  };
  const tcp = () => new TcpContext([{} as never, 'pattern', {}]);

  it.each<[string, () => unknown]>([
    ['made for each message', tcp],
    ['made by a class of the application', () => new (class Client {})()],
    ['frozen', () => Object.freeze({})],
    ['sealed', () => Object.seal({})],
    ['without a prototype', () => Object.create(null)],
    ['a Proxy', () => new Proxy({}, {})],
    ['a Proxy that throws', () => hostileProxy()],
    ['a function', () => () => undefined],
    ['a text', () => 'text'],
    ['null', () => null],
    ['none', () => undefined],
  ])('is one for each run of a handler, with a context that is %s', (_, contextMade) => {
    const [context, payload] = [contextMade(), { payload: 1 }];
    const [first, second] = [contextOf('rpc', [payload, context]), contextOf('rpc', [payload, context])];
    const call = transport.carrier(first);
    expect(transport.carrier(first)).toBe(call);
    expect([carrierOf(first), carrierOf(parameterOf(first))]).toEqual([call, call]);
    expect(carrierOf(second)).not.toBe(call);
    expect(transport.carrier(second)).not.toBe(call);
    expect(carrierOf(parameterOf(second))).toBe(transport.carrier(second));
    expect(carrierOf(parameterOf(first))).toBe(call);
  });

  it('is nobody’s before a guard has begun the call', () => {
    const context = rpc({});
    expect(attachedIdentity(carrierOf(context))).toBeUndefined();
    expect(context.getArgs()).toHaveLength(2);
  });

  it.each<[string, unknown[], number]>([
    ['payload and context', [1, {}], 3],
    ['payload alone', [1], 3],
    ['gRPC', [1, {}, {}], 3],
    ['more', [1, {}, {}, 4], 4],
  ])('is one more argument where Nest reads none: %s', (_, args, at) => {
    const before = [...args];
    const call = transport.carrier(contextOf('rpc', args));
    expect(args.indexOf(call)).toBe(at);
    expect(args.slice(0, before.length)).toEqual(before);
    expect(args.slice(before.length, at)).toEqual(Array(at - before.length).fill(undefined));
  });

  it('is not that of the call whose arguments were handed on', () => {
    const args = [1, {}];
    const call = transport.carrier(contextOf('rpc', args));
    const handedOn = contextOf('rpc', [...args]);
    expect(transport.carrier(handedOn)).not.toBe(call);
    expect(carrierOf(parameterOf(handedOn))).toBe(transport.carrier(handedOn));
  });

  describe('is found by a filter', () => {
    it.each<[string, unknown, unknown]>([
      ['with a context of Nest', 'text', tcp()],
      ['with a payload of its own', { payload: 1 }, {}],
    ])('%s', (_, payload, context) => {
      const call = transport.carrier(contextOf('rpc', [payload, context]));
      expect(carrierOf(filterOf(payload, context))).toBe(call);
      expect(carrierOf(filterOf(payload, {}))).not.toBe(call);
      expect(carrierOf(filterOf({ payload: 1 }, context))).not.toBe(call);
    });

    const shared = {};
    it.each<[string, unknown, unknown]>([
      ['payload and context were seen in another call', { payload: 1 }, tcp()],
      ['the context may be everybody’s, and the payload is no object', 'text', {}],
      ['the context is the payload', shared, shared],
      ['nothing can be kept', Object.freeze({}), Object.freeze({})],
    ])('only where it is certain: not where %s', (_, payload, context) => {
      for (const one of [1, 2]) {
        transport.attach(contextOf('rpc', [payload, context]), { ...identity, one } as Identity, loader);
      }
      expect(attachedIdentity(carrierOf(filterOf(payload, context)))).toBeUndefined();
    });

    it('not by a copy of what it was called with', () => {
      const [payload, context] = [{ payload: 1 }, tcp()];
      transport.attach(contextOf('rpc', [payload, context]), identity, loader);
      for (const copy of [Object.create(context), new Proxy(context, {}), { ...context }]) {
        expect(attachedIdentity(carrierOf(filterOf(payload, copy)))).toBeUndefined();
      }
    });

    it('leaves nothing behind that a copy of the payload would carry on', () => {
      const payload = { payload: 1 };
      transport.carrier(contextOf('rpc', [payload, {}]));
      expect(Object.getOwnPropertySymbols({ ...payload })).toEqual([]);
      expect(JSON.stringify(payload)).toBe('{"payload":1}');
    });
  });

  it.each([[undefined], [null], ['text']])('comes with the arguments where a strategy gives %p as context', (call) => {
    const context = rpc(call);
    expect(sourceOf(context)).toBe(context.getArgs());
    expect(transport.carrier(context).source).toBe(context.getArgs());
  });

  it('comes with the context of the transport', () => {
    const [call, context] = [{}, rpc({})];
    expect(sourceOf(rpc(call))).toBe(call);
    expect(sourceOf(context)).toBe(transport.carrier(context).source);
  });

  it('is one more argument of a message on a socket', () => {
    const client = { handshake: {}, request: { headers: { host: 'h' } } };
    const context = contextOf('ws', [client, {}, 'event']);
    expect(sourceOf(context)).toBe(client.request);
    expect(attachedIdentity(carrierOf(context))).toBeUndefined();
    expect(context.getArgs()).toHaveLength(3);
  });

  it('is the request of a resolver', () => {
    const request = { headers: {}, url: '/' };
    const context = contextOf('graphql', [{}, {}, { req: request }, { fieldNodes: [] }]);
    expect([sourceOf(context) === request, carrierOf(context) === request]).toEqual([true, true]);
  });

  it('is nowhere for a kind that nobody knows, which is said', () => {
    expect(() => carrierOf(contextOf('bot', []))).toThrow(
      'A call of the execution context type "bot" was denied: there is no transport adapter for it. ' +
        'http, graphql, rpc and ws are built in; register an adapter for others with the option transports: ' +
        'ClerkModule.forRoot({ transports: { "bot": { call, credentials } } }).',
    );
  });
});

describe('RpcTransport', () => {
  const presenting = (answer: unknown) =>
    new RpcTransport({ rpc: { credentials: () => answer as string } }, new LogThrottle(), EXCEPTIONS);

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
    const context = rpc(call);
    const presented = presenting(answer).credentials(context);
    const { source, carrier, ...rest } = presented as CallCredentials;
    expect(rest.headers).toEqual(headers);
    expect([source === call, carrier === carrierOf(context)]).toEqual([true, true]);
  });

  it('presents nothing where the application names no credentials', () => {
    expect(new RpcTransport({ rpc: undefined }, new LogThrottle(), EXCEPTIONS).credentials(rpc({}))).toHaveProperty(
      'headers',
      {},
    );
  });

  it('keeps the identity with the run of the handler', () => {
    const [context, other] = [{}, {}].map((call) => rpc(call));
    const transport = presenting(undefined);
    transport.attach(context!, identity, loader);
    expect(transport.carrier(context!)).toBe(carrierOf(context!));
    expect(attachedIdentity(carrierOf(context!))).toBe(identity);
    expect(attachedIdentity(carrierOf(other!))).toBeUndefined();
  });

  it('refuses in the words of microservices', () => {
    const refusal = presenting('').deny(rpc({}), denial) as RpcException;
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
    const refusal = presenting('').denyWith(rpc({}), error, denial) as RpcException;
    expect(refusal.getError()).toEqual(said);
    expect(refusal === error || refusal.cause === error).toBe(true);
  });
});

describe('RpcExceptions', () => {
  it('loads the class that the application has', async () => {
    expect((await RpcExceptions.load()).of(denial)).toBeInstanceOf(RpcException);
  });

  it('still denies where @nestjs/microservices cannot be loaded, with fewer words', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.doMock('@nestjs/microservices', () => {
        throw new Error('Cannot find module');
      });
      const { RpcExceptions: Isolated } = await import('../../../lib/transports/rpc/rpc-exception.js');
      const exceptions = await Isolated.load();
      const error = new Error('mine');
      expect(exceptions.of(denial)).toMatchObject({ status: 403, code: denial.code });
      expect(exceptions.replacing(error, new HttpException('mine', 418))).toBe(error);
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
  const transport = new AdaptedTransport('bot', adapter, new LogThrottle());

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

  it.each<[string, object]>([
    ['shared by all calls', {}],
    ['frozen', Object.freeze({})],
    ['a Proxy that throws', hostileProxy()],
  ])('keeps it with the call, though what stands for it is %s', (_, shared) => {
    const silent = new AdaptedTransport('bot', { call: adapter.call, credentials: () => undefined }, new LogThrottle());
    const [first, second] = [bot(['client', shared]), bot(['client', shared])];
    silent.attach(first, identity, loader);
    expect(attachedIdentity(carrierOf(first))).toBe(identity);
    expect(() => carrierOf(second)).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
    expect(attachedIdentity(silent.carrier(second))).toBeUndefined();
    expect((silent.credentials(second) as CallCredentials).carrier).toBe(silent.carrier(second));
    expect(sourceOf(bot([...second.getArgs<unknown[]>()]))).toBe(shared);
  });

  it('asks an adapter while the arguments are what its transport gave, and once', () => {
    const asked: unknown[] = [];
    const last = (context: ExecutionContext) => context.getArgs<unknown[]>().at(-1) as object;
    const lookingBack = new AdaptedTransport(
      'bot',
      {
        call: (context) => (asked.push(last(context)), last(context)),
        credentials: (context) => (asked.push(last(context)), undefined),
      },
      new LogThrottle(),
    );
    const update = {};
    const context = bot(['client', update]);
    lookingBack.credentials(context);
    lookingBack.attach(context, identity, loader);
    expect(asked.every((one) => one === update)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('puts nothing where a handler without parameter decorators would take it for an argument', () => {
    const context = bot(['client', {}]);
    transport.attach(context, identity, loader);
    expect(context.getArgs<unknown[]>().slice(2, 8)).toEqual(Array(6).fill(undefined));
  });

  it('is found by a filter, unless what stands for the call was seen in another one', () => {
    const update = {};
    const filter = () => contextOf('bot', ['client', update], null);
    transport.attach(bot(['client', update]), identity, loader);
    expect(attachedIdentity(carrierOf(filter()))).toBe(identity);
    expect(sourceOf(filter())).toBe(update);
    transport.attach(bot(['client', update]), identity, loader);
    expect(() => carrierOf(filter())).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
  });

  it.each([[[{}, 'text']], [[{}, null]], [[{}]]])('denies a call that is no object: %j', (args) => {
    expect(() => transport.carrier(bot(args))).toThrow(
      'A call of the execution context type "bot" was denied: transports.bot.call(context) must return an object that is among context.getArgs().',
    );
  });

  it('denies a call that is none of the arguments', () => {
    const elsewhere = new AdaptedTransport('bot', { ...adapter, call: () => ({}) }, new LogThrottle());
    expect(() => elsewhere.credentials(bot([{}, {}]))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
  });

  it.each<[string, Partial<TransportAdapter>, object, object]>([
    ['with none of its own', {}, { status: 403 }, { status: 418 }],
    ['with its own', { deny: (_, { code }) => new Error(code) }, { message: denial.code }, { message: 'tea' }],
  ])('refuses by errors of HTTP, or %s', (_, own, refusal, refusalWith) => {
    const speaking = new AdaptedTransport('bot', { ...adapter, ...own }, new LogThrottle());
    const error = Object.assign(new Error('tea'), { statusCode: 418 });
    expect(speaking.deny(bot([]), denial)).toMatchObject(refusal);
    expect(speaking.denyWith(bot([]), error, denial)).toMatchObject(refusalWith);
    expect(speaking.denyWith(bot([]), error, denial) === error).toBe('deny' in own);
  });
});

describe('what an application says of credentials', () => {
  const fail = () => {
    throw new Error('no session');
  };
  it.each<[option: string, ask: () => unknown]>([
    [
      'rpc.credentials',
      () => new RpcTransport({ rpc: { credentials: fail } }, new LogThrottle(), EXCEPTIONS).credentials(rpc({})),
    ],
    [
      'transports.bot.credentials',
      () =>
        new AdaptedTransport(
          'bot',
          { call: (context) => context.getArgByIndex<object>(0), credentials: fail },
          new LogThrottle(),
        ).credentials(contextOf('bot', [{}])),
    ],
  ])('is named in the log where it fails: %s', (option, ask) => {
    const logger = new RecordingLogger();
    Logger.overrideLogger(logger);
    expect(ask()).toMatchObject({ denial: { status: 500 } });
    expect(logger.ofGuard('error')).toEqual([expect.stringMatching(`^error ${option} threw, `)]);
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
});

describe('TransportsRegistry', () => {
  const credentials = () => 't';
  const transports = { bot: { call: () => ({}), credentials }, graphql: { call: () => ({}), credentials } };
  const webSocket = { of: 'gateways' };
  const registry = new TransportsRegistry(
    {} as never,
    { rpc: undefined, transports, authorizedParties: undefined, graphql: undefined },
    webSocket as never,
    new LogThrottle(),
    new GraphqlConnections(),
    EXCEPTIONS,
  );

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
    const bare = new TransportsRegistry(
      {} as never,
      { rpc: undefined, transports: undefined, authorizedParties: undefined, graphql: undefined },
      webSocket as never,
      new LogThrottle(),
      new GraphqlConnections(),
      EXCEPTIONS,
    );
    expect(() => bare.for(contextOf('bot', []))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
    expect(bare.for(contextOf('http', []))).toBeDefined();
  });
});
