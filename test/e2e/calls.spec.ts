/** Tests that each call has its own caller, whatever it shares with other calls. */
import { types } from 'node:util';

import {
  Catch,
  Controller,
  Get,
  Injectable,
  Module,
  Req,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExecutionContext,
  type INestMicroservice,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { EventPattern, MessagePattern, Payload, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';

import { AcceptsToken, Auth, ClerkGuard, ClerkModule, getAuth, Public, type AuthObject } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TestApp } from '../support/test-app.js';

/** A custom transport strategy. Each test chooses the arguments that handlers are called with. */
class Strategy extends Server implements CustomTransportStrategy {
  listen(callback: () => void) {
    callback();
  }
  close() {}
  on(): never {
    throw new Error('there are no events');
  }
  unwrap<T>(): T {
    return this as never;
  }
  /** @returns the result of the handler, or `{ error }` if the call was denied or failed. */
  async call(pattern: string, ...args: unknown[]): Promise<any> {
    const handler = this.getHandlerByPattern(pattern)!;
    const call = handler as unknown as (...args: unknown[]) => Promise<unknown>;
    try {
      const answer: unknown = await call(...args);
      return isObservable(answer) ? await lastValueFrom(answer, { defaultValue: undefined }) : answer;
    } catch (error) {
      return { error };
    }
  }
}

/** The callers that interceptors, filters and event handlers saw. */
const seen: Record<'interceptor' | 'filter' | 'event', unknown[]> = { interceptor: [], filter: [], event: [] };

const userOf = (source: object) => {
  try {
    return (getAuth(source) as { userId?: unknown }).userId;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

@Injectable()
class RecordingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    seen.interceptor.push(userOf(context));
    return next.handle();
  }
}

@Catch()
class RecordingFilter {
  catch(error: unknown, host: ArgumentsHost): never {
    seen.filter.push(userOf(host));
    throw error;
  }
}

@Controller()
@UseInterceptors(RecordingInterceptor)
@UseFilters(RecordingFilter)
class Messages {
  @MessagePattern('who') who(@Payload() _: unknown, @Auth('userId') userId: string) {
    return { userId };
  }
  @Public() @MessagePattern('public') public(@Auth() auth: AuthObject) {
    return { userId: 'userId' in auth ? auth.userId : undefined };
  }
  @MessagePattern('fails') fails(@Payload() _: unknown) {
    throw new Error('mine');
  }
}

/** One handler function in two classes, each with a policy of its own. */
class Events {
  @EventPattern('event') async event(@Auth() auth: AuthObject) {
    seen.event.push([this.constructor.name, auth.tokenType, auth.isAuthenticated]);
  }
}
@Controller()
class SessionEvents extends Events {}
@Controller()
@AcceptsToken('api_key')
@Public()
class KeyEvents extends Events {}

describe('calls over a custom transport strategy', () => {
  let clerk: LocalClerk;
  let nest: INestMicroservice;
  const strategy = new Strategy();
  /** The token of the current message, since a shared payload cannot contain it. */
  let presented: string | undefined;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const rpc = { credentials: () => presented };
    @Module({
      imports: [ClerkModule.forRoot({ publishableKey, secretKey, apiUrl, telemetry, rpc })],
      controllers: [Messages, SessionEvents, KeyEvents],
    })
    class AppModule {}
    nest = await NestFactory.createMicroservice(AppModule, { strategy, logger: new RecordingLogger() });
    await nest.listen();
  });
  beforeEach(() => {
    for (const list of Object.values(seen)) list.length = 0;
  });
  afterAll(async () => {
    await nest?.close();
    await clerk?.stop();
  });

  const signedIn = async () => {
    const user = clerk.createUser();
    return { userId: user.id, token: await clerk.sessionToken({ user }) };
  };
  const hostile = () => {
    const fail = () => {
      throw new Error('no');
    };
    return new Proxy({}, { get: fail, has: fail, set: fail, getOwnPropertyDescriptor: fail, defineProperty: fail });
  };
  const client = { socket: 1 };
  const frozen = Object.freeze({ socket: 1 });
  const [bare, proxy, throwing] = [Object.create(null) as object, new Proxy({}, {}), hostile()];
  const payload = { text: 'hello' };
  const consumer = { getArgs: () => [], getArgByIndex: () => undefined };

  it.each<[string, () => unknown[]]>([
    ['a client', () => [{ text: 'hello' }, client]],
    ['a client, with a string as payload', () => ['hello', client]],
    ['a context like that of Nest’s own transports', () => [{ text: 'hello' }, consumer]],
    ['payload and client', () => [payload, client]],
    ['a payload that is also the context', () => [payload, payload]],
    ['a payload, without a context', () => [payload]],
    ['nothing, without any arguments', () => []],
    ['a frozen client', () => [frozen, frozen]],
    ['a sealed client', () => [{}, Object.seal(client)]],
    ['a client without a prototype', () => [{}, bare]],
    ['a Proxy', () => [proxy, proxy]],
    ['a Proxy that throws', () => ['hello', throwing]],
    ['the properties of payload and client, in copies of them', () => [{ ...payload }, { ...client }]],
    ['the prototypes of payload and client', () => [Object.create(payload), Object.create(client)]],
  ])('each have their own caller if they share %s', async (_, args) => {
    const callers = await Promise.all([signedIn(), signedIn()]);
    for (const { userId, token } of callers) {
      presented = token;
      expect(await strategy.call('who', ...args())).toEqual({ userId });
    }
    presented = undefined;
    expect((await strategy.call('who', ...args())).error.getError()).toMatchObject({ statusCode: 401 });
    expect(await strategy.call('public', ...args())).toEqual({ userId: null });
    presented = callers[1].token;
    expect(await strategy.call('public', ...args())).toEqual({ userId: callers[1].userId });
    expect(seen.interceptor).toEqual([...callers.map(({ userId }) => userId), null, callers[1].userId]);
    // After a denial there is no caller, or it cannot be determined.
    expect([null, 'auth-not-populated']).toContain(seen.filter[0]);
  });

  it('each have their own caller if concurrent calls share payload and client', async () => {
    const callers = await Promise.all(Array.from({ length: 5 }, signedIn));
    const answers = callers.map(({ token }) => {
      presented = token;
      return strategy.call('who', payload, client);
    });
    expect(await Promise.all(answers)).toEqual(callers.map(({ userId }) => ({ userId })));
  });

  it('show their caller to an exception filter, unless their arguments were used by another call', async () => {
    const { userId, token } = await signedIn();
    presented = token;
    await strategy.call('fails', { text: 'hello' }, client);
    await strategy.call('fails', 'hello', { ...consumer });
    const same = [{ text: 'hello' }, client];
    await strategy.call('fails', ...same);
    await strategy.call('fails', ...same);
    expect(seen.filter).toEqual([userId, userId, userId, 'auth-not-populated']);
  });

  it('are checked against the policy of each class that inherits the handler', async () => {
    presented = (await signedIn()).token;
    await strategy.call('event', payload, client);
    const { secret } = clerk.createApiKey({ subject: clerk.createUser().id });
    presented = secret;
    await strategy.call('event', payload, client);
    while (seen.event.length < 3) await new Promise(setImmediate);
    expect([...seen.event].sort()).toEqual([
      ['KeyEvents', 'api_key', false],
      ['KeyEvents', 'api_key', true],
      ['SessionEvents', 'session_token', true],
    ]);
  });
});

