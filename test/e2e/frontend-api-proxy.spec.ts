import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type AddressInfo } from 'node:net';

import { Body, Controller, Get, Post } from '@nestjs/common';

import { frontendApiProxy, Public, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict() {}
  @Post('echo') @Public() echo(@Body() body: object) {
    return body;
  }
}

describe.each(PLATFORMS)('frontendApiProxy on %s', (_, platform) => {
  let clerk: LocalClerk;
  let frontendApi: Server;
  let received: { method: string; url: string; headers: IncomingHttpHeaders; body: Buffer }[];
  const apps: TestApp[] = [];
  const environment = { ...process.env };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url = '', headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks) });
      response.setHeader('set-cookie', ['__client=a; HttpOnly', '__client_uat=1']);
      if (url.startsWith('/v1/moved')) response.writeHead(307, { location: '/v1/there?x=1' }).end();
      else response.writeHead(201, { 'content-type': 'application/json' }).end('{"from":"clerk"}');
    };
    frontendApi = createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => frontendApi.listen(0, '127.0.0.1', resolve));
    process.env.CLERK_FAPI_URL = `http://127.0.0.1:${(frontendApi.address() as AddressInfo).port}`;
  });
  beforeEach(() => (received = []));
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => {
    process.env = environment;
    frontendApi?.close();
    return clerk?.stop();
  });

  async function start(options: ClerkModuleOptions) {
    const app = await TestApp.on(platform)
      .clerk({ ...clerk.options, proxyUrl: undefined, ...options })
      .controllers(Routes)
      .before((nest) => nest.use(frontendApiProxy(nest)))
      .start();
    apps.push(app);
    return app;
  }
  const url = (app: TestApp, path: string) => `http://127.0.0.1:${app.port}${path}`;

  it('forwards requests with path, query, keys and the body byte for byte', async () => {
    const app = await start({ frontendApiProxy: { enabled: true } });
    const body = Buffer.from('{"a": 1,\n  "b":"\u00fc"} ', 'latin1');
    const answer = await fetch(url(app, '/__clerk/v1/client?a=b&c=%20'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect([answer.status, await answer.json()]).toEqual([201, { from: 'clerk' }]);
    expect(answer.headers.getSetCookie()).toEqual(['__client=a; HttpOnly', '__client_uat=1']);
    expect(received).toEqual([expect.objectContaining({ method: 'POST', url: '/v1/client?a=b&c=%20', body })]);
    expect(received[0]!.headers).toMatchObject({
      'clerk-secret-key': clerk.secretKey,
      'clerk-proxy-url': url(app, '/__clerk'),
    });
    expect(answer.headers.get('clerk-secret-key')).toBeNull();
  });

  it('forwards a body of unknown length', async () => {
    const app = await start({ frontendApiProxy: { enabled: true } });
    const body = new Blob(['a', 'b']).stream();
    await fetch(url(app, '/__clerk/v1/client'), { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(received).toEqual([expect.objectContaining({ method: 'POST', body: Buffer.from('ab') })]);
  });

  it('rewrites redirects of Clerk to its own path', async () => {
    const app = await start({ frontendApiProxy: { enabled: true } });
    const answer = await fetch(url(app, '/__clerk/v1/moved'), { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([307, '/__clerk/v1/there?x=1']);
  });

  it('leaves the application’s own routes and their body parsers alone', async () => {
    const app = await start({ frontendApiProxy: { enabled: true } });
    const own = await fetch(url(app, '/echo'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    });
    expect(await own.json()).toEqual({ a: 1 });
    expect((await fetch(url(app, '/__clerks/v1'))).status).toBe(404);
    expect((await fetch(url(app, '/strict'))).status).toBe(401);
    expect(received).toEqual([]);
  });

  it('receives handshakes at the path that the option sets', async () => {
    const app = await start({ frontendApiProxy: { enabled: true, path: '/auth/clerk/' } });
    const { headers } = await app.send('/strict', { accept: 'text/html', 'sec-fetch-dest': 'document' });
    expect(headers.get('location')).toMatch(/^\/auth\/clerk\/v1\/client\/handshake\?/);
    expect((await fetch(url(app, '/auth/clerk/v1/x'))).status).toBe(201);
  });

  it('returns 404 for URLs that it is not enabled for', async () => {
    const app = await start({ frontendApiProxy: { enabled: ({ host }) => host === 'proxied.example' } });
    expect((await app.send('/__clerk/v1/x')).status).toBe(404);
    expect((await app.send('/__clerk/v1/x', { host: 'proxied.example' })).status).toBe(201);
    expect((await app.send('/__clerk/v1/x', { 'x-forwarded-host': 'proxied.example' })).status).toBe(404);
    const off = await start({ frontendApiProxy: { enabled: false } });
    expect((await off.send('/__clerk/v1/x')).status).toBe(404);
  });

  it('sends the secret key only to Clerk, whatever the target', async () => {
    const app = await start({ frontendApiProxy: { enabled: true } });
    for (const target of [
      '/__clerk',
      '/__clerk?a=b',
      '/__clerk//evil.example/x',
      '/__clerk/\\evil.example',
      '/__clerk/@evil.example',
      'http://evil.example/__clerk/x',
    ]) {
      await app.send(target);
    }
    expect(received.map(({ url: path }) => path)).toEqual(expect.arrayContaining(['/', '/?a=b']));
    expect(received.every(({ headers }) => headers.host === new URL(process.env.CLERK_FAPI_URL!).host)).toBe(true);
  });

  it('forwards an HTTP/1.0 request without a Host header', async () => {
    const app = await start({ frontendApiProxy: { enabled: true } });
    const socket = connect(app.port, '127.0.0.1').setEncoding('utf8');
    socket.write('GET /__clerk/v1/x HTTP/1.0\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
    expect(received).toHaveLength(1);
  });

  it('returns 500 if enabled() throws, and forwards nothing', async () => {
    const enabled = () => {
      throw new Error('cannot tell');
    };
    const app = await start({ frontendApiProxy: { enabled } });
    expect((await app.send('/__clerk/v1/x')).status).toBe(500);
    expect(received).toEqual([]);
  });

  it('fails to boot if the option frontendApiProxy is missing, and the error names it', async () => {
    await expect(start({})).rejects.toMatchObject({
      code: 'invalid-configuration',
      problems: [expect.stringContaining('set the option frontendApiProxy as well')],
    });
  });
});
