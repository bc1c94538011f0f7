/** Handlers of @golevelup/nestjs-rabbitmq, over a real broker. The package needs Nest 11. */
import { Catch, Injectable, type ArgumentsHost, type ExceptionFilter, type Type } from '@nestjs/common';

import {
  AcceptsToken,
  Auth,
  ClerkProtectionMap,
  ClerkTransportError,
  CurrentUser,
  RequirePermission,
  SkipAuth,
  type ClerkModuleOptions,
  type Denial,
  type TransportAdapter,
  type User,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import {
  AmqpConnection,
  MessageHandlerErrorBehavior,
  Nack,
  RABBIT_HANDLER,
  RabbitMQModule,
  RabbitPayload,
  RabbitRPC,
  RabbitSubscribe,
} from '../nest-11/node_modules/@golevelup/nestjs-rabbitmq/lib/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { startRabbitMq, withoutRabbitMq } from '../support/rabbitmq.js';
import { TestApp } from '../support/test-app.js';

interface Message {
  readonly properties: { readonly headers?: { readonly authorization?: string }; readonly replyTo?: string };
}

class MessageDenied extends Error {
  constructor(readonly denial: Denial) {
    super(denial.message);
  }
}

/** As docs/custom-transports.md shows it. */
const rmq: TransportAdapter = {
  handlers: [RABBIT_HANDLER],
  call: (context) => context.getArgByIndex<Message>(1),
  credentials: (context) => context.getArgByIndex<Message>(1).properties.headers?.authorization,
  deny: (_, denial) => new MessageDenied(denial),
};

/** Rejects a denied message, and answers a denied request. */
@Catch(MessageDenied, ClerkTransportError)
class RejectDenied implements ExceptionFilter {
  catch(error: MessageDenied | ClerkTransportError, host: ArgumentsHost) {
    const { replyTo } = host.getArgByIndex<Message>(1).properties;
    if (!replyTo) return new Nack(false);
    return { error: 'denial' in error ? error.denial.code : error.code };
  }
}

/** Messages that are rejected without being requeued go to the queue `dead`. */
const DEAD_LETTERS = { deadLetterExchange: '', deadLetterRoutingKey: 'dead', autoDelete: true };
const on = (routingKey: string) => ({ exchange: 'orders', routingKey, queue: routingKey, queueOptions: DEAD_LETTERS });

const runs: unknown[] = [];

@Injectable()
class Orders {
  @RabbitSubscribe(on('placed'))
  placed(@RabbitPayload() order: unknown, @Auth('userId') userId: string, @CurrentUser() { id }: User) {
    runs.push(['placed', order, userId, id]);
  }
  @RabbitSubscribe(on('shipped'))
  @AcceptsToken('m2m_token')
  shipped(@RabbitPayload() order: unknown, @Auth('subject' as never) subject: string) {
    runs.push(['shipped', order, subject]);
  }
  @RabbitRPC(on('price'))
  @RequirePermission('org:orders:price')
  price(@RabbitPayload() { item }: { item: string }) {
    return { item, price: 3 };
  }
}

@Injectable()
class Plain {
  @RabbitSubscribe(on('plain')) plain(order: unknown) {
    runs.push(['plain', order]);
  }
}

@Injectable()
class Probes {
  @RabbitSubscribe(on('probe')) @SkipAuth() probe(order: unknown) {
    runs.push(['probe', order]);
  }
}

@Injectable()
class Restricted {
  @RabbitSubscribe(on('restricted')) @RequirePermission('org:orders:price') restricted(order: unknown) {
    runs.push(['restricted', order]);
  }
}

/** Every connection, since golevelup closes none of an application whose boot fails. */
const connections = new Set<AmqpConnection>();

@Injectable()
class Connections {
  constructor(connection: AmqpConnection) {
    connections.add(connection);
  }
}

const suite = withoutRabbitMq ? describe.skip : describe;

suite(`handlers of @golevelup/nestjs-rabbitmq${withoutRabbitMq ? `: ${withoutRabbitMq}` : ''}`, () => {
  let clerk: LocalClerk;
  let broker: Awaited<ReturnType<typeof startRabbitMq>>;
  let app: TestApp | undefined;
  beforeAll(async () => {
    [clerk, broker] = await Promise.all([LocalClerk.start(), startRabbitMq()]);
  }, 120_000);
  beforeEach(() => void runs.splice(0));
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await Promise.all([...connections].map(({ managedConnection }) => managedConnection.close()));
    connections.clear();
  });
  afterAll(() => Promise.all([clerk?.stop(), broker?.stop()]), 30_000);

  /** @param onError What golevelup does with a message whose handler throws. By default it requeues it. */
  async function start(
    type: Type,
    transports: ClerkModuleOptions['transports'],
    { filter = true, onError = MessageHandlerErrorBehavior.NACK } = {},
  ) {
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const rabbit = RabbitMQModule.forRoot({
      uri: broker.uri,
      exchanges: [{ name: 'orders', type: 'topic' }],
      queues: [{ name: 'dead', createQueueIfNotExists: true }],
      connectionInitOptions: { wait: true },
      defaultSubscribeErrorBehavior: onError,
    });
    app = await TestApp.on(PLATFORMS[0][1])
      .imports(rabbit as never)
      .clerk({ publishableKey, secretKey, apiUrl, telemetry, ...(transports && { transports }) })
      .providers(type, Connections)
      .before((nest) => filter && nest.useGlobalFilters(new RejectDenied()))
      .start();
    await connection().channel.purgeQueue('dead');
    return app;
  }
  const connection = () => app!.get(AmqpConnection);
  const send = (to: string, token?: string) =>
    connection().publish(
      'orders',
      to,
      { item: 'tea' },
      token === undefined ? {} : { headers: { authorization: token } },
    );

  async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if (await isDone()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('Nothing has happened in time');
  }

  /** How often a message was delivered before the broker gave it up: the count of its dead-lettering. */
  async function deliveriesOfDead(): Promise<unknown> {
    let found: unknown;
    await until(async () => {
      const dead = await connection().channel.get('dead', { noAck: true });
      if (dead) found = dead.properties.headers?.['x-death']?.[0];
      return Boolean(dead);
    });
    // None is delivered again.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await connection().channel.get('dead', { noAck: true })).toBe(false);
    return found;
  }

  it('run for a message with a valid token, with the caller in @Auth() and @CurrentUser()', async () => {
    await start(Orders, { rmq });
    const user = clerk.createUser();
    await send('placed', `Bearer ${await clerk.sessionToken({ user })}`);
    await until(() => runs.length > 0);
    expect(runs).toEqual([['placed', { item: 'tea' }, user.id, user.id]]);
  });

  it('run for a machine token where the handler accepts it', async () => {
    await start(Orders, { rmq });
    const { token, subject } = await clerk.createM2MToken({ machine: clerk.createMachine() });
    await send('shipped', token);
    await until(() => runs.length > 0);
    expect(runs).toEqual([['shipped', { item: 'tea' }, subject]]);
  });

  it('do not run for a message without a token, which is dead-lettered after one delivery', async () => {
    await start(Orders, { rmq }, { onError: MessageHandlerErrorBehavior.REQUEUE });
    await send('placed');
    expect(await deliveriesOfDead()).toMatchObject({ count: 1, queue: 'placed', reason: 'rejected' });
    expect(runs).toEqual([]);
  });

  it('answer a denied request with an error body, and a permitted one with the result', async () => {
    await start(Orders, { rmq });
    const organization = clerk.createOrganization();
    const ask = async (permissions: string[]) => {
      const token = await clerk.sessionToken({ organization, permissions });
      const headers = { authorization: `Bearer ${token}` };
      return connection().request({ exchange: 'orders', routingKey: 'price', payload: { item: 'tea' }, headers });
    };
    expect(await ask([])).toEqual({ error: 'insufficient-permissions' });
    expect(await ask(['org:orders:price'])).toEqual({ item: 'tea', price: 3 });
  });

  it('are listed in the protection map', async () => {
    const { nest } = await start(Orders, { rmq });
    const rows = nest.get(ClerkProtectionMap).routes();
    expect(rows.map(({ transport, method, path, protection }) => [transport, method, path, protection])).toEqual([
      ['rmq', 'handler', 'Orders.placed', 'strict'],
      ['rmq', 'handler', 'Orders.price', 'strict'],
      ['rmq', 'handler', 'Orders.shipped', 'strict'],
    ]);
  });

  it('fail the boot if they are restricted and no adapter names their metadata', async () => {
    await expect(start(Restricted, undefined)).rejects.toThrow(/Restricted\.restricted: .* transports: \{ type: /);
  });

  it('run with @SkipAuth() if there is no adapter', async () => {
    await start(Probes, undefined);
    await send('probe');
    await until(() => runs.length > 0);
    expect(runs).toEqual([['probe', { item: 'tea' }]]);
  });

  it('run without a token if transports skips their type', async () => {
    await start(Plain, { rmq: 'skip' });
    await send('plain');
    await until(() => runs.length > 0);
    expect(runs).toEqual([['plain', { item: 'tea' }]]);
  });

  it.each([
    ['with a filter that rejects denied messages', { filter: true, onError: MessageHandlerErrorBehavior.REQUEUE }],
    ['with the error behaviour NACK', { filter: false, onError: MessageHandlerErrorBehavior.NACK }],
  ])('do not run without decorators and an adapter: the message is dead-lettered once, %s', async (_, settings) => {
    await start(Plain, undefined, settings);
    await send('plain', `Bearer ${await clerk.sessionToken()}`);
    expect(await deliveriesOfDead()).toMatchObject({ count: 1, queue: 'plain', reason: 'rejected' });
    expect(runs).toEqual([]);
  });
});
