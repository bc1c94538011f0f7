/** One call, one caller: whatever of a call its transport, a library or the application shares with other calls. */
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

/** A strategy of an application's own: what it calls handlers with is up to each test. */
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
  /** @returns what the handler answered, or the error that it was refused with. */
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

/** Whom the parts of the application were told is calling. */
const told: Record<'interceptor' | 'filter' | 'event', unknown[]> = { interceptor: [], filter: [], event: [] };

const userOf = (source: object) => {
  try {
    return (getAuth(source) as { userId?: unknown }).userId;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

@Injectable()
class Telling implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    told.interceptor.push(userOf(context));
    return next.handle();
  }
}

@Catch()
class Filtering {
  catch(error: unknown, host: ArgumentsHost): never {
    told.filter.push(userOf(host));
    throw error;
  }
}

@Controller()
@UseInterceptors(Telling)
@UseFilters(Filtering)
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
class Told {
  @EventPattern('told') async told(@Auth() auth: AuthObject) {
    told.event.push([this.constructor.name, auth.tokenType, auth.isAuthenticated]);
  }
}
@Controller()
class ToldOfSessions extends Told {}
@Controller()
@AcceptsToken('api_key')
@Public()
class ToldOfKeys extends Told {}

describe('calls of a transport strategy of the application’s own', () => {
  let clerk: LocalClerk;
  let nest: INestMicroservice;
  const strategy = new Strategy();
  /** What the message of the moment presents; a payload that is shared cannot say it. */
  let presented: string | undefined;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const rpc = { credentials: () => presented };
    @Module({
      imports: [ClerkModule.forRoot({ publishableKey, secretKey, apiUrl, telemetry, rpc })],
      controllers: [Messages, ToldOfSessions, ToldOfKeys],
    })
    class AppModule {}
    nest = await NestFactory.createMicroservice(AppModule, { strategy, logger: new RecordingLogger() });
    await nest.listen();
  });
  beforeEach(() => {
    for (const list of Object.values(told)) list.length = 0;
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
    ['a client, with a payload that is no object', () => ['hello', client]],
    ['a context of Nest’s kind', () => [{ text: 'hello' }, consumer]],
    ['payload and client', () => [payload, client]],
    ['a payload, which is the context too', () => [payload, payload]],
    ['a payload, without a context', () => [payload]],
    ['nothing, not even a payload', () => []],
    ['a frozen client', () => [frozen, frozen]],
    ['a sealed client', () => [{}, Object.seal(client)]],
    ['a client without a prototype', () => [{}, bare]],
    ['a Proxy', () => [proxy, proxy]],
    ['a Proxy that throws', () => ['hello', throwing]],
    ['copies of a client', () => [{ ...payload }, { ...client }]],
    ['what derives from a client', () => [Object.create(payload), Object.create(client)]],
  ])('are each caller’s own where they share %s', async (_, args) => {
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
    expect(told.interceptor).toEqual([...callers.map(({ userId }) => userId), null, callers[1].userId]);
    // Who was refused is nobody, or cannot be told.
    expect([null, 'auth-not-populated']).toContain(told.filter[0]);
  });

  it('are each caller’s own at the same time', async () => {
    const callers = await Promise.all(Array.from({ length: 5 }, signedIn));
    const answers = callers.map(({ token }) => {
      presented = token;
      return strategy.call('who', payload, client);
    });
    expect(await Promise.all(answers)).toEqual(callers.map(({ userId }) => ({ userId })));
  });

  it('tell a filter who is calling, unless what they are called with was seen in another one', async () => {
    const { userId, token } = await signedIn();
    presented = token;
    await strategy.call('fails', { text: 'hello' }, client);
    await strategy.call('fails', 'hello', { ...consumer });
    const same = [{ text: 'hello' }, client];
    await strategy.call('fails', ...same);
    await strategy.call('fails', ...same);
    expect(told.filter).toEqual([userId, userId, userId, 'auth-not-populated']);
  });

  it('are judged by the policy of each class that inherits a handler', async () => {
    presented = (await signedIn()).token;
    await strategy.call('told', payload, client);
    const { secret } = clerk.createApiKey({ subject: clerk.createUser().id });
    presented = secret;
    await strategy.call('told', payload, client);
    while (told.event.length < 3) await new Promise(setImmediate);
    expect([...told.event].sort()).toEqual([
      ['ToldOfKeys', 'api_key', false],
      ['ToldOfKeys', 'api_key', true],
      ['ToldOfSessions', 'session_token', true],
    ]);
  });
});

/** Answers who is calling by each of several requests in one, as a batch endpoint does. */
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
      const allowed = await Promise.resolve(this.guard.canActivate(context)).catch(() => false);
      // A Proxy hands on whatever it is asked, to the request behind it as well.
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

  it.each(Object.keys(COPIES))('are asked about anew, with headers of their own: %s', async (copy) => {
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
