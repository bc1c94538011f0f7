import { connect, type Socket } from 'node:net';

import { clerkFrontendApiProxy } from '@clerk/backend/proxy';
import { Controller, Get } from '@nestjs/common';
import { json } from 'express';

import { frontendApiProxy, Public, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { FrontendApi } from '../support/frontend-api.js';
import { PLATFORMS } from '../support/platforms.js';
import { exchange, type RawRequest } from '../support/raw-http.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('public') @Public() public() {
    return 'of the application';
  }
}

const ENABLED = { frontendApiProxy: { enabled: true } } as const;
const UNAVAILABLE = { statusCode: 503, code: 'clerk-unavailable' };
const MISCONFIGURED = { statusCode: 500, code: 'invalid-configuration' };

describe.each(PLATFORMS)('frontendApiProxy on %s', (_, platform) => {
  let clerk: LocalClerk;
  let api: FrontendApi;
  let uncaught: unknown[];
  const apps: TestApp[] = [];
  const sockets: Socket[] = [];
  const environment = { ...process.env };
  const recordUncaught = (error: unknown) => void uncaught.push(error);

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    api = await FrontendApi.start();
    process.on('uncaughtExceptionMonitor', recordUncaught);
  });
  beforeEach(() => {
    process.env = { ...environment, CLERK_FAPI_URL: api.url };
    uncaught = [];
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await Promise.all(apps.splice(0).map((app) => app.close()));
    api.reset();
    expect(uncaught).toEqual([]);
  });
  afterAll(() => {
    process.env = environment;
    process.off('uncaughtExceptionMonitor', recordUncaught);
    api?.stop();
    return clerk?.stop();
  });

  async function start(options: ClerkModuleOptions = ENABLED, trustProxy: boolean | string = false) {
    const app = await TestApp.on(platform)
      .trustingItsProxy(trustProxy)
      .clerk({ ...clerk.options, proxyUrl: undefined, ...options })
      .controllers(Routes)
      .before((nest) => nest.use(frontendApiProxy(nest)))
      .start();
    apps.push(app);
    return app;
  }
  const send = ({ port }: TestApp, request: Partial<RawRequest> = {}) =>
    exchange(port, { target: '/__clerk/v1/x', ...request });
  /** Opens a connection, and sends the text as it is. */
  async function open({ port }: TestApp, text: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    socket.write(text);
    return socket;
  }
  const head = (line: string, ...headers: string[]) =>
    [`${line} HTTP/1.1`, 'Host: api.example.com', ...headers, '', ''].join('\r\n');
  const warnings = ({ logger }: TestApp) =>
    logger.lines.filter((line) => /^(warn|error) /.test(line) && !line.includes('authorizedParties'));

  describe('in requests,', () => {
    it.each(['GET', 'HEAD'])(
      'forwards no body of %s requests, whether empty, with a length or chunked',
      async (method) => {
        const app = await start();
        for (const [header, value, body] of [
          ['Content-Length', '0', ''],
          ['Content-Length', '3', 'abc'],
          ['Transfer-Encoding', 'chunked', '3\r\nabc\r\n0\r\n\r\n'],
          ['Transfer-Encoding', 'chunked', '0\r\n\r\n'],
        ] as const) {
          const { status } = await send(app, { method, headers: [[header, value]], body });
          expect([header, value, status]).toEqual([header, value, 201]);
        }
        expect(api.received).toHaveLength(4);
        for (const { headers, body } of api.received) {
          expect([body.length, headers['content-length'], headers['transfer-encoding']]).toEqual([
            0,
            undefined,
            undefined,
          ]);
        }
      },
    );

    it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
      'forwards the body of %s requests with a length, chunked or empty',
      async (method) => {
        const app = await start();
        for (const [header, value, body, due] of [
          ['Content-Length', '3', 'abc', 'abc'],
          ['Transfer-Encoding', 'chunked', '3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n', 'abcd'],
          ['Content-Length', '0', '', ''],
        ] as const) {
          expect((await send(app, { method, headers: [[header, value]], body })).status).toBe(201);
          expect(api.received.at(-1)).toMatchObject({ method, body: Buffer.from(due) });
        }
        expect((await send(app, { method })).status).toBe(201);
      },
    );

    it('forwards a body that is sent after Expect: 100-continue, but not the header', async () => {
      const app = await start();
      const headers = [
        ['Expect', '100-continue'],
        ['Content-Length', '3'],
      ] as const;
      const { status } = await send(app, { method: 'POST', headers, body: 'abc' });
      expect(status).toBe(201);
      expect(api.received).toMatchObject([{ body: Buffer.from('abc') }]);
      expect(api.received[0]!.headers).not.toHaveProperty('expect');
    });

    it('forwards a body of several megabytes byte for byte', async () => {
      const app = await start();
      const body = Buffer.alloc(8 << 20, 'clerk');
      const answer = await fetch(`http://127.0.0.1:${app.port}/__clerk/v1/x`, { method: 'POST', body });
      expect(answer.status).toBe(201);
      expect(api.received[0]!.body.equals(body)).toBe(true);
      expect(api.received[0]!.headers['content-length']).toBe(String(body.length));
    });

    it('returns 400 for unsupported transfer encodings, and forwards nothing', async () => {
      const app = await start();
      const body = '3\r\nabc\r\n0\r\n\r\n';
      for (const encoding of ['gzip, chunked', 'chunked, chunked']) {
        const { status } = await send(app, { method: 'POST', headers: [['Transfer-Encoding', encoding]], body });
        expect([encoding, status]).toEqual([encoding, 400]);
      }
      expect(api.received).toEqual([]);
    });

    it('does not forward hop-by-hop headers, nor headers that Connection names', async () => {
      const app = await start();
      const headers = [
        ...[
          ['Connection', 'upgrade, x-hop'],
          ['Upgrade', 'h2c'],
          ['X-Hop', '1'],
          ['Keep-Alive', 'timeout=5'],
          ['TE', 'trailers'],
        ],
        ...[
          ['Proxy-Authorization', 'Basic eDp5'],
          ['Proxy-Connection', 'keep-alive'],
          ['Trailer', 'x-after'],
          ['X-Kept', '1'],
        ],
      ] as [string, string][];
      expect((await send(app, { headers })).status).toBe(201);
      const sent = api.received[0]!.headers;
      expect(sent).toMatchObject({ 'x-kept': '1' });
      for (const name of ['x-hop', 'upgrade', 'te', 'proxy-authorization', 'proxy-connection', 'trailer']) {
        expect(sent).not.toHaveProperty(name);
      }
      expect(sent.connection).not.toMatch(/upgrade|x-hop/);
    });

    it('overwrites headers of Clerk and of proxies that the client has sent', async () => {
      const app = await start();
      const forged = [
        ...[
          ['Clerk-Secret-Key', 'sk_test_evil'],
          ['Clerk-Secret-Key', 'sk_test_more'],
          ['Clerk-Proxy-Url', 'https://evil.example/'],
        ],
        ...[
          ['X-Forwarded-Host', 'evil.example'],
          ['X-Forwarded-Proto', 'javascript'],
          ['X-Forwarded-Port', '99'],
        ],
        ...[
          ['X-Forwarded-For', '203.0.113.9'],
          ['X-Real-IP', '203.0.113.9'],
          ['CF-Connecting-IP', '203.0.113.9'],
        ],
        ...[
          ['True-Client-IP', '203.0.113.9'],
          ['Forwarded', 'for=203.0.113.9;host=evil.example'],
          ['Connection', 'clerk-secret-key'],
        ],
      ] as [string, string][];
      await send(app, { headers: forged });
      const { headers } = api.received[0]!;
      expect(JSON.stringify(headers)).not.toMatch(/evil|203\.0\.113|javascript|"99"/);
      expect(headers).toMatchObject({
        'clerk-secret-key': clerk.secretKey,
        'clerk-proxy-url': 'http://api.example.com/__clerk',
        'x-forwarded-host': 'api.example.com',
        'x-forwarded-proto': 'http',
        'x-forwarded-for': '127.0.0.1',
        host: new URL(api.url).host,
      });
    });

    it('forwards the address, host and protocol that a trusted proxy reports', async () => {
      const app = await start(ENABLED, '127.0.0.1');
      await send(app, {
        headers: [
          ['X-Forwarded-Host', 'app.example.com'],
          ['X-Forwarded-Proto', 'https'],
          ['X-Forwarded-For', '203.0.113.7'],
        ],
      });
      expect(api.received[0]!.headers).toMatchObject({
        'clerk-proxy-url': 'https://app.example.com/__clerk',
        'x-forwarded-host': 'app.example.com',
        'x-forwarded-proto': 'https',
        'x-forwarded-for': '203.0.113.7',
      });
    });

    it('forwards the same as Clerk’s own proxy', async () => {
      const app = await start();
      const headers = {
        accept: 'application/json',
        cookie: 'a=b; c=d',
        authorization: 'a-client',
        origin: 'http://o.example',
        'content-type': 'text/plain',
      };
      const target = `http://127.0.0.1:${app.port}/__clerk/v1/client?a=b&c=%20`;
      const { publishableKey, secretKey } = clerk;
      await clerkFrontendApiProxy(new Request(target, { method: 'POST', headers, body: 'abc' }), {
        publishableKey,
        secretKey,
      });
      await fetch(target, { method: 'POST', headers, body: 'abc' });
      const [theirs, ours] = api.received.map(({ headers: all, ...rest }) => {
        // These depend on the connection, and Clerk's own proxy does not know the client's address.
        const {
          connection,
          'content-length': _length,
          'transfer-encoding': _encoding,
          'x-forwarded-for': _for,
          ...kept
        } = all;
        return { ...rest, connection, headers: kept };
      });
      expect(ours).toEqual(theirs);
    });
  });

  describe('by path,', () => {
    it.each([
      '/__clerk/../public',
      '/__clerk/%2e%2e/public',
      '/__clerk/v1/../../public',
      '/__clerk%2f..',
      '/__clerk%2fv1',
      '/__CLERK/v1',
    ])('does not forward %s, but leaves it to the application', async (target) => {
      const app = await start();
      expect((await send(app, { target })).status).toBe(404);
      expect(api.received).toEqual([]);
    });

    it.each([
      ['/__clerk/v1/../v2', '/v2'],
      ['/__clerk//evil.example/x', '//evil.example/x'],
      ['/__clerk/\\evil.example', '//evil.example'],
      ['/__clerk/@evil.example', '/@evil.example'],
      ['/__clerk/%2e%2e%2fv1', '/%2e%2e%2fv1'],
      ['/__clerk', '/'],
      ['/__clerk?a=b', '/?a=b'],
    ])('forwards %s to the host of Clerk as %s', async (target, url) => {
      const app = await start();
      expect((await send(app, { target })).status).toBe(201);
      expect(api.received.map((one) => [one.headers.host, one.url])).toEqual([[new URL(api.url).host, url]]);
    });

    it('returns 400 for a target outside of this server and for TRACE, and forwards nothing', async () => {
      const app = await start();
      for (const request of [{ target: '/__clerk/..//evil.example' }, { method: 'TRACE' }]) {
        expect(await send(app, request)).toMatchObject({ status: 400, body: { code: 'malformed-request' } });
      }
      expect(api.received).toEqual([]);
    });
  });

  describe('in responses,', () => {
    it('forwards status and headers, but no hop-by-hop headers', async () => {
      const app = await start();
      api.answer('/v1/x', (_request, response) => {
        response.setHeader('set-cookie', ['a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT', 'b=2', 'c=3']);
        response.setHeader('connection', 'close, x-hop');
        response.writeHead(418, {
          'x-hop': '1',
          'proxy-authenticate': 'Basic',
          'x-kept': '1',
          'cache-control': 'no-store',
        });
        response.end('tea');
      });
      const { status, headers, lines } = await send(app);
      expect([status, headers.get('x-kept'), headers.get('cache-control')]).toEqual([418, '1', 'no-store']);
      expect([headers.get('x-hop'), headers.get('proxy-authenticate')]).toEqual([null, null]);
      expect(lines.filter((line) => /^set-cookie/i.test(line))).toHaveLength(3);
    });

    it.each([204, 304])('forwards the status %i without a body', async (code) => {
      const app = await start();
      api.answer('/v1/x', (_request, response) => response.writeHead(code).end());
      expect(await send(app)).toMatchObject({ status: code, body: '' });
    });

    it('forwards no body in response to HEAD', async () => {
      const app = await start();
      expect(await send(app, { method: 'HEAD' })).toMatchObject({ status: 201, body: '' });
    });

    it.each<[string, (here: string, there: string) => string, string]>([
      ['to a path of Clerk, through the proxy', () => '/v1/there?x=1#y', '/__clerk/v1/there?x=1#y'],
      ['to a relative path of Clerk, through the proxy', () => 'there', '/__clerk/v1/there'],
      ['to a URL of Clerk, through the proxy', (_here, there) => `${there}/v1/there`, '/__clerk/v1/there'],
      [
        'to a URL of Clerk with two slashes, through the proxy',
        (_here, there) => `${there}//evil.example`,
        '/__clerk//evil.example',
      ],
      [
        'to a URL of this server, as a path',
        (here) => `${here}/page?__clerk_handshake_nonce=n`,
        '/page?__clerk_handshake_nonce=n',
      ],
      ['to a URL of this server with two slashes, as a path', (here) => `${here}//evil.example`, '/evil.example'],
      [
        'to a URL of another server, unchanged',
        () => 'https://accounts.example.com/x',
        'https://accounts.example.com/x',
      ],
    ])('forwards a redirect %s', async (_how, location, expected) => {
      const app = await start();
      api.answer('/v1/x', (_request, response) =>
        response.writeHead(307, { location: location('http://api.example.com', api.url) }).end(),
      );
      const { status, headers } = await send(app, {
        headers: [['X-Forwarded-Host', 'evil.example']],
      });
      expect([status, headers.get('location')]).toEqual([307, expected]);
    });

    it('forwards an error response of Clerk unchanged', async () => {
      const app = await start();
      api.answer('/v1/x', (_request, response) =>
        response.writeHead(502, { 'content-type': 'application/json' }).end('{"errors":[]}'),
      );
      expect(await send(app)).toMatchObject({ status: 502, body: { errors: [] } });
    });
  });

  describe('when Clerk fails,', () => {
    it('returns 503 if the connection is refused, with or without a body, and logs it once', async () => {
      const app = await start();
      process.env.CLERK_FAPI_URL = 'http://127.0.0.1:9';
      for (const request of [{}, { method: 'POST', headers: [['Content-Length', '3']] as const, body: 'abc' }]) {
        expect(await send(app, request)).toMatchObject({ status: 503, body: UNAVAILABLE });
      }
      expect(warnings(app)).toEqual([expect.stringMatching(/^warn frontendApiProxy: The Frontend API gave no answer/)]);
      expect(app.logger.lines.join()).not.toContain(clerk.secretKey);
    });

    it('returns 503 if the connection is cut before a response', async () => {
      const app = await start();
      api.answer('/v1/x', (request) => request.socket.destroy());
      expect(await send(app)).toMatchObject({ status: 503, body: UNAVAILABLE });
    });

    it('returns 503 if no response begins within timeoutInMs, and ends the call to Clerk', async () => {
      const app = await start({ ...ENABLED, timeoutInMs: 100 });
      api.answer('/v1/x', () => undefined);
      for (const request of [{}, { method: 'POST', headers: [['Content-Length', '3']] as const, body: 'abc' }]) {
        expect(await send(app, request)).toMatchObject({ status: 503, body: UNAVAILABLE });
      }
      await api.until(() => api.abandoned === 2);
    });

    it('keeps the client’s connection open for the next request', async () => {
      const app = await start();
      process.env.CLERK_FAPI_URL = 'http://127.0.0.1:9';
      const body = 'a'.repeat(1 << 20);
      const first = head('POST /__clerk/v1/x', `Content-Length: ${body.length}`) + body;
      const socket = await open(app, first + head('GET /public', 'Connection: close'));
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 200']);
    });

    it('breaks the client’s connection if Clerk’s response breaks off', async () => {
      const app = await start();
      api.answer('/v1/x', (request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.write('half', () => request.socket.destroy());
      });
      await expect(
        fetch(`http://127.0.0.1:${app.port}/__clerk/v1/x`).then((answer) => answer.text()),
      ).rejects.toThrow();
      expect((await app.send('/public')).status).toBe(200);
    });
  });

  describe('when the client leaves', () => {
    it.each<[string, string[], string]>([
      ['while it uploads', ['POST /__clerk/v1/x', 'Content-Length: 1000'], 'abc'],
      ['while it uploads in chunks', ['POST /__clerk/v1/x', 'Transfer-Encoding: chunked'], '3\r\nabc\r\n'],
    ])('%s, ends the call to Clerk and logs nothing', async (_when, [line = '', ...headers], body) => {
      const app = await start();
      for (let time = 0; time < 5; time++) {
        const socket = await open(app, head(line, ...headers) + body);
        // Once another connection has its response, what was sent on this one has arrived.
        await app.send('/public');
        socket.destroy();
      }
      await api.until(() => api.abandoned === 5);
      expect((await app.send('/public')).status).toBe(200);
      expect(warnings(app)).toEqual([]);
      expect(api.received).toEqual([]);
    });

    it('while it waits, ends the call to Clerk and logs nothing', async () => {
      const app = await start();
      api.answer('/v1/x', () => undefined);
      const socket = await open(app, head('GET /__clerk/v1/x'));
      await api.until(() => api.received.length === 1);
      socket.destroy();
      await api.until(() => api.abandoned === 1);
      expect((await app.send('/public')).status).toBe(200);
      expect(warnings(app)).toEqual([]);
    });

    it('while it downloads, ends the call to Clerk and logs nothing', async () => {
      const app = await start();
      api.answer('/v1/x', (_request, response) => {
        response.writeHead(200);
        response.write('half');
      });
      const socket = await open(app, head('GET /__clerk/v1/x'));
      await new Promise((resolve) => socket.once('data', resolve));
      socket.destroy();
      await api.until(() => api.abandoned === 1);
      expect((await app.send('/public')).status).toBe(200);
      expect(warnings(app)).toEqual([]);
    });
  });

  describe('with a wrong setup,', () => {
    it('returns 500 for a tenant without keys, although the environment has keys', async () => {
      process.env.CLERK_SECRET_KEY = 'sk_test_environment';
      process.env.CLERK_PUBLISHABLE_KEY = clerk.publishableKey;
      const tenants: Record<string, object> = {
        'machine.example': { machineSecretKey: 'ask_1' },
        'half.example': { publishableKey: clerk.publishableKey, machineSecretKey: 'ask_1' },
        'whole.example': { publishableKey: clerk.publishableKey, secretKey: clerk.secretKey },
      };
      const none = { publishableKey: undefined, secretKey: undefined };
      const resolveOptions = ({ headers }: { headers: { host: string } }) => tenants[headers.host];
      const app = await start({ ...none, ...ENABLED, resolveOptions: resolveOptions as never });
      for (const host of ['machine.example', 'half.example', 'unknown.example']) {
        expect(await send(app, { headers: [['Host', host]] })).toMatchObject({ status: 500, body: MISCONFIGURED });
      }
      expect(api.received).toEqual([]);
      expect(warnings(app)).toEqual([
        expect.stringContaining(
          'error frontendApiProxy: resolveOptions must return a publishableKey and a secretKey for frontendApiProxy',
        ),
      ]);
      expect((await send(app, { headers: [['Host', 'whole.example']] })).status).toBe(201);
      expect(api.received[0]!.headers['clerk-secret-key']).toBe(clerk.secretKey);
    });

    it('fails to boot if the application has only a machineSecretKey', async () => {
      const keys = { publishableKey: undefined, secretKey: undefined, machineSecretKey: 'ask_1' };
      await expect(start({ ...keys, ...ENABLED })).rejects.toMatchObject({
        code: 'invalid-configuration',
        problems: [expect.stringContaining('set publishableKey and secretKey')],
      });
    });

    it('returns 500 for a body that a parser has already read, and logs how to fix it', async () => {
      if (platform !== PLATFORMS[0][1]) return;
      const app = await TestApp.on(platform)
        .clerk({ ...clerk.options, proxyUrl: undefined, ...ENABLED })
        .controllers(Routes)
        .before((nest) => nest.use(json(), frontendApiProxy(nest)))
        .start();
      apps.push(app);
      const headers = [
        ['Content-Type', 'application/json'],
        ['Content-Length', '2'],
      ] as const;
      expect(await send(app, { method: 'POST', headers, body: '{}' })).toMatchObject({
        status: 500,
        body: MISCONFIGURED,
      });
      expect(warnings(app)).toEqual([expect.stringContaining('use it before any body parser')]);
      expect((await send(app)).status).toBe(201);
    });
  });
});
