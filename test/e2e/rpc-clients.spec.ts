/** The clients of docs/microservices.md: how each sends a token, and how it receives a denial. */
import { Controller, type ExecutionContext, type INestMicroservice } from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  KafkaContext,
  MessagePattern,
  MqttContext,
  MqttRecordBuilder,
  NatsContext,
  NatsRecordBuilder,
  Payload,
  RmqContext,
  RmqRecordBuilder,
  Server,
  type ClientProxy,
  type CustomTransportStrategy,
  type ReadPacket,
  type Serializer,
} from '@nestjs/microservices';
import { firstValueFrom, isObservable, lastValueFrom } from 'rxjs';

import { Auth, ClerkModule, SkipAuth } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { describeOverWires, startMicroservice, type Wire } from '../support/microservices.js';

const handled: string[] = [];

@Controller()
class Invoices {
  @MessagePattern('invoices.list') list(@Auth('userId') userId: string) {
    return { userId };
  }
  @EventPattern('invoice.paid') paid(@Payload() { id }: { id: string }) {
    handled.push(`paid ${id}`);
  }
  @SkipAuth() @EventPattern('invoice.paid') count(@Payload() { id }: { id: string }) {
    handled.push(`counted ${id}`);
  }
}

const DENIED = { status: 'error', statusCode: 401, code: 'authentication-required', message: expect.any(String) };

/** Puts the token of a message beside its payload, where TCP and Redis have no headers. */
class TokenSerializer implements Serializer<ReadPacket<{ token?: string; payload: unknown }>, ReadPacket> {
  serialize({ data, ...packet }: ReadPacket<{ token?: string; payload: unknown }>): ReadPacket {
    const { token, payload } = data;
    return { ...packet, data: payload, metadata: token && { authorization: `Bearer ${token}` } } as ReadPacket;
  }
}

describeOverWires('a client', (startWire) => {
  let clerk: LocalClerk;
  let wire: Wire;
  let service: INestMicroservice | undefined;
  let client: ClientProxy | undefined;
  beforeAll(async () => void ([clerk, wire] = await Promise.all([LocalClerk.start(), startWire()])));
  afterEach(async () => {
    await client?.close();
    await service?.close();
  });
  afterAll(() => Promise.all([clerk?.stop(), wire?.stop()]));

  async function start(credentials: (context: ExecutionContext) => string | undefined, serializer?: Serializer) {
    const { authorizedParties: _, ...options } = clerk.options as typeof clerk.options & { authorizedParties?: never };
    const imports = [ClerkModule.forRoot({ ...options, rpc: { credentials } })];
    service = (await startMicroservice({ imports, controllers: [Invoices] }, wire)).nest;
    const { transport, options: address } = wire.options as { transport: number; options: object };
    return (client = ClientProxyFactory.create({
      transport,
      options: { ...address, serializer },
    } as never) as unknown as ClientProxy);
  }

  it('is signed in by a token that its serializer puts into the metadata, and denied without it', async () => {
    const metadata = (context: ExecutionContext) =>
      context.switchToRpc().getContext<{ getMetadata(): { authorization?: string } | undefined }>().getMetadata()
        ?.authorization;
    const client = await start(metadata, new TokenSerializer());
    const token = await clerk.sessionToken();
    const answer = client.send('invoices.list', { token, payload: { page: 1 } });
    expect(await firstValueFrom(answer)).toEqual({ userId: expect.stringMatching(/^user_/) });
    await expect(firstValueFrom(client.send('invoices.list', { payload: {} }))).rejects.toEqual(DENIED);
  });

  it('is signed in by a token in the payload that rpc.credentials reads, and denied without it', async () => {
    const field = (context: ExecutionContext) => context.switchToRpc().getData<{ token?: string } | undefined>()?.token;
    const client = await start(field);
    const token = await clerk.sessionToken();
    const answer = client.send('invoices.list', { token, page: 1 });
    expect(await firstValueFrom(answer)).toEqual({ userId: expect.stringMatching(/^user_/) });
    await expect(firstValueFrom(client.send('invoices.list', { page: 1 }))).rejects.toEqual(DENIED);
  });
});

