import { LocalClerk, type Outage } from '../../../lib/testing/index.js';
import { bearing, call, sdkOf } from './support.js';

describe('an outage', () => {
  let clerk: LocalClerk;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk.stop());
  beforeEach(() => clerk.reset());

  const users = (init?: RequestInit) =>
    fetch(`${clerk.url}/v1/users`, { headers: { authorization: `Bearer ${clerk.secretKey}` }, ...init });

  it('cuts connections', async () => {
    clerk.outage('refuse');
    await expect(users()).rejects.toThrow('fetch failed');
    expect(clerk.requests).toMatchObject([{ path: '/v1/users', status: undefined }]);
    await expect(sdkOf(clerk).users.getUser('user_1')).rejects.toMatchObject({ status: undefined });
  });

  it('hangs', async () => {
    clerk.outage('hang');
    const giveUp = new AbortController();
    const answer = users({ signal: giveUp.signal }).catch((error: Error) => error.name);
    while (clerk.countRequests() === 0) await new Promise(setImmediate);
    expect(clerk.requests).toMatchObject([{ status: undefined }]);
    giveUp.abort();
    expect(await answer).toBe('AbortError');
  });

  it('answers half a body', async () => {
    clerk.outage('garbage');
    const response = await users();
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow('JSON');
    await expect(sdkOf(clerk).users.getUser('user_1')).rejects.toMatchObject({ status: 200 });
  });

  it('answers a status with an error of Clerk', async () => {
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

  it('answers a status with a page', async () => {
    clerk.outage({ status: 502, html: true });
    const response = await users();
    expect(response.status).toBe(502);
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(await response.text()).toMatch(/^<html>/);
  });

  it('delays the right answer, and drops it where nobody waits', async () => {
    clerk.outage({ delay: 1 });
    expect((await users()).status).toBe(200);
    clerk.outage({ delay: 5 });
    const giveUp = new AbortController();
    const answer = users({ signal: giveUp.signal }).catch((error: Error) => error.name);
    while (clerk.countRequests() === 1) await new Promise(setImmediate);
    giveUp.abort();
    expect(await answer).toBe('AbortError');
    expect((await users()).status).toBe(200);
    expect(clerk.requests.map(({ status }) => status)).toEqual([200, undefined, 200]);
  });

  it.each<Outage>(['refuse', 'garbage', { status: 500 }])('of %p ends', async (kind) => {
    clerk.outage(kind);
    await users().catch(() => undefined);
    clerk.recover();
    expect((await users()).status).toBe(200);
    clerk.outage(kind);
    clerk.reset();
    expect((await users()).status).toBe(200);
  });

  it('keeps to a part of the API', async () => {
    const token = await clerk.sessionToken();
    const key = clerk.createApiKey({ subject: clerk.createUser() });
    clerk.outage({ status: 500 }, '/api_keys');
    const sdk = sdkOf(clerk);
    expect((await sdk.authenticateRequest(bearing(token))).isAuthenticated).toBe(true);
    const state = await sdk.authenticateRequest(bearing(key.secret), { acceptsToken: 'api_key' });
    expect(state).toMatchObject({ isAuthenticated: false, reason: 'unexpected-error' });
  });
});