/** Copies a request with other headers, as a batch endpoint does for each request inside a request. */
type Copy = (request: object, headers: object) => object;
const COPIES: Readonly<Record<string, Copy>> = {
  assigned: (request, headers) =>
    Object.assign(Object.create(Object.getPrototypeOf(request) as object), request, { headers }) as object,
  spread: (request, headers) => {
    const { url, method } = request as { url: string; method: string };
    return { ...request, url, method, headers };
  },
  derived: (request, headers) => Object.create(request, { headers: { value: headers } }) as object,
  proxied: (request, headers) =>
    new Proxy(request, { get: (target, name) => (name === 'headers' ? headers : Reflect.get(target, name, target)) }),
};

interface BatchRequest {
  readonly params: { readonly copy: string };
  readonly headers: { readonly others: string };
  readonly auth: { readonly userId: string };
}

@Controller()
class Batch {
  constructor(private readonly guard: ClerkGuard) {}

  @Get('batch/:copy')
  async batch(@Req() request: BatchRequest, @Auth('userId') own: string) {
    const users: unknown[] = [];
    for (const token of request.headers.others.split(' ')) {
      const headers = { ...request.headers, authorization: `Bearer ${token}` };
      const copy = COPIES[request.params.copy]!(request, headers);
      const context = new ExecutionContextHost([copy, {}, () => undefined], Batch, Batch.prototype.batch);
      const canActivate = async () => this.guard.canActivate(context);
      const allowed = await canActivate().catch(() => false);
      // A Proxy reads `auth` from the request behind it.
      const shown = types.isProxy(copy) ? userOf(copy) : (copy as BatchRequest).auth.userId;
      users.push(allowed ? [userOf(copy), userOf(context), shown] : 'denied');
    }
    return { users, own, still: [userOf(request), request.auth.userId] };
  }
}

describe.each(PLATFORMS)('copies of a request on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform).clerk(clerk.options).controllers(Batch).start();
  });
  afterAll(async () => {
    await app?.close();
    await clerk?.stop();
  });

  it.each(Object.keys(COPIES))('are authenticated by their own headers if they are %s', async (copy) => {
    const [first, second] = [clerk.createUser(), clerk.createUser()];
    const [own, other] = await Promise.all([clerk.sessionToken({ user: first }), clerk.sessionToken({ user: second })]);
    const { body } = await app.send(`/batch/${copy}`, {
      authorization: `Bearer ${own}`,
      others: `${other} garbage ${own}`,
    });
    expect(body).toEqual({
      users: [Array(3).fill(second.id), 'denied', Array(3).fill(first.id)],
      own: first.id,
      still: [first.id, first.id],
    });
    expect('auth' in {}).toBe(false);
  });
});