/** Passes to Nest what its server for a broker would: a payload, and the broker's context. */
class Broker extends Server implements CustomTransportStrategy {
  listen(callback: () => void) {
    callback();
  }
  close() {}
  on() {}
  unwrap(): never {
    throw new Error('There is no broker.');
  }
  async request(pattern: string, data: unknown, context: object): Promise<any> {
    const answer = await this.getHandlerByPattern(pattern)!(data, context);
    return lastValueFrom(this.transformToObservable(answer));
  }
  /** As Nest's servers do. Over Kafka, the message is redelivered if this rejects. */
  async event(pattern: string, data: unknown, context: object): Promise<void> {
    if (!(context instanceof KafkaContext)) return this.handleEvent(pattern, { pattern, data }, context as never);
    const result: unknown = await this.getHandlerByPattern(pattern)!(data, context);
    if (isObservable(result)) await lastValueFrom(result);
  }
}

const authorized = (token?: string): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {});
const natsHeaders = (value?: string) => new Map(value ? [['authorization', value]] : []);

/** For each broker: what a client sends, and the context that Nest creates from it. */
const BROKERS: Readonly<
  Record<string, { context: (token?: string) => object; credentials: (context: any) => string | undefined }>
> = {
  NATS: {
    context: (token) => {
      const record = new NatsRecordBuilder({}).setHeaders(natsHeaders(token && `Bearer ${token}`)).build();
      return new NatsContext(['invoices.list', record.headers]);
    },
    credentials: (context: NatsContext) => context.getHeaders()?.get('authorization'),
  },
  RabbitMQ: {
    context: (token) => {
      const headers = authorized(token);
      const record = new RmqRecordBuilder({}).setOptions({ headers }).build();
      return new RmqContext([{ properties: record.options! }, {}, 'invoices.list']);
    },
    credentials: (context: RmqContext) => context.getMessage().properties.headers?.authorization,
  },
  MQTT: {
    context: (token) => {
      const userProperties = authorized(token);
      const record = new MqttRecordBuilder({}).setProperties({ userProperties }).build();
      return new MqttContext(['invoices.list', { properties: record.options!.properties! }]);
    },
    credentials: (context: MqttContext) => context.getPacket().properties?.userProperties?.authorization,
  },
  Kafka: {
    context: (token) => kafka({ value: {}, headers: authorized(token) }, WITH_REPLY),
    credentials: (context: KafkaContext) => context.getMessage().headers?.authorization?.toString(),
  },
};
const WITH_REPLY = { kafka_correlationId: '1', kafka_replyTopic: 'invoices.list.reply' };
function kafka(message: { value: unknown; headers: object }, more: object = {}): KafkaContext {
  const headers = Object.fromEntries(
    Object.entries({ ...message.headers, ...more }).map(([name, value]) => [name, Buffer.from(String(value))]),
  );
  return new KafkaContext([
    { ...message, headers } as never,
    0,
    'invoices.list',
    {} as never,
    async () => {},
    {} as never,
  ]);
}

describe.each(Object.entries(BROKERS))('a client over %s', (name, { context, credentials }) => {
  let clerk: LocalClerk;
  let broker: Broker;
  let service: Awaited<ReturnType<typeof startMicroservice>>;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
    broker = new Broker();
    const read = (context: ExecutionContext) => credentials(context.switchToRpc().getContext());
    const imports = [ClerkModule.forRoot({ ...clerk.options, rpc: { credentials: read } })];
    const wire = { options: { strategy: broker }, stop: async () => undefined } as Wire;
    service = await startMicroservice({ imports, controllers: [Invoices] }, wire);
  });
  beforeEach(() => void (handled.length = service.logger.lines.length = 0));
  afterAll(async () => {
    await service?.nest.close();
    await clerk?.stop();
  });

  it('is signed in by a token where docs/microservices.md puts it', async () => {
    const answer = await broker.request('invoices.list', {}, context(await clerk.sessionToken()));
    expect(answer).toEqual({ userId: expect.stringMatching(/^user_/) });
  });

  it('receives a denial that survives JSON', async () => {
    const denied = broker.request('invoices.list', {}, context()).catch((error) => JSON.parse(JSON.stringify(error)));
    expect(await denied).toEqual(DENIED);
  });

  it('sends a denied event, which is neither redelivered nor logged as an error', async () => {
    await expect(broker.event('invoice.paid', { id: 'a' }, context())).resolves.toBeUndefined();
    expect(handled).toEqual(['counted a']);
    expect(service.logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  if (name === 'Kafka') {
    it('sends a denied message without a reply topic, which is not redelivered', async () => {
      await expect(broker.event('invoices.list', {}, kafka({ value: {}, headers: {} }))).resolves.toBeUndefined();
    });
  } else {
    it('receives the denial of an event handler that it waits for', async () => {
      await expect(broker.request('invoice.paid', { id: 'a' }, context())).rejects.toEqual(DENIED);
    });
  }
});
