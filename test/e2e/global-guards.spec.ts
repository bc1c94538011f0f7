/** Tests global guards that use the caller, such as that of @nestjs/throttler, over HTTP, GraphQL and gateways. */
import {
  Controller,
  Get,
  Inject,
  Injectable,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Query, Resolver } from '@nestjs/graphql';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { SubscribeMessage } from '@nestjs/websockets';

import { ClerkGuard, ClerkModule, ClerkSockets, getAuth, Public, tryGetAuth } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { GRAPHQL_DRIVERS, query } from '../support/graphql.js';
import { PLATFORMS } from '../support/platforms.js';
import { GuardedGateway, SOCKET_PLATFORMS } from '../support/sockets.js';
import { TestApp } from '../support/test-app.js';

const STAFF = 'staff-only';
const Staff = () => SetMetadata(STAFF, true);
/** Admits a call if it fails, so it denies one only if it knows the caller. */
@Injectable()
class LenientStaffGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    if (!Reflect.getMetadata(STAFF, context.getHandler())) return true;
    try {
      return getAuth(context).userId === 'user_staff';
    } catch {
      return true;
    }
  }
}
const STAFF_GUARD = { provide: APP_GUARD, useClass: LenientStaffGuard };

let clerk: LocalClerk;
let app: TestApp | undefined;
let staffToken: string;
let otherToken: string;

beforeAll(async () => {
  clerk = await LocalClerk.start();
  const [staff, other] = [clerk.createUser({ id: 'user_staff' }), clerk.createUser({ id: 'user_other' })];
  staffToken = await clerk.sessionToken({ user: staff });
  otherToken = await clerk.sessionToken({ user: other });
});
afterEach(async () => {
  await app?.close();
  app = undefined;
});
afterAll(() => clerk.stop());

describe.each(PLATFORMS)('the guard of @nestjs/throttler on %s', (_, platform) => {
  @Controller()
  class Routes {
    @Get() list() {
      return 'listed';
    }
    @Get('public') @Public() open() {
      return 'public';
    }
  }
  /** Counts signed-in callers by user, and others by address. */
  const limit = ThrottlerModule.forRoot({
    throttlers: [{ ttl: 60_000, limit: 2 }],
    getTracker: (request: Record<string, unknown>) => tryGetAuth(request)?.userId ?? (request.ip as string),
  });
  @Injectable()
  class UserThrottlerGuard extends ThrottlerGuard {
    protected override async getTracker(request: Record<string, unknown>): Promise<string> {
      return getAuth(request).userId ?? (request.ip as string);
    }
  }
  const statusesOf = async (path: string, tokens: (string | undefined)[]) => {
    const statuses: number[] = [];
    for (const token of tokens) {
      statuses.push((await (token ? app!.withToken(path, token) : app!.send(path))).status);
    }
    return statuses;
  };
  const tokens = () => [staffToken, staffToken, staffToken, otherToken, otherToken, otherToken];

  it.each([
    ['with the option getTracker', ThrottlerGuard],
    ['with getTracker() overridden', UserThrottlerGuard],
  ])('%s limits each user separately, and signed-out callers by address', async (_name, useClass) => {
    app = await TestApp.on(platform)
      .imports(limit, ClerkModule.forRoot(clerk.options))
      .providers({ provide: APP_GUARD, useClass })
      .controllers(Routes)
      .start();
    expect(await statusesOf('/', tokens())).toEqual([200, 200, 429, 200, 200, 429]);
    expect(await statusesOf('/public', [undefined, undefined, undefined])).toEqual([200, 200, 429]);
  });

  it('limits by address before authentication if the application registers the guards in that order', async () => {
    app = await TestApp.on(platform)
      .imports(limit, ClerkModule.forRoot({ ...clerk.options, guard: false }))
      .providers({ provide: APP_GUARD, useClass: ThrottlerGuard }, { provide: APP_GUARD, useClass: ClerkGuard })
      .controllers(Routes)
      .start();
    expect(await statusesOf('/', [undefined, undefined, undefined, staffToken])).toEqual([401, 401, 429, 429]);
  });
});

describe.each(GRAPHQL_DRIVERS)('an APP_GUARD of AppModule over GraphQL with %s', (_, platform, graphql) => {
  @Resolver()
  class Invoices {
    @Query(() => String) @Staff() secret() {
      return 'secret';
    }
  }

  it('knows the caller, and denies another one', async () => {
    app = await TestApp.on(platform)
      .imports(graphql(), ClerkModule.forRoot(clerk.options))
      .providers(Invoices, STAFF_GUARD)
      .start();
    const ask = (token: string) => query(app!, '{ secret }', { authorization: `Bearer ${token}` });
    expect((await ask(staffToken)).data).toEqual({ secret: 'secret' });
    expect((await ask(otherToken)).errors).toMatchObject([{ message: 'Forbidden resource' }]);
  });
});

describe.each(SOCKET_PLATFORMS)('an APP_GUARD of AppModule before gateways, over %s', (_, sockets) => {
  @GuardedGateway()
  class Gateway {
    constructor(@Inject(ClerkSockets) private readonly clerkSockets: ClerkSockets) {}
    handleConnection(client: object, request?: never) {
      return this.clerkSockets.connect(client, request, { required: false });
    }
    @SubscribeMessage('staff') @Staff() staff() {
      return { event: 'answer', data: 'staff' };
    }
  }

  it('knows the caller, and denies another one', async () => {
    app = await TestApp.on(PLATFORMS[0][1])
      .clerk(clerk.options)
      .providers(Gateway, STAFF_GUARD)
      .before((nest) => nest.useWebSocketAdapter(sockets.adapter(nest)))
      .start();
    const ask = async (token: string) => {
      const socket = await sockets.open(app!.port, { headers: { authorization: `Bearer ${token}` } });
      const reply = await socket.ask('staff');
      socket.close();
      return reply;
    };
    expect(await ask(staffToken)).toMatchObject({ event: 'answer', data: 'staff' });
    expect(await ask(otherToken)).toMatchObject({ event: 'exception' });
  });
});
