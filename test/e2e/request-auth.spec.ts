import { IncomingMessage } from 'node:http';

import { Controller, Get, Req, type INestApplication } from '@nestjs/common';

import { Auth, getAuth, type SignedInAuthObject } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get() whoami(@Auth() auth: SignedInAuthObject, @Req() request: object) {
    const { auth: own } = request as { auth?: { userId?: string } };
    return { ofParameter: auth.userId, ofGetAuth: getAuth(request).userId, ofRequest: own?.userId ?? null };
  }

  @Get('own') own(@Req() request: object) {
    return {
      isOwn: Object.hasOwn(request, 'auth'),
      owner: ownerOf('auth', request) === Object.getPrototypeOf(request),
    };
  }

  @Get('frozen') frozen(@Req() request: object) {
    return this.whoami(getAuth(request) as SignedInAuthObject, Object.freeze(request));
  }
}

@Controller()
class Unprotected {
  @Get() read(@Req() request: object) {
    return { hasAuth: 'auth' in request };
  }
}

/** The object on the prototype chain that has the property. */
function ownerOf(name: string, object: object): object | null {
  let owner: object | null = object;
  while (owner && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner) as object | null;
  return owner;
}

type Configure = (nest: INestApplication) => unknown;

const onFastify =
  (configure: (fastify: any) => unknown): Configure =>
  (nest) =>
    configure(nest.getHttpAdapter().getInstance());

const onExpress =
  (configure: (requests: object) => unknown): Configure =>
  (nest) =>
    configure(nest.getHttpAdapter().getInstance().request as object);

const own =
  (descriptor: PropertyDescriptor): Configure =>
  (nest) =>
    nest.use((request: object, _: unknown, next: () => void) => {
      Object.defineProperty(request, 'auth', descriptor);
      next();
    });

const hook = (change: (request: any) => unknown): Configure =>
  onFastify((fastify) =>
    fastify.addHook('preHandler', (request: unknown, _: unknown, done: () => void) => {
      change(request);
      done();
    }),
  );

const throwing = () => {
  throw new Error('locked');
};

/** Ways in which other libraries define `request.auth`, and whether their value remains. */
const TAKEN: Readonly<Record<string, readonly [name: string, configure: Configure, remains: boolean][]>> = {
  Express: [
    [
      'a read-only value for all requests',
      onExpress((all) => Object.defineProperty(all, 'auth', { value: 'theirs' })),
      false,
    ],
    [
      'a read-only null for all requests',
      onExpress((all) => Object.defineProperty(all, 'auth', { value: null })),
      false,
    ],
    [
      'a getter that throws, for all requests',
      onExpress((all) => Object.defineProperty(all, 'auth', { get: throwing })),
      false,
    ],
    [
      'a setter that throws, for all requests',
      onExpress((all) => Object.defineProperty(all, 'auth', { set: throwing })),
      false,
    ],
    ['a read-only value on each request', own({ value: 'theirs' }), true],
    ['a read-only getter on each request', own({ get: () => 'theirs' }), true],
    [
      'the value that express-jwt assigns',
      own({ value: { sub: 'x' }, writable: true, enumerable: true, configurable: true }),
      false,
    ],
  ],
  Fastify: [
    ['a decorator with a getter', onFastify((fastify) => fastify.decorateRequest('auth', { getter() {} })), false],
    [
      'a decorator with a getter that throws',
      onFastify((fastify) => fastify.decorateRequest('auth', { getter: throwing })),
      false,
    ],
    ['a decorator with the value null', onFastify((fastify) => fastify.decorateRequest('auth', null)), false],
    ['a decorator with a method', onFastify((fastify) => fastify.decorateRequest('auth', () => 'theirs')), false],
    ['a value on each request', hook((request) => (request.auth = { sub: 'x' })), false],
    [
      'a read-only value on each request',
      hook((request) => Object.defineProperty(request, 'auth', { value: 'theirs' })),
      true,
    ],
    [
      'a read-only getter on each request',
      hook((request) => Object.defineProperty(request, 'auth', { get: () => 'theirs' })),
      true,
    ],
  ],
};

