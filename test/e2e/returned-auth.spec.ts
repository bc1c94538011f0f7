import { ClassSerializerInterceptor, Controller, Get, Req } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import {
  AcceptsToken,
  Auth,
  getAuth,
  Public,
  type AuthObject,
  type RequestAuth,
  type SignedInAuthObject,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp, type TestAppBuilder } from '../support/test-app.js';
import { callEverything } from '../support/walkers.js';

interface Request {
  readonly auth: RequestAuth;
}

@Controller()
class Returning {
  @Get('strict/parameter') strict(@Auth() auth: SignedInAuthObject) {
    return auth;
  }
  @Get('strict/request') strictRequest(@Req() request: Request) {
    return request.auth;
  }
  @Get('strict/called') strictCalled(@Req() request: Request) {
    return request.auth();
  }
  @Get('strict/awaited') async strictAwaited(@Req() request: Request) {
    return await request.auth;
  }
  @Get('strict/get-auth') strictGetAuth(@Req() request: Request) {
    return getAuth(request);
  }
  @Get('strict/another') another(@Req() request: Request) {
    return getAuth(request, { acceptsToken: 'api_key' });
  }
  @Get('strict/nested') nested(@Auth() auth: SignedInAuthObject, @Req() request: Request) {
    return { auth, ofRequest: request.auth, list: [auth, request.auth] };
  }
  @Get('public/parameter') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public/request') @Public() publicRequest(@Req() request: Request) {
    return request.auth;
  }
  @Get('public/another') @Public() publicAnother(@Req() request: Request) {
    return getAuth(request, { acceptsToken: ['api_key', 'm2m_token'] });
  }
  @Get('any/parameter') @Public() @AcceptsToken('any') any(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('any/request') @Public() @AcceptsToken('any') anyRequest(@Req() request: Request) {
    return request.auth;
  }
}

/** Nest's own interceptor, with a stand-in for the functions of class-transformer that it calls. */
const serializing = (nest: Parameters<Parameters<TestAppBuilder['before']>[0]>[0]) =>
  nest.useGlobalInterceptors(
    new ClassSerializerInterceptor(nest.get(Reflector), {
      transformerPackage: {
        classToPlain: callEverything as (value: unknown) => Record<string, unknown>,
        plainToInstance: <T>(_type: new () => T, value: unknown) => value as T,
      },
    }),
  );

const SIGNED_OUT = {
  ...{ tokenType: 'session_token', isAuthenticated: false, sessionClaims: null, sessionId: null, sessionStatus: null },
  ...{ userId: null, actor: null, orgId: null, orgRole: null, orgSlug: null, orgPermissions: null },
  factorVerificationAge: null,
};
const NO_API_KEY = {
  ...{ tokenType: 'api_key', isAuthenticated: false, id: null, subject: null, scopes: null },
  ...{ name: null, claims: null, userId: null, orgId: null },
};
const NONE = { tokenType: null, isAuthenticated: false };

describe.each(PLATFORMS)('an auth object that is returned from a handler on %s', (_, platform) => {
  let clerk: LocalClerk;
  beforeAll(async () => (clerk = await LocalClerk.start()));
  afterAll(() => clerk?.stop());

  describe.each([
    ['directly', () => undefined],
    ['through ClassSerializerInterceptor', serializing],
  ] as const)('%s', (_way, configure) => {
    let app: TestApp;
    beforeAll(async () => {
      app = await TestApp.on(platform).clerk(clerk.options).controllers(Returning).before(configure).start();
    });
    afterAll(() => app?.close());

    const json = ({ status, headers, body }: Awaited<ReturnType<TestApp['send']>>) => {
      expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^application\/json\b/)]);
      return body as unknown;
    };

    const session = async () => {
      const [user, organization] = [clerk.createUser(), clerk.createOrganization()];
      const token = await clerk.sessionToken({
        session: clerk.createSession({ user, organization }),
        role: 'org:admin',
        claims: { metadata: { roles: ['a'], none: null } },
      });
      const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string };
      const auth = {
        ...{ tokenType: 'session_token', isAuthenticated: true, sessionClaims: claims, sessionStatus: 'active' },
        ...{ userId: user.id, sessionId: claims.sid, orgId: organization.id, orgRole: 'org:admin' },
        ...{ orgSlug: organization.slug, orgPermissions: expect.any(Array) as unknown },
        factorVerificationAge: expect.any(Array) as unknown,
      };
      return { token, auth };
    };

    it.each([
      ...['strict/parameter', 'strict/request', 'strict/called', 'strict/awaited', 'strict/get-auth'],
      ...['public/parameter', 'public/request', 'any/parameter', 'any/request'],
    ])('is serialized with the properties of the session and without functions: %s', async (path) => {
      const { token, auth } = await session();
      expect(json(await app.withToken(`/${path}`, token))).toEqual(auth);
    });

    it('is serialized the same inside other objects and arrays', async () => {
      const { token, auth } = await session();
      expect(json(await app.withToken('/strict/nested', token))).toEqual({ auth, ofRequest: auth, list: [auth, auth] });
    });

    it.each([
      ['public/parameter', SIGNED_OUT],
      ['public/request', SIGNED_OUT],
      ['public/another', NONE],
      ['any/parameter', NONE],
      ['any/request', NONE],
    ])('is serialized as signed out without credentials: %s', async (path, expected) => {
      expect(json(await app.send(`/${path}`))).toEqual(expected);
    });

    it('is serialized as signed out for another token type in getAuth(), without functions', async () => {
      const { token } = await session();
      expect(json(await app.withToken('/strict/another', token))).toEqual(NO_API_KEY);
    });

    it.each(['any/parameter', 'any/request'])('is serialized with the properties of the API key: %s', async (path) => {
      const user = clerk.createUser();
      const { id, secret } = clerk.createApiKey({ subject: user, name: 'deploy', scopes: ['a'], claims: { tier: 1 } });
      expect(json(await app.withToken(`/${path}`, secret))).toEqual({
        ...{ tokenType: 'api_key', isAuthenticated: true, id, subject: user.id, name: 'deploy', scopes: ['a'] },
        ...{ claims: { tier: 1 }, userId: user.id, orgId: null },
      });
    });
  });
});
