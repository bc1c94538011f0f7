/** For any payload, a message keeps the identity of its sender. */
import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import fc from 'fast-check';

import { Auth, ClerkModule, ClerkSockets, Public } from '../../../lib/index.js';
import { LocalClerk } from '../../../lib/testing/index.js';
import { PROTOTYPE_NAMES, RUNS } from '../../support/hostile.js';
import { Caller, startMicroservice, WIRES, type Wire } from '../../support/microservices.js';
import { PLATFORMS } from '../../support/platforms.js';
import { SOCKET_PLATFORMS, type TestSocket } from '../../support/sockets.js';
import { TestApp } from '../../support/test-app.js';

/** Fewer runs, since each message is sent over a connection. */
const MESSAGES = Math.ceil(RUNS / 4);

/** Payloads that contain requests, headers, credentials, identities and our own property names. */
function payloads(token: string): fc.Arbitrary<unknown> {
  const bearer = `Bearer ${token}`;
  const name = fc.constantFrom(
    ...[
      'headers',
      'authorization',
      'cookie',
      'auth',
      'userId',
      'token',
      'handshake',
      'request',
      'raw',
      'req',
      'metadata',
    ],
    ...[
      'nest-clerk:attached',
      'nest-clerk:call',
      'nest-clerk:socket',
      'Symbol(nest-clerk:attached)',
      'identity',
      'toAuth',
    ],
    ...PROTOTYPE_NAMES,
  );
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(bearer, token, `__session=${token}; __client_uat=1`, true, null, 'signed-in', 'user_evil'),
    fc.constant({ isAuthenticated: true, userId: 'user_evil', tokenType: 'session_token' }),
    fc.jsonValue({ maxDepth: 1 }),
  );
  // Where careless code would find credentials, at any depth.
  const claim = fc
    .tuple(
      fc.constantFrom<object>({ authorization: bearer }, { token }, { cookie: `__session=${token}; __client_uat=1` }),
      fc.constantFrom([], ['headers'], ['auth'], ['metadata'], ['request', 'headers'], ['handshake', 'auth']),
    )
    .map(([inner, path]) => path.reduceRight<object>((held, name) => ({ [name]: held }), inner));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'payload' },
      leaf,
      fc.dictionary(name, tie('value'), { minKeys: 1, maxKeys: 3 }),
      fc.array(tie('value'), { maxLength: 2 }),
    ),
  }));
  return fc.oneof(claim, value);
}

describe.each(SOCKET_PLATFORMS)('messages with arbitrary payloads over %s', (_, platform) => {
  @WebSocketGateway()
  class Gateway {
    constructor(private readonly sockets: ClerkSockets) {}
    handleConnection(@ConnectedSocket() client: object, request?: object) {
      return this.sockets.connect(client, request, { required: false });
    }
    @SubscribeMessage('strict') strict(@Auth('userId') userId: string, @MessageBody() _body: unknown) {
      return { event: 'answer', data: { userId } };
    }
    @Public() @SubscribeMessage('public') public(@Auth('userId') userId: string | null, @MessageBody() _body: unknown) {
      return { event: 'answer', data: { userId } };
    }
  }
  let clerk: LocalClerk;
  let app: TestApp;
  const sockets: TestSocket[] = [];
  const open = async (token?: string) => {
    const socket = await platform.open(app.port, token ? { headers: { authorization: `Bearer ${token}` } } : {});
    sockets.push(socket);
    return socket;
  };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(PLATFORMS[0][1])
      .clerk(clerk.options)
      .providers(Gateway)
      .before((nest: INestApplication) => nest.useWebSocketAdapter(platform.adapter(nest)))
      .start();
  });
  afterAll(async () => {
    for (const socket of sockets) socket.close();
    await Promise.all([app?.close(), clerk?.stop()]);
  });

  it('have the identity of the socket’s handshake, not of a token in the payload', async () => {
    const [user, victim] = [clerk.createUser(), clerk.createUser()];
    const nobody = await open();
    const somebody = await open(await clerk.sessionToken({ user, expiresIn: 3600 }));
    const payload = payloads(await clerk.sessionToken({ user: victim, expiresIn: 3600 }));
    await fc.assert(
      fc.asyncProperty(payload, async (data) => {
        expect((await nobody.ask('strict', data)).data).toMatchObject({ code: 'authentication-required' });
        expect((await nobody.ask('public', data)).data).toEqual({ userId: null });
        expect((await somebody.ask('strict', data)).data).toEqual({ userId: user.id });
      }),
      { numRuns: MESSAGES },
    );
  });
});

describe('messages with arbitrary payloads and metadata over TCP', () => {
  @Controller()
  class Messages {
    @MessagePattern('strict') strict(@Auth('userId') userId: string, @Payload() _body: unknown) {
      return { userId };
    }
    @Public() @MessagePattern('public') public(@Auth('userId') userId: string | null, @Payload() _body: unknown) {
      return { userId };
    }
  }
  interface WithMetadata {
    getMetadata(): { authorization?: string } | undefined;
  }
  let clerk: LocalClerk;
  let wire: Wire;
  let caller: Caller;
  let nest: INestMicroservice;

  beforeAll(async () => {
    [clerk, wire] = await Promise.all([LocalClerk.start(), WIRES[0]![1]()]);
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const rpc = {
      credentials: (context: { switchToRpc(): { getContext<T>(): T } }) =>
        context.switchToRpc().getContext<WithMetadata>().getMetadata()?.authorization,
    };
    const clerkModule = ClerkModule.forRoot({ publishableKey, secretKey, apiUrl, telemetry, rpc });
    ({ nest } = await startMicroservice({ imports: [clerkModule], controllers: [Messages] }, wire));
    caller = new Caller(wire);
  });
  afterAll(async () => {
    await nest?.close();
    await caller?.close();
    await Promise.all([clerk?.stop(), wire?.stop()]);
  });

  it('have the identity of the token in metadata.authorization, not of a token elsewhere', async () => {
    const [user, victim] = [clerk.createUser(), clerk.createUser()];
    const authorization = `Bearer ${await clerk.sessionToken({ user, expiresIn: 3600 })}`;
    const payload = payloads(await clerk.sessionToken({ user: victim, expiresIn: 3600 }));
    await fc.assert(
      fc.asyncProperty(payload, payload, async (data, more) => {
        expect((await caller.send('strict', { data })).error).toMatchObject({ code: 'authentication-required' });
        expect(await caller.send('public', { data })).toEqual({ userId: null });
        const metadata = { ...(typeof more === 'object' ? more : { more }), authorization };
        expect(await caller.send('strict', { data, metadata })).toEqual({ userId: user.id });
        // A value that is not a string is denied, without a failure.
        const { error } = await caller.send('strict', { data, metadata: { authorization: [more] } });
        expect(['malformed-request', 'authentication-required', 'token-invalid']).toContain(error.code);
      }),
      { numRuns: MESSAGES },
    );
  });
});
