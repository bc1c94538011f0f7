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

  @Get('frozen') frozen(@Req() request: object) {
    return this.whoami(getAuth(request) as SignedInAuthObject, Object.freeze(request));
  }
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

/** Ways in which other libraries take the name, and whether `request.auth` is theirs for good. */
const TAKEN: Readonly<Record<string, readonly [name: string, configure: Configure, isTheirs: boolean][]>> = {
  Express: [
    ['a value for all', onExpress((all) => Object.defineProperty(all, 'auth', { value: 'theirs' })), false],
    ['null for all', onExpress((all) => Object.defineProperty(all, 'auth', { value: null })), false],
    ['a getter for all', onExpress((all) => Object.defineProperty(all, 'auth', { get: throwing })), false],
    ['a setter that throws', onExpress((all) => Object.defineProperty(all, 'auth', { set: throwing })), false],
    ['a locked value of each', own({ value: 'theirs' }), true],
    ['a locked getter of each', own({ get: () => 'theirs' }), true],
    [
      'what express-jwt assigns',
      own({ value: { sub: 'x' }, writable: true, enumerable: true, configurable: true }),
      false,
    ],
  ],
  Fastify: [
    ['a getter', onFastify((fastify) => fastify.decorateRequest('auth', { getter() {} })), false],
    ['a getter that throws', onFastify((fastify) => fastify.decorateRequest('auth', { getter: throwing })), false],
    ['null', onFastify((fastify) => fastify.decorateRequest('auth', null)), false],
    ['a method', onFastify((fastify) => fastify.decorateRequest('auth', () => 'theirs')), false],
    ['a value of each', hook((request) => (request.auth = { sub: 'x' })), false],
    ['a locked value of each', hook((request) => Object.defineProperty(request, 'auth', { value: 'theirs' })), true],
    [
      'a locked getter of each',
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
    'is taken by another library: @Auth() and getAuth() work from the first request, and one warning says so: %s',
    async (_, configure, isTheirs) => {
      const app = await start(configure);
      const users = [clerk.createUser(), clerk.createUser()];
      for (const user of [...users, ...users]) {
        const { status, body } = await app.withToken('/', await clerk.sessionToken({ user }));
        expect([status, body]).toEqual([
          200,
          { ofParameter: user.id, ofGetAuth: user.id, ofRequest: isTheirs ? null : user.id },
        ]);
      }
      expect(warnings(app)).toEqual([expect.stringMatching(/use them, or give the other property another name/)]);
      await app.close();
    },
  );

  const forAll = TAKEN[platformName]!.filter(([name]) => !name.includes('each') && !name.includes('assigns'));

  it.each(forAll)('is taken for all requests: the boot warns, before any of them: %s', async (_, configure) => {
    const app = await start(configure);
    expect(warnings(app)).toEqual([expect.stringContaining('defines request.auth as well')]);
    await app.close();
  });

  it('warns of nothing where no other library takes the name, however often guards run', async () => {
    const app = await start();
    const user = clerk.createUser();
    for (let count = 0; count < 3; count++) {
      const { body } = await app.withToken('/', await clerk.sessionToken({ user }));
      expect(body).toEqual({ ofParameter: user.id, ofGetAuth: user.id, ofRequest: user.id });
    }
    expect(warnings(app)).toEqual([]);
    await app.close();
  });

  if (platformName === 'Fastify') {
    // Node and Express write to their requests themselves, and fail on a frozen one.
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
    ])('may be missing on a request that a hook has %s: @Auth() and getAuth() work', async (_, lock) => {
      const app = await start(hook(lock));
      const user = clerk.createUser();
      const { status, body } = await app.withToken('/', await clerk.sessionToken({ user }));
      expect([status, body]).toMatchObject([200, { ofParameter: user.id, ofGetAuth: user.id }]);
      await app.close();
    });
  }

  it('is the guard’s where IncomingMessage.prototype has a locked one', async () => {
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
