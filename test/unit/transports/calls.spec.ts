import 'reflect-metadata';

import { HttpException, Logger, type ExecutionContext, type Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { RpcException, TcpContext } from '@nestjs/microservices';

import type { Credentials } from '../../../lib/authentication/identity/credentials.js';
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
import { ApplicationTransports } from '../../../lib/transports/application-transports.js';
import { TRANSPORT_KINDS } from '../../../lib/transports/transport-kinds.js';
import { WebSocketTransport } from '../../../lib/transports/websocket/websocket.transport.js';
import { TransportsRegistry } from '../../../lib/transports/transports.registry.js';
import { attachToCall } from '../../support/attach.js';
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
/** Attaches an identity as the guard does, with credentials of the call. */
const attach = (transport: RpcTransport | AdaptedTransport, context: ExecutionContext, found: Identity) =>
  attachToCall(transport, context, found, { carrier: transport.carrier(context) } as Credentials);
const denial: Denial = { status: 403, code: 'insufficient-permissions', message: 'No.', missing: ['role org:admin'] };

function hostileProxy(): object {
  const fail = () => {
    throw new Error('no');
  };
  return new Proxy({}, { get: fail, has: fail, getOwnPropertyDescriptor: fail, defineProperty: fail, set: fail });
}

describe('the carrier of a call', () => {
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
  ])('is unique for each run of a handler if the context is %s', (_, contextMade) => {
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

  it('has no identity before a guard has registered the call', () => {
    const context = rpc({});
    expect(attachedIdentity(carrierOf(context))).toBeUndefined();
    expect(context.getArgs()).toHaveLength(2);
  });

  it.each<[string, unknown[], number]>([
    ['payload and context', [1, {}], 3],
    ['payload alone', [1], 3],
    ['gRPC', [1, {}, {}], 3],
    ['more', [1, {}, {}, 4], 4],
  ])('is an additional argument that Nest does not read: %s', (_, args, at) => {
    const before = [...args];
    const call = transport.carrier(contextOf('rpc', args));
    expect(args.indexOf(call)).toBe(at);
    expect(args.slice(0, before.length)).toEqual(before);
    expect(args.slice(before.length, at)).toEqual(Array(at - before.length).fill(undefined));
  });

  it('is not that of another call whose arguments were copied', () => {
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
    ])('not if %s', (_, payload, context) => {
      for (const one of [1, 2]) {
        attach(transport, contextOf('rpc', [payload, context]), { ...identity, one } as Identity);
      }
      expect(attachedIdentity(carrierOf(filterOf(payload, context)))).toBeUndefined();
    });

    it('not by a copy of the context', () => {
      const [payload, context] = [{ payload: 1 }, tcp()];
      attach(transport, contextOf('rpc', [payload, context]), identity);
      for (const copy of [Object.create(context), new Proxy(context, {}), { ...context }]) {
        expect(attachedIdentity(carrierOf(filterOf(payload, copy)))).toBeUndefined();
      }
    });

    it('without a property that a copy of the payload would inherit', () => {
      const payload = { payload: 1 };
      transport.carrier(contextOf('rpc', [payload, {}]));
      expect(Object.getOwnPropertySymbols({ ...payload })).toEqual([]);
      expect(JSON.stringify(payload)).toBe('{"payload":1}');
    });
  });

  it.each([[undefined], [null], ['text']])(
    'has the arguments as its source if a strategy passes %p as context',
    (call) => {
      const context = rpc(call);
      expect(sourceOf(context)).toBe(context.getArgs());
      expect(transport.carrier(context).source).toBe(context.getArgs());
    },
  );

  it('has the context of the transport as its source', () => {
    const [call, context] = [{}, rpc({})];
    expect(sourceOf(rpc(call))).toBe(call);
    expect(sourceOf(context)).toBe(transport.carrier(context).source);
  });

  it('has the upgrade request as its source for a message of a socket', () => {
    const client = { handshake: {}, request: { headers: { host: 'h' } } };
    const context = contextOf('ws', [client, {}, 'event']);
    expect(sourceOf(context)).toBe(client.request);
    expect(attachedIdentity(carrierOf(context))).toBeUndefined();
    expect(context.getArgs()).toHaveLength(3);
  });

  it('is the HTTP request for a GraphQL resolver', () => {
    const request = { headers: {}, url: '/' };
    const context = contextOf('graphql', [{}, {}, { req: request }, { fieldNodes: [] }]);
    expect([sourceOf(context) === request, carrierOf(context) === request]).toEqual([true, true]);
  });

  it('throws for an unknown transport, and the error says how to register an adapter', () => {
    expect(() => carrierOf(contextOf('bot', []))).toThrow(
      'A call of the execution context type "bot" was denied: there is no transport adapter for it. ' +
        'Register one with the option transports: ' +
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
  ])('returns the credentials for %s', (_, answer, headers) => {
    const call = {};
    const context = rpc(call);
    const presented = presenting(answer).credentials(context);
    const { source, carrier, ...rest } = presented as CallCredentials;
    expect(rest.headers).toEqual(headers);
    expect([source === call, carrier === carrierOf(context)]).toEqual([true, true]);
  });

  it('returns empty credentials if the option rpc is not set', () => {
    expect(new RpcTransport({ rpc: undefined }, new LogThrottle(), EXCEPTIONS).credentials(rpc({}))).toHaveProperty(
      'headers',
      {},
    );
  });

  it('attaches the identity to one run of the handler only', () => {
    const [context, other] = [{}, {}].map((call) => rpc(call));
    const transport = presenting(undefined);
    attach(transport, context!, identity);
    expect(transport.carrier(context!)).toBe(carrierOf(context!));
    expect(attachedIdentity(carrierOf(context!))).toBe(identity);
    expect(attachedIdentity(carrierOf(other!))).toBeUndefined();
  });

  it('denies with an RpcException', () => {
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
  ])('denies with %s of the application', (_, error, said) => {
    const refusal = presenting('').denyWith(rpc({}), error, denial) as RpcException;
    expect(refusal.getError()).toEqual(said);
    expect(refusal === error || refusal.cause === error).toBe(true);
  });
});

