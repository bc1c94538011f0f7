import { Controller, UseFilters } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage } from '@nestjs/websockets';

import { ClerkApiExceptionFilter, ClerkClientService, Public } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { GRAPHQL_DRIVERS, query } from '../support/graphql.js';
import { Caller, type Wire } from '../support/microservices.js';
import { PLATFORMS } from '../support/platforms.js';
import { freePort } from '../support/redis.js';
import { GuardedGateway, SOCKET_PLATFORMS } from '../support/sockets.js';
import { TestApp } from '../support/test-app.js';

@Resolver()
class Users {
  constructor(private readonly clerk: ClerkClientService) {}
  @Public() @Query(() => String) async user() {
    return (await this.clerk.users.getUser('user_unknown')).id;
  }
}

@Controller()
class Messages {
  constructor(private readonly clerk: ClerkClientService) {}
  @Public() @MessagePattern('user') user() {
    return this.clerk.users.getUser('user_unknown');
  }
}

@UseFilters(ClerkApiExceptionFilter)
@GuardedGateway()
class Gateway {
  constructor(private readonly clerk: ClerkClientService) {}
  @Public() @SubscribeMessage('user') user() {
    return this.clerk.users.getUser('user_unknown');
  }
}

describe('Clerk errors thrown in handlers', () => {
  let clerk: LocalClerk;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => void (clerk = await LocalClerk.start()));
  afterEach(async () => {
    clerk.recover();
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => clerk?.stop());

  it.each(GRAPHQL_DRIVERS)('are returned as GraphQL errors with extensions by %s', async (_, platform, graphql) => {
    const app = await TestApp.on(platform).imports(graphql()).providers(Users).clerk(clerk.options).start();
    closing.push(() => app.close());
    expect((await query(app, '{ user }')).errors?.[0]).toMatchObject({
      message: 'The resource does not exist.',
      extensions: { code: 'NOT_FOUND', clerkCode: 'clerk-resource-not-found' },
    });
    clerk.outage({ status: 429, retryAfter: 7 });
    expect((await query(app, '{ user }')).errors?.[0]?.extensions).toMatchObject({
      ...{ code: 'SERVICE_UNAVAILABLE', clerkCode: 'clerk-unavailable', retryAfter: 7 },
    });
  });

  it.each(SOCKET_PLATFORMS)('are sent as an exception on %s if the gateway uses the filter', async (_name, sockets) => {
    const app = await TestApp.on(PLATFORMS[0]![1])
      .clerk(clerk.options)
      .providers(Gateway)
      .before((nest) => nest.useWebSocketAdapter(sockets.adapter(nest)))
      .start();
    closing.push(() => app.close());
    const socket = await sockets.open(app.port);
    closing.push(() => socket.close());
    const expected = { status: 'error', statusCode: 404, code: 'clerk-resource-not-found' };
    expect(await socket.ask('user')).toMatchObject({ event: 'exception', data: expected });
  });

  it('are sent in response to a message in a hybrid application', async () => {
    const wire = {
      options: { transport: 0, options: { host: '127.0.0.1', port: await freePort() } },
      stop: async () => undefined,
    } as Wire;
    const app = await TestApp.on(PLATFORMS[0]![1])
      .clerk({ ...clerk.options, rpc: { credentials: () => undefined } })
      .controllers(Messages)
      .before(async (nest) => {
        nest.connectMicroservice(wire.options, { inheritAppConfig: true });
        await nest.startAllMicroservices();
      })
      .start();
    const caller = new Caller(wire);
    closing.push(
      () => app.close(),
      () => caller.close(),
    );
    expect((await caller.send('user')).error).toMatchObject({
      ...{
        status: 'error',
        statusCode: 404,
        code: 'clerk-resource-not-found',
        message: 'The resource does not exist.',
      },
    });
  });
});