describe.each(PLATFORMS)('request.auth on %s', (platformName, platform) => {
  let clerk: LocalClerk;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk?.stop());

  const start = (configure: Configure = () => undefined) =>
    TestApp.on(platform).clerk(clerk.options).controllers(Routes).before(configure).start();
  const warnings = (app: TestApp) => app.logger.ofGuard('warn').filter((line) => line.includes('request.auth'));

  it.each(TAKEN[platformName]!)(
    'leaves @Auth() and getAuth() working, with one warning, if another library defines it as %s',
    async (_, configure, remains) => {
      const app = await start(configure);
      const users = [clerk.createUser(), clerk.createUser()];
      for (const user of [...users, ...users]) {
        const { status, body } = await app.withToken('/', await clerk.sessionToken({ user }));
        expect([status, body]).toEqual([
          200,
          { ofParameter: user.id, ofGetAuth: user.id, ofRequest: remains ? null : user.id },
        ]);
      }
      expect(warnings(app)).toEqual([expect.stringMatching(/use them, or give the other property another name/)]);
      await app.close();
    },
  );

  const forAll = TAKEN[platformName]!.filter(([name]) => !name.includes('each') && !name.includes('assigns'));

  it.each(forAll)('causes a warning at boot if another library defines it as %s', async (_, configure) => {
    const app = await start(configure);
    expect(warnings(app)).toEqual([expect.stringContaining('defines request.auth as well')]);
    await app.close();
  });

  it('causes no warning if no other library defines it', async () => {
    const app = await start();
    const user = clerk.createUser();
    for (let count = 0; count < 3; count++) {
      const { body } = await app.withToken('/', await clerk.sessionToken({ user }));
      expect(body).toEqual({ ofParameter: user.id, ofGetAuth: user.id, ofRequest: user.id });
    }
    expect(warnings(app)).toEqual([]);
    await app.close();
  });

  it('is defined once for all requests of an application, and not for those of other applications', async () => {
    const app = await start();
    const token = await clerk.sessionToken();
    for (let count = 0; count < 2; count++) {
      const { status, body } = await app.withToken('/own', token);
      expect([status, body]).toEqual([200, { isOwn: false, owner: true }]);
    }
    await app.close();
    const other = await TestApp.on(platform).controllers(Unprotected).start();
    expect((await other.send('/')).body).toEqual({ hasAuth: false });
    await other.close();
  });

  if (platformName === 'Fastify') {
    // Not on Express: Node and Express themselves write to the request, and fail if it is frozen.
    it('is readable on a request that was frozen after the guard', async () => {
      const app = await start();
      const user = clerk.createUser();
      const { status, body } = await app.withToken('/frozen', await clerk.sessionToken({ user }));
      expect([status, body]).toEqual([200, { ofParameter: user.id, ofGetAuth: user.id, ofRequest: user.id }]);
      await app.close();
    });

    it.each([
      ['frozen', Object.freeze],
      ['sealed', Object.seal],
    ])('may be missing on a request that a hook has %s, but @Auth() and getAuth() work', async (_, lock) => {
      const app = await start(hook(lock));
      const user = clerk.createUser();
      const { status, body } = await app.withToken('/', await clerk.sessionToken({ user }));
      expect([status, body]).toMatchObject([200, { ofParameter: user.id, ofGetAuth: user.id }]);
      await app.close();
    });
  }

  it('is set by the guard even if IncomingMessage.prototype has a read-only auth', async () => {
    Object.defineProperty(IncomingMessage.prototype, 'auth', { value: 'theirs', configurable: true });
    try {
      const app = await start();
      const user = clerk.createUser();
      const { body } = await app.withToken('/', await clerk.sessionToken({ user }));
      expect(body).toEqual({ ofParameter: user.id, ofGetAuth: user.id, ofRequest: user.id });
      await app.close();
    } finally {
      delete (IncomingMessage.prototype as { auth?: unknown }).auth;
    }
  });
});
