import { connect } from 'node:net';

import { All, Controller, Get, Post, type INestApplication } from '@nestjs/common';

import { Auth, getAuth, Public, RequirePermission, type AuthObject } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
  @Post('write') @RequirePermission('org:invoices:create') write() {
    return 'written';
  }
  @All('every-method') everyMethod() {
    return 'in';
  }
  @Get('*') rest() {
    return 'in';
  }
}

/** Sends bytes as they are, and gives the status line's number. */
function raw(port: number, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])));
    socket.on('error', reject);
    socket.setTimeout(2000, () => socket.destroy());
  });
}

describe.each(PLATFORMS)('attacks on %s', (_, platform) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
    app = await TestApp.on(platform).clerk(clerk.options).controllers(Routes).start();
    token = await clerk.sessionToken();
    expect((await app.withToken('/strict', token)).status).toBe(200);
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop(), other?.stop()]));

  describe('by the request target', () => {
    const ask = (target: string, method = 'GET') =>
      raw(
        app.port,
        `${method} ${target} HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      );

    it.each(['/strict', '/a/b/c', '/strict?next=//evil.example', '/a%2f%2fevil'])(
      '%s is let through',
      async (target) => {
        expect(await ask(target)).toBe(200);
      },
    );

    it.each([
      '//evil.example/strict',
      '//evil.example',
      '///strict',
      '/\\evil.example/strict',
      '/.//evil.example/x',
      '/a/..//evil.example/x',
      'http://evil.example/strict',
      'https://evil.example/strict',
    ])('%s, though a route matches everything, is 400', async (target) => {
      expect(await ask(target)).toBe(400);
    });

    it('never turns into a redirect to the host it names', async () => {
      const status = await raw(
        app.port,
        'GET //evil.example/public HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n',
      );
      expect(status).toBe(400);
    });

    it('with the method TRACE is refused, though a route takes every method', async () => {
      expect(await ask('/every-method', 'PUT')).toBe(200);
      expect(await ask('/every-method', 'TRACE')).toBe(400);
    });
  });

  describe('by headers', () => {
    const refused = async (headers: Record<string, string | string[]>) =>
      expect((await app.send('/strict', headers)).status).toBe(401);

    it.each([
      ['a lower-case scheme', (t: string) => `bearer ${t}`],
      ['another scheme', (t: string) => `Token ${t}`],
      ['two blanks', (t: string) => `Bearer  ${t}`],
      ['a tab', (t: string) => `Bearer\t${t}`],
      ['a quoted token', (t: string) => `Bearer "${t}"`],
      ['a comma', (t: string) => `Bearer ${t},`],
      ['a nested scheme', (t: string) => `Bearer Bearer ${t}`],
    ])('with %s, a good token is none', async (_, write) => refused({ authorization: write(token) }));

    it('a bad token first and a good one after it are not signed in', async () => {
      const request = `GET /strict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer bad\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`;
      expect(await raw(app.port, request)).toBe(401);
    });

    it('a token in the query, in a body header or in another cookie is none', async () => {
      expect((await app.send(`/strict?token=${token}&authorization=Bearer%20${token}`)).status).toBe(401);
      await refused({ 'x-authorization': `Bearer ${token}`, 'proxy-authorization': `Bearer ${token}` });
      await refused({ cookie: `session=${token}; token=${token}` });
    });

    it('forwarded headers of a stranger change nothing about who is signed in', async () => {
      const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'javascript' };
      await refused(forwarded);
      expect((await app.withToken('/strict', token, forwarded)).status).toBe(200);
      await refused({ 'x-forwarded-host': 'a b\\c' });
    });

    it('Clerk’s own response headers, sent by a client, mean nothing', async () => {
      await refused({ 'x-clerk-auth-status': 'signed-in', 'x-clerk-auth-token': token, 'x-clerk-auth-signature': 'x' });
    });
  });

  describe('by cookies that make Clerk’s code stumble', () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const jwt = (payload: unknown, header: unknown = { alg: 'RS256', typ: 'JWT', kid: 'x' }) =>
      `${encode(header)}.${encode(payload)}.AAAA`;

    it.each([
      ['null', jwt(null)],
      ['a number', jwt(5)],
      ['text', jwt('text')],
      ['a list', jwt([])],
      ['iss that is no text', jwt({ iss: { replace: 1 }, iat: 1 })],
      ['a null header', jwt({ iss: 'x' }, null)],
      ['sub that is a list', jwt({ iss: 'https://x', sub: ['mch_1'] })],
      ['nothing between the dots', '..'],
      ['NUL', 'a%00.b.c'],
      ['prototype names', jwt({ __proto__: { sub: 'user_1' }, constructor: 1 })],
    ])('a session cookie with %s is 401, and signed out on a public route', async (_, value) => {
      const cookie = `__session=${value}; __client_uat=1; __clerk_db_jwt=d`;
      const strict = await app.send('/strict', { cookie });
      expect([strict.status, strict.body.code]).toEqual([401, 'token-invalid']);
      expect(await app.send('/public', { cookie })).toMatchObject({ status: 200, body: { isAuthenticated: false } });
    });

    it('one beside a good header token is never a 500', async () => {
      const { status } = await app.withToken('/strict', token, { cookie: `__session=${jwt(null)}` });
      expect(status).toBe(401);
    });

    it('hundreds of session cookies are 401, from one look at the keys', async () => {
      const before = clerk.countRequests('/v1/jwks');
      const cookies = Array.from(
        { length: 60 },
        (_unused, i) => `__session_${i}=${jwt({}, { alg: 'RS256', kid: `k${i}` })}`,
      );
      const { status } = await app.send('/strict', {
        cookie: `__client_uat=1; __clerk_db_jwt=d; ${cookies.join('; ')}`,
      });
      expect(status).toBe(401);
      expect(clerk.countRequests('/v1/jwks')).toBe(before);
    });
  });

  describe('by tokens', () => {
    it.each([
      ['the key of another instance', () => other.sessionToken()],
      ['the key of another instance under our kid', () => clerk.sessionToken({ key: other })],
      ['a kid that is a path', () => clerk.sessionToken({ header: { kid: '../../etc/passwd' } })],
      ['a kid that is SQL', () => clerk.sessionToken({ header: { kid: "' OR 1=1 --" } })],
      ['a kid that is no text', () => clerk.sessionToken({ header: { kid: { $ne: null } } })],
      ['an empty kid', () => clerk.sessionToken({ header: { kid: '' } })],
      [
        'a jku of its own',
        () => clerk.sessionToken({ key: other, header: { jku: `${other.url}/v1/jwks`, kid: other.keyId } }),
      ],
      ['an embedded jwk', () => clerk.sessionToken({ key: other, header: { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } } })],
      ['the template category', () => clerk.templateToken()],
      ['the machine category', () => clerk.sessionToken({ header: { cat: 'cl_B7d4PD333AAA' } })],
      ['another type', () => clerk.sessionToken({ header: { typ: 'at+jwt' } })],
      ['no expiry', () => clerk.sessionToken({ claims: { exp: undefined } })],
      ['an expiry that is text', () => clerk.sessionToken({ claims: { exp: '9999999999' } })],
      ['no subject', () => clerk.sessionToken({ claims: { sub: undefined } })],
      ['a machine as subject', () => clerk.sessionToken({ claims: { sub: 'mch_1' } })],
    ])('with %s are refused', async (_, forge) => {
      expect(await app.withToken('/strict', await forge())).toMatchObject({
        status: 401,
        body: { code: 'token-invalid' },
      });
    });

    it('with permissions written by the caller do not pass', async () => {
      const [head, , signature] = token.split('.');
      const claims = {
        sub: 'user_1',
        sid: 'sess_1',
        exp: 9999999999,
        v: 2,
        o: { id: 'org_1', rol: 'admin', per: 'create', fpm: '1' },
        fea: 'o:invoices',
      };
      const { status } = await app.send(
        '/write',
        {
          authorization: `Bearer ${[head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')}`,
        },
        'POST',
      );
      expect(status).toBe(401);
    });

    it('of two instances never pass at each other’s application, under concurrency too', async () => {
      const second = await TestApp.on(platform).clerk(other.options).controllers(Routes).start();
      const asked = await Promise.all(
        Array.from({ length: 40 }, async (_unused, index) => {
          const [home, away] = index % 2 ? [app, second] : [second, app];
          const own = await (index % 2 ? clerk : other).sessionToken();
          return [(await home.withToken('/strict', own)).status, (await away.withToken('/strict', own)).status];
        }),
      );
      expect(asked).toEqual(asked.map(() => [200, 401]));
      await second.close();
    });
  });

  describe('by what other libraries leave on the request', () => {
    const forgeries: [string, () => unknown][] = [
      ['express-jwt', () => ({ sub: 'user_evil', userId: 'user_evil', isAuthenticated: true })],
      [
        'a forged Clerk handler',
        () =>
          Object.assign(() => ({ userId: 'user_evil', isAuthenticated: true, tokenType: 'session_token' }), {
            [Symbol.for('@clerk/express.auth')]: true,
          }),
      ],
      ['passport', () => true],
    ];

    it.each(forgeries)('the auth of %s signs nobody in, and does not break who is', async (_, forge) => {
      const foreign = await TestApp.on(platform)
        .clerk(clerk.options)
        .controllers(Routes)
        .before((nest: INestApplication) => {
          const adapter = nest.getHttpAdapter();
          const instance = adapter.getInstance() as any;
          if (adapter.getType() === 'fastify')
            instance.addHook('onRequest', async (request: any) => void (request.auth = forge()));
          else nest.use((request: any, _response: unknown, next: () => void) => ((request.auth = forge()), next()));
        })
        .start();
      expect((await foreign.send('/strict')).status).toBe(401);
      expect((await foreign.send('/public')).body).toMatchObject({ isAuthenticated: false, userId: null });
      expect((await foreign.withToken('/strict', token)).body).toMatchObject({ isAuthenticated: true });
      await foreign.close();
    });

    it('nor does anything a client can put into a request', () => {
      const request = JSON.parse(
        '{"auth":{"userId":"user_evil"},"Symbol(nest-clerk:identity)":{"status":"signed-in"}}',
      );
      expect(() => getAuth(request)).toThrow(expect.objectContaining({ code: 'auth-not-populated' }));
    });
  });

  it('leave no credential and no key in any answer or log line', async () => {
    const secrets = [token, 'ak_SECRET', 'mt_SECRET', clerk.secretKey];
    const answers = [];
    for (const sent of secrets.slice(0, 3)) {
      for (const target of ['/strict', '/public']) {
        answers.push(await app.withToken(target, `${sent}x`));
        answers.push(await app.send(target, { cookie: `__session=${sent}x; __client_uat=1; __clerk_db_jwt=d` }));
      }
    }
    const said =
      answers.map(({ headers, body }) => JSON.stringify([[...headers], body])).join('\n') + app.logger.lines.join('\n');
    for (const secret of secrets) expect(said).not.toContain(secret);
  });
});
