/** Tests gRPC: who may call a method of each kind of stream, and what a denied client receives. */
import { Catch, Controller, type ArgumentsHost, type ExecutionContext, type Type } from '@nestjs/common';
import {
  BaseRpcExceptionFilter,
  GrpcMethod,
  GrpcStreamCall,
  GrpcStreamMethod,
  RpcException,
} from '@nestjs/microservices';
import { Metadata, status, type ServerDuplexStream, type ServerReadableStream } from '@grpc/grpc-js';
import { from, map, of, throwError, type Observable } from 'rxjs';

import {
  AcceptsToken,
  Auth,
  ClerkClientService,
  ClerkModule,
  CurrentUser,
  getAuth,
  Public,
  RequirePermission,
  RequireReverification,
  RequireScope,
  RequireThat,
  type ClerkModuleOptions,
  type User,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { GrpcService } from '../support/grpc.js';
import { freePort } from '../support/redis.js';

interface Caller {
  readonly userId: string | null;
}
type AnswerOnce = (error: null, answer: Caller) => void;
/** The handlers that ran. */
const ran: string[] = [];

@Controller()
class Callers {
  @GrpcMethod('Callers', 'Unary') unary(@Auth('userId') userId: string): Caller {
    ran.push('Unary');
    return { userId };
  }
  @Public() @GrpcMethod('Callers', 'Public') public(@Auth('userId') userId: string | null): Caller {
    return { userId };
  }
  @RequirePermission('org:invoices:read') @GrpcMethod('Callers', 'Permission') permission(): Caller {
    return { userId: '' };
  }
  @AcceptsToken('m2m_token') @RequireScope('mch_1') @GrpcMethod('Callers', 'Machine') machine(): Caller {
    return { userId: '' };
  }
  @RequireReverification('strict') @GrpcMethod('Callers', 'Reverification') reverification(): Caller {
    return { userId: '' };
  }
  @RequireThat(() => {
    throw new Error('the database is down');
  })
  @GrpcMethod('Callers', 'Predicate')
  predicate(): Caller {
    return { userId: '' };
  }
  @GrpcMethod('Callers', 'User') user(@CurrentUser() user: User): Caller {
    return { userId: user.id };
  }
  @GrpcMethod('Callers', 'ServerStream') serverStream(@Auth('userId') userId: string): Observable<Caller> {
    ran.push('ServerStream');
    return of({ userId });
  }
  @GrpcStreamMethod('Callers', 'ClientStream') clientStream(_: unknown, @Auth('userId') userId: string): Caller {
    ran.push('ClientStream');
    return { userId };
  }
  @GrpcStreamMethod('Callers', 'Bidi') bidi(questions: Observable<unknown>, metadata: Metadata, call: object) {
    ran.push('Bidi');
    return questions.pipe(map(() => ({ userId: metadata && call ? 'somebody' : '' })));
  }
  @GrpcStreamCall('Callers', 'ClientStreamCall')
  clientStreamCall(call: ServerReadableStream<unknown, Caller>, answer: AnswerOnce): void {
    ran.push('ClientStreamCall');
    call.on('data', () => undefined).on('end', () => answer(null, { userId: 'somebody' }));
  }
  @GrpcStreamCall('Callers', 'BidiCall') bidiCall(call: ServerDuplexStream<unknown, Caller>): void {
    ran.push('BidiCall');
    call.on('data', () => call.write({ userId: 'somebody' })).on('end', () => call.end());
  }
  @GrpcStreamCall('Callers', 'UserCall') userCall(@CurrentUser() user: User): void {
    ran.push(`UserCall ${user.id}`);
  }
  @GrpcStreamCall('Callers', 'AuthCall') authCall(@Auth('userId') userId: string): void {
    ran.push(`AuthCall ${userId}`);
  }
  @RequirePermission('org:invoices:read') @GrpcStreamCall('Callers', 'PermissionCall') permissionCall(): void {
    ran.push('PermissionCall');
  }
}

/** Calls Clerk in each kind of handler whose errors Nest passes to filters. */
@Public()
@Controller()
class CallingClerk {
  constructor(private readonly clerk: ClerkClientService) {}
  @GrpcMethod('Callers', 'Unary') unary() {
    return this.clerk.users.getUser('user_unknown');
  }
  @GrpcMethod('Callers', 'ServerStream') serverStream() {
    return from(this.clerk.users.getUser('user_unknown'));
  }
  @GrpcStreamMethod('Callers', 'ClientStream') clientStream() {
    return this.clerk.users.getUser('user_unknown');
  }
  @GrpcStreamMethod('Callers', 'Bidi') bidi() {
    return from(this.clerk.users.getUser('user_unknown'));
  }
}

/** Each kind of stream in gRPC, with each way in which Nest handles one. */
const METHODS = ['Unary', 'ServerStream', 'ClientStream', 'Bidi', 'ClientStreamCall', 'BidiCall'] as const;

/** Nest passes the call as the third argument, but as the first one to `@GrpcStreamCall()` handlers. */
function credentials(context: ExecutionContext) {
  const [first, , call = first] = context.getArgs<{ metadata: Metadata }[]>();
  return call!.metadata.get('authorization')[0]?.toString();
}

/** The parts of a denial that a client receives. */
function readDenial(error: { code: number; details: string; metadata: Metadata } | undefined) {
  const [code] = error!.metadata.get('clerk-error-code');
  const [body] = error!.metadata.get('clerk-error');
  return { status: error!.code, details: error!.details, code, body: body && JSON.parse(body.toString()) };
}

describe('gRPC', () => {
  let clerk: LocalClerk;
  let service: GrpcService | undefined;
  /** Rejections that would have ended the process. */
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);

  beforeAll(async () => void (clerk = await LocalClerk.start()));
  afterAll(async () => {
    await service?.close();
    await clerk?.stop();
  });
  beforeEach(() => {
    ran.length = unhandled.length = 0;
    process.on('unhandledRejection', onUnhandled);
  });
  afterEach(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  async function restart(
    options: ClerkModuleOptions = {},
    prepare?: Parameters<typeof GrpcService.start>[1],
    controller: Type = Callers,
  ): Promise<GrpcService> {
    await service?.close();
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const all = { publishableKey, secretKey, apiUrl, telemetry, rpc: { credentials }, ...options };
    return (service = await GrpcService.start(
      { imports: [ClerkModule.forRoot(all)], controllers: [controller] },
      prepare,
    ));
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  describe.each(METHODS)('method %s', (method) => {
    beforeAll(() => restart());

    it('returns the result to a signed-in caller', async () => {
      const { error, answer } = await service!.call(method, bearer(await clerk.sessionToken()));
      expect(error).toBeUndefined();
      expect(answer!.userId).toMatch(/^user_|^somebody$/);
      expect(ran).toEqual([method]);
    });

    it('returns UNAUTHENTICATED with the code authentication-required without a token', async () => {
      const { error } = await service!.call(method);
      expect(readDenial(error)).toMatchObject({ status: status.UNAUTHENTICATED, code: 'authentication-required' });
      expect(ran).toEqual([]);
    });

    it('returns UNAUTHENTICATED with the code token-expired for an expired token', async () => {
      const token = await clerk.sessionToken({ expiresIn: -60 });
      const { error } = await service!.call(method, bearer(token));
      expect(readDenial(error)).toMatchObject({ status: status.UNAUTHENTICATED, code: 'token-expired' });
      expect(JSON.stringify(error)).not.toContain(token);
      expect(ran).toEqual([]);
    });

    it('returns the result to the next caller after a denial', async () => {
      await service!.call(method);
      const { answer } = await service!.call(method, bearer(await clerk.sessionToken()));
      expect(answer).toBeDefined();
    });
  });

  describe.each(['Unary', 'ServerStream', 'ClientStream', 'Bidi'] as const)('a Clerk error in %s', (method) => {
    beforeAll(() => restart({}, undefined, CallingClerk));
    afterEach(() => clerk.recover());

    it.each<[string, Parameters<LocalClerk['outage']>[0] | undefined, number, string]>([
      ['an unknown user', undefined, status.NOT_FOUND, 'clerk-resource-not-found'],
      ['a rejected request', { status: 422 }, status.FAILED_PRECONDITION, 'clerk-request-rejected'],
      ['a rate limit', { status: 429, retryAfter: 7 }, status.UNAVAILABLE, 'clerk-unavailable'],
      ['a rejected key', { status: 401 }, status.INTERNAL, 'clerk-key-rejected'],
    ])('is returned as a gRPC status with our code: %s', async (_, outage, expected, code) => {
      if (outage) clerk.outage(outage);
      const { error } = await service!.call(method);
      expect(readDenial(error)).toMatchObject({ status: expected, code, body: { status: 'error', code } });
      expect(JSON.stringify(error)).not.toMatch(/user_unknown|bad day/);
    });
  });

  describe('on a denial,', () => {
    beforeAll(() => restart());

    it('returns the message as details, and the body of other transports as metadata', async () => {
      const { error } = await service!.call('Unary');
      expect(readDenial(error)).toEqual({
        status: status.UNAUTHENTICATED,
        details: expect.any(String),
        code: 'authentication-required',
        body: { status: 'error', statusCode: 401, code: 'authentication-required', message: error!.details },
      });
    });

    it('returns PERMISSION_DENIED for a missing permission', async () => {
      const { error } = await service!.call('Permission', bearer(await clerk.sessionToken()));
      expect(readDenial(error)).toMatchObject({ status: status.PERMISSION_DENIED, code: 'insufficient-permissions' });
    });

    it('returns PERMISSION_DENIED for a missing scope', async () => {
      const { token } = await clerk.createM2MToken({ machine: clerk.createMachine() });
      const { error } = await service!.call('Machine', bearer(token));
      expect(readDenial(error)).toMatchObject({ status: status.PERMISSION_DENIED, code: 'insufficient-scope' });
    });

    it('returns PERMISSION_DENIED with Clerk’s hint for a missing reverification', async () => {
      const token = await clerk.sessionToken({ factorVerificationAge: [600, -1] });
      const { error } = await service!.call('Reverification', bearer(token));
      expect(readDenial(error)).toMatchObject({
        ...{ status: status.PERMISSION_DENIED, code: 'reverification-required' },
        body: { clerk_error: { type: 'forbidden', reason: 'reverification-error' } },
      });
    });

    it('returns PERMISSION_DENIED for a predicate that throws, without its message', async () => {
      const { error } = await service!.call('Predicate', bearer(await clerk.sessionToken()));
      expect(readDenial(error)).toMatchObject({ status: status.PERMISSION_DENIED, code: 'insufficient-permissions' });
      expect(JSON.stringify(error)).not.toContain('database');
    });

    it.each(['User', 'UserCall'])('returns NOT_FOUND for a deleted user with @CurrentUser() in %s', async (method) => {
      const user = clerk.createUser();
      const token = await clerk.sessionToken({ user });
      await service!.nest.get(ClerkClientService).users.deleteUser(user.id);
      const { error } = await service!.call(method, bearer(token));
      expect(readDenial(error)).toMatchObject({ status: status.NOT_FOUND, code: 'user-not-found' });
      expect(ran).toEqual([]);
    });
  });

  it.each(METHODS)('returns INTERNAL from %s if rpc.credentials throws', async (method) => {
    await restart({
      rpc: {
        credentials: () => {
          throw new Error('no metadata');
        },
      },
    });
    const { error } = await service!.call(method);
    expect(readDenial(error)).toMatchObject({ status: status.INTERNAL, code: 'invalid-configuration' });
  });

  it('returns INVALID_ARGUMENT if rpc.credentials returns a number', async () => {
    await restart({ rpc: { credentials: () => 7 as never } });
    const { error } = await service!.call('Unary');
    expect(readDenial(error)).toMatchObject({ status: status.INVALID_ARGUMENT, code: 'malformed-request' });
  });

  it.each(METHODS)('returns UNAVAILABLE from %s while Clerk cannot be reached', async (method) => {
    await restart({ apiUrl: `http://127.0.0.1:${await freePort()}`, maxRetries: 0 });
    const { error } = await service!.call(method, bearer(await clerk.sessionToken()));
    expect(readDenial(error)).toMatchObject({ status: status.UNAVAILABLE, code: 'clerk-unavailable' });
  });

  it('returns the result of a public method to a signed-out caller', async () => {
    await restart();
    expect(await service!.call('Public')).toEqual({ answer: {} });
  });

  it.each<[string, Error, object]>([
    [
      'an HTTP status and data',
      Object.assign(new Error('wait – a moment'), { statusCode: 429, data: { seconds: 3, für: 'dich' } }),
      {
        ...{ status: status.RESOURCE_EXHAUSTED, details: 'wait – a moment', code: 'authentication-required' },
        body: { statusCode: 429, data: { seconds: 3, für: 'dich' } },
      },
    ],
    ['no status', new Error('no'), { status: status.UNAUTHENTICATED, details: 'no' }],
    [
      'a gRPC status in the format of grpc-js',
      Object.assign(new Error('9 FAILED_PRECONDITION: first pay'), { code: 9, details: 'first pay' }),
      { status: status.FAILED_PRECONDITION, details: 'first pay', code: 'authentication-required' },
    ],
    ['the status OK', Object.assign(new Error('no'), { code: 0 }), { status: status.UNAUTHENTICATED, details: 'no' }],
    [
      'data that cannot be JSON',
      Object.assign(new Error('no'), { data: 1n }),
      { status: status.UNAUTHENTICATED, code: 'authentication-required', body: undefined },
    ],
    [
      'data that is too long for metadata',
      Object.assign(new Error('no'), { data: 'x'.repeat(20_000) }),
      { status: status.UNAUTHENTICATED, code: 'authentication-required', body: undefined },
    ],
    ['half a surrogate pair', new Error('no \ud800'), { status: status.UNAUTHENTICATED, details: 'no \ufffd' }],
  ])('returns an error of onError with %s as a gRPC error', async (_, error, expected) => {
    const authenticated: unknown[] = [];
    await restart({
      onError: (_error, context) => {
        authenticated.push(getAuth(context).isAuthenticated);
        return error;
      },
    });
    for (const method of ['Unary', 'BidiCall']) {
      expect(readDenial((await service!.call(method)).error)).toMatchObject(expected);
    }
    expect(authenticated).toEqual([false, false]);
  });

  it('keeps the metadata of an error of onError, and does not change the application’s object', async () => {
    const metadata = new Metadata();
    metadata.set('retry-after', '3');
    await restart({ onError: () => Object.assign(new Error('no'), { code: 16, metadata }) });
    const { error } = await service!.call('Unary');
    expect(error!.metadata.get('retry-after')).toEqual(['3']);
    expect(readDenial(error).code).toBe('authentication-required');
    expect(metadata.getMap()).toEqual({ 'retry-after': '3' });
  });

  it('returns an RpcException of onError unchanged', async () => {
    await restart({ onError: () => new RpcException({ code: status.ABORTED, message: 'mine' }) });
    for (const method of ['Unary', 'BidiCall']) {
      expect((await service!.call(method)).error).toMatchObject({ code: status.ABORTED, details: 'mine' });
    }
  });

  it('returns the denial unchanged if onError throws', async () => {
    await restart({
      onError: () => {
        throw new Error('broken');
      },
    });
    const { error } = await service!.call('Unary');
    expect(readDenial(error)).toMatchObject({ status: status.UNAUTHENTICATED, code: 'authentication-required' });
  });

  it('passes the denial with its status and metadata to a filter of the application', async () => {
    @Catch(RpcException)
    class Renaming extends BaseRpcExceptionFilter {
      override catch(exception: RpcException, _: ArgumentsHost): Observable<unknown> {
        const error = exception.getError() as { code: number; metadata: Metadata };
        const details = `renamed ${error.code} ${String(error.metadata.get('clerk-error-code')[0])}`;
        return throwError(() => ({ ...error, details }));
      }
    }
    await restart({}, (nest) => void nest.useGlobalFilters(new Renaming()));
    expect((await service!.call('Unary')).error).toMatchObject({
      ...{ code: status.UNAUTHENTICATED, details: 'renamed 16 authentication-required' },
    });
    // Nest would end the process if a filter threw an error here.
    expect(readDenial((await service!.call('BidiCall')).error).code).toBe('authentication-required');
  });

  it.each([
    ['Unary', 'auth-not-populated'],
    ['AuthCall', 'auth-not-populated'],
    ['UserCall', 'auth-not-populated'],
    ['Permission', 'invalid-policy'],
    ['PermissionCall', 'invalid-policy'],
  ])('returns INTERNAL from %s with the code %s in a microservice without global guards', async (method, code) => {
    await service?.close();
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const all = { publishableKey, secretKey, apiUrl, telemetry, rpc: { credentials } };
    service = await GrpcService.startUnguarded({ imports: [ClerkModule.forRoot(all)], controllers: [Callers] });
    const { error } = await service.call(method, bearer(await clerk.sessionToken()));
    expect(readDenial(error)).toMatchObject({ status: status.INTERNAL, code });
    expect(ran).toEqual([]);
    expect(service.logger.ofGuard('error').join()).toContain('@UseGuards(ClerkGuard)');
  });

  it('passes the metadata of a call to resolveOptions for every kind of stream', async () => {
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    await restart({
      ...{ publishableKey: undefined, secretKey: undefined },
      resolveOptions: (metadata: Metadata) =>
        metadata.get('tenant')[0] === 'acme' ? { publishableKey, secretKey, apiUrl, telemetry } : {},
    });
    const token = await clerk.sessionToken();
    for (const method of METHODS) {
      expect((await service!.call(method, { ...bearer(token), tenant: 'acme' })).error).toBeUndefined();
    }
  });
});
