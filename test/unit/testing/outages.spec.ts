import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { simulate } from '../../../lib/testing/local-clerk/faults.js';
import { LocalClerk, type Outage } from '../../../lib/testing/index.js';
import { bearing, call, sdkOf } from './support.js';

describe('an outage of the local Clerk', () => {
  let clerk: LocalClerk;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk.stop());
  beforeEach(() => clerk.reset());

  const users = (init?: RequestInit) =>
    fetch(`${clerk.url}/v1/users`, { headers: { authorization: `Bearer ${clerk.secretKey}` }, ...init });

  it('"refuse" closes connections without a response', async () => {
    clerk.outage('refuse');
    await expect(users()).rejects.toThrow('fetch failed');
    expect(clerk.requests).toMatchObject([{ path: '/v1/users', status: undefined }]);
    await expect(sdkOf(clerk).users.getUser('user_1')).rejects.toMatchObject({ status: undefined });
  });

  it('"hang" never responds', async () => {
    clerk.outage('hang');
    const giveUp = new AbortController();
    const answer = users({ signal: giveUp.signal }).catch((error: Error) => error.name);
    while (clerk.countRequests() === 0) await new Promise(setImmediate);
    expect(clerk.requests).toMatchObject([{ status: undefined }]);
    giveUp.abort();
    expect(await answer).toBe('AbortError');
  });

  it('"reset" closes connections in the middle of the body', async () => {
    clerk.outage('reset');
    const response = await users();
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
  });

  it('"drip" sends an endless body until the client aborts', async () => {
    clerk.outage('drip');
    const giveUp = new AbortController();
    const response = await users({ signal: giveUp.signal });
    const reader = response.body!.getReader();
    for (let time = 0; time < 3; time++) expect((await reader.read()).done).toBe(false);
    giveUp.abort();
    await expect(reader.read()).rejects.toThrow('aborted');
  });

  it.each<[unknown, string, string]>([
    ['', '', 'application/json'],
    ['<h1>', '<h1>', 'text/html'],
    [{ keys: [] }, '{"keys":[]}', 'application/json'],
    [null, 'null', 'application/json'],
  ])('with the body %j responds with 200 and that body', async (body, text, contentType) => {
    clerk.outage({ body, contentType });
    const response = await users();
    expect([response.status, response.headers.get('content-type')]).toEqual([200, contentType]);
    expect(await response.text()).toBe(text);
  });

  it('with a location responds with a redirect', async () => {
    clerk.outage({ status: 302, location: 'https://elsewhere.test/' });
    const { status, headers } = await users({ redirect: 'manual' });
    expect([status, headers.get('location')]).toEqual([302, 'https://elsewhere.test/']);
  });

  it('given as a list applies its entries to consecutive requests in turn', async () => {
    clerk.outage([{ status: 500 }, 'healthy', { status: 502 }, { delay: 1 }]);
    const statuses: number[] = [];
    for (let time = 0; time < 6; time++) statuses.push((await users()).status);
    expect(statuses).toEqual([500, 200, 502, 200, 500, 200]);
  });

  it('"garbage" responds with 200 and truncated JSON', async () => {
    clerk.outage('garbage');
    const response = await users();
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow('JSON');
    await expect(sdkOf(clerk).users.getUser('user_1')).rejects.toMatchObject({ status: 200 });
  });

  it('with a status responds with an error of Clerk and the given Retry-After', async () => {
    clerk.outage({ status: 429, retryAfter: 30 });
    await expect(sdkOf(clerk).users.getUser('user_1')).rejects.toMatchObject({
      status: 429,
      retryAfter: 30,
      errors: [{ code: 'too_many_requests' }],
    });
    clerk.outage({ status: 503 });
    const answer = await call(clerk, '/v1/users');
    expect(answer).toMatchObject({ status: 503, json: { errors: [{ code: 'internal_clerk_error' }] } });
    expect(answer.headers.has('retry-after')).toBe(false);
    expect(clerk.requests.map(({ status }) => status)).toEqual([429, 503]);
  });

  it('with html responds with an HTML page', async () => {
    clerk.outage({ status: 502, html: true });
    const response = await users();
    expect(response.status).toBe(502);
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(await response.text()).toMatch(/^<html>/);
  });

  it('with a delay responds correctly', async () => {
    clerk.outage({ delay: 1 });
    expect((await users()).status).toBe(200);
  });

  it('with a delay ends early when the client aborts', async () => {
    const giveUp = new AbortController();
    const dropped = new Promise<boolean>((resolve, reject) => {
      const server = createServer((request, response) => {
        simulate({ delay: 600_000 }, 0, request, response).then((waits) => server.close(() => resolve(!waits)), reject);
        giveUp.abort();
      }).listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        fetch(`http://127.0.0.1:${port}`, { signal: giveUp.signal }).catch(() => undefined);
      });
    });
    expect(await dropped).toBe(true);
  });

  it.each<Outage>(['refuse', 'garbage', { status: 500 }])(
    'of %p ends with recover() and with reset()',
    async (kind) => {
      clerk.outage(kind);
      await users().catch(() => undefined);
      clerk.recover();
      expect((await users()).status).toBe(200);
      clerk.outage(kind);
      clerk.reset();
      expect((await users()).status).toBe(200);
    },
  );

  it('with a path applies only to that part of the API', async () => {
    const token = await clerk.sessionToken();
    const key = clerk.createApiKey({ subject: clerk.createUser() });
    clerk.outage({ status: 500 }, '/api_keys');
    const sdk = sdkOf(clerk);
    expect((await sdk.authenticateRequest(bearing(token))).isAuthenticated).toBe(true);
    const state = await sdk.authenticateRequest(bearing(key.secret), { acceptsToken: 'api_key' });
    expect(state).toMatchObject({ isAuthenticated: false, reason: 'unexpected-error' });
  });
});