describe('RpcExceptions', () => {
  it('loads the RpcException class of the application', async () => {
    expect((await RpcExceptions.load()).of(denial)).toBeInstanceOf(RpcException);
  });

  it('denies with an HTTP exception if @nestjs/microservices cannot be loaded', async () => {
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

  it('returns authorization, cookie and origin, and no other header', () => {
    const said = { authorization: 'Bearer t', cookie: 'a=b', origin: 'o', host: 'evil' };
    const context = bot(['client', { said }]);
    const presented = transport.credentials(context);
    expect(presented).toHaveProperty('headers', { authorization: 'Bearer t', cookie: 'a=b', origin: 'o' });
    expect(presented).toMatchObject({ source: { said }, carrier: transport.carrier(context) });
  });

  it('attaches the identity where getAuth() finds it', () => {
    const context = bot(['client', {}]);
    attach(transport, context, identity);
    expect(attachedIdentity(identityCarrierOf(context))).toBe(identity);
  });

  it.each<[string, object]>([
    ['shared by all calls', {}],
    ['frozen', Object.freeze({})],
    ['a Proxy that throws', hostileProxy()],
  ])('attaches the identity to one call, even if the object that represents it is %s', (_, shared) => {
    const silent = new AdaptedTransport('bot', { call: adapter.call, credentials: () => undefined }, new LogThrottle());
    const [first, second] = [bot(['client', shared]), bot(['client', shared])];
    attach(silent, first, identity);
    expect(attachedIdentity(carrierOf(first))).toBe(identity);
    expect(() => carrierOf(second)).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
    expect(attachedIdentity(silent.carrier(second))).toBeUndefined();
    expect((silent.credentials(second) as CallCredentials).carrier).toBe(silent.carrier(second));
    expect(sourceOf(bot([...second.getArgs<unknown[]>()]))).toBe(shared);
  });

  it('calls the adapter once, with the unchanged arguments', () => {
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
    attach(lookingBack, context, identity);
    expect(asked.every((one) => one === update)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('leaves the first eight arguments unchanged', () => {
    const context = bot(['client', {}]);
    attach(transport, context, identity);
    expect(context.getArgs<unknown[]>().slice(2, 8)).toEqual(Array(6).fill(undefined));
  });

  it('lets a filter find the call, unless its object was used in another call', () => {
    const update = {};
    const filter = () => contextOf('bot', ['client', update], null);
    attach(transport, bot(['client', update]), identity);
    expect(attachedIdentity(carrierOf(filter()))).toBe(identity);
    expect(sourceOf(filter())).toBe(update);
    attach(transport, bot(['client', update]), identity);
    expect(() => carrierOf(filter())).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
  });

  it.each([[[{}, 'text']], [[{}, null]], [[{}]]])('throws if call() does not return an object: %j', (args) => {
    expect(() => transport.carrier(bot(args))).toThrow(
      'A call of the execution context type "bot" was denied: transports.bot.call(context) must return an object that is among context.getArgs().',
    );
  });

  it('throws if call() returns an object that is not an argument', () => {
    const elsewhere = new AdaptedTransport('bot', { ...adapter, call: () => ({}) }, new LogThrottle());
    expect(() => elsewhere.credentials(bot([{}, {}]))).toThrow(expect.objectContaining({ code: 'unknown-transport' }));
  });

  it.each<[string, Partial<TransportAdapter>, object, object]>([
    ['with none of its own', {}, { status: 403 }, { status: 418 }],
    ['with its own', { deny: (_, { code }) => new Error(code) }, { message: denial.code }, { message: 'tea' }],
  ])('denies with HTTP exceptions, %s', (_, own, refusal, refusalWith) => {
    const speaking = new AdaptedTransport('bot', { ...adapter, ...own }, new LogThrottle());
    const error = Object.assign(new Error('tea'), { statusCode: 418 });
    expect(speaking.deny(bot([]), denial)).toMatchObject(refusal);
    expect(speaking.denyWith(bot([]), error, denial)).toMatchObject(refusalWith);
    expect(speaking.denyWith(bot([]), error, denial) === error).toBe('deny' in own);
  });
});

describe('a function of the application that returns credentials', () => {
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
  ])('is named in the log if it throws: %s', (option, ask) => {
    const logger = new RecordingLogger();
    Logger.overrideLogger(logger);
    expect(ask()).toMatchObject({ denial: { status: 500 } });
    expect(logger.ofGuard('error')).toEqual([expect.stringMatching(`^error ${option} threw, `)]);
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
});

describe('TransportsRegistry', () => {
  const credentials = () => 't';
  const webSocket = { of: 'gateways' };
  /** Finds the gateways' transport; anything else is not used here. */
  const resolver = { get: (token: unknown) => (token === WebSocketTransport ? webSocket : {}) as never };
  const registryOf = (transports: Record<string, TransportAdapter>) =>
    new TransportsRegistry(
      new ApplicationTransports(TRANSPORT_KINDS, { transports }),
      { rpc: undefined, authorizedParties: undefined, graphql: undefined },
      new LogThrottle(),
      resolver,
    );
  const registry = registryOf({ bot: { call: () => ({}), credentials } });

  it.each([
    ['http', 'HttpTransport'],
    ['rpc', 'RpcTransport'],
    ['graphql', 'GraphqlTransport'],
    ['bot', 'AdaptedTransport'],
  ])('finds the transport of %s', (type, name) => {
    expect(registry.for(contextOf(type, [])).constructor.name).toBe(name);
  });

  it('finds the transport of ws', () => {
    expect(registry.for(contextOf('ws', []))).toBe(webSocket);
  });

  it.each(['other', 'constructor'])('has no credentials for the type %j, which has no adapter', (type) => {
    const context = contextOf(type, []);
    expect(() => registry.for(context).credentials(context)).toThrow(
      expect.objectContaining({ code: 'unknown-transport' }),
    );
  });

  it('finds the built-in transports if there are no adapters', () => {
    const bare = registryOf({});
    const context = contextOf('bot', []);
    expect(() => bare.for(context).credentials(context)).toThrow(
      expect.objectContaining({ code: 'unknown-transport' }),
    );
    expect(bare.for(contextOf('http', []))).toBeDefined();
  });
});
