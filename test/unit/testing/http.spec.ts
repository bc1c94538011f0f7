import { request } from 'node:http';

import { LocalClerk } from '../../../lib/testing/index.js';
import { bearing, call, clerkError, sdkOf } from './support.js';

describe('the Backend API of the local Clerk', () => {
  let clerk: LocalClerk;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk.stop());
  beforeEach(() => clerk.reset());

  const error = (code: string) => ({
    errors: [expect.objectContaining({ code, message: expect.any(String), long_message: expect.any(String) })],
    clerk_trace_id: expect.stringMatching(/^[0-9a-z]{32}$/),
  });

  it('has the content type application/json without a charset, also for errors', async () => {
    for (const path of ['/v1/users', '/v1/nothing']) {
      expect((await call(clerk, path)).headers.get('content-type')).toBe('application/json');
    }
  });

  it.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['a wrong key', { authorization: 'Bearer sk_test_wrong' }],
    ['a key without a scheme', { authorization: 'KEY' }],
    ['a key with another scheme', { authorization: 'Basic KEY' }],
    ['an empty key', { authorization: 'Bearer ' }],
  ])('returns 401 clerk_key_invalid for %s', async (_, headers) => {
    const sent = Object.entries(headers).map(([name, value]) => [name, value.replace('KEY', clerk.secretKey)]);
    const response = await fetch(`${clerk.url}/v1/users`, { headers: Object.fromEntries(sent) });
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual(error('clerk_key_invalid'));
  });

  it('makes Clerk’s SDK report secret-key-invalid for a wrong secret key', async () => {
    const wrongKey = sdkOf(clerk, { secretKey: 'sk_test_stranger' });
    const state = await wrongKey.authenticateRequest(bearing(await clerk.sessionToken()));
    expect(state).toMatchObject({ isAuthenticated: false, reason: 'secret-key-invalid' });
    await expect(wrongKey.users.getUser('user_1')).rejects.toEqual(clerkError(401, 'clerk_key_invalid'));
  });

  it.each<[string, string, string, number, string, string?]>([
    ['an unknown path', 'GET', '/v1/nothing', 404, 'resource_not_found'],
    ['an unversioned path under /v1', 'GET', '/v1/api_keys', 404, 'resource_not_found'],
    ['an unsupported method', 'DELETE', '/v1/users', 405, 'method_not_allowed'],
    ['a truncated JSON body', 'POST', '/v1/users', 400, 'request_body_invalid', '{"first_name":'],
    ['a body that is an array', 'POST', '/v1/users', 400, 'request_body_invalid', '[]'],
    ['a body that is null', 'POST', '/v1/users', 400, 'request_body_invalid', 'null'],
    ['a body over 1 MiB', 'POST', '/v1/users', 413, 'request_body_too_large', `"${'x'.repeat(1024 * 1024)}"`],
    ['a missing parameter', 'POST', '/v1/organizations', 422, 'form_param_missing'],
    ['a path with an invalid percent-encoding', 'GET', '/v1/users/%E0%A4%A', 404, 'resource_not_found'],
  ])('rejects %s with its status and code', async (_, method, path, status, code, body = undefined) => {
    const answer = await call(clerk, path, { method, body });
    expect(answer).toMatchObject({ status, json: error(code) });
    expect(clerk.requests).toMatchObject([{ method, path, status }]);
  });

  it('accepts a body of exactly 1 MiB', async () => {
    const filler = 'x'.repeat(1024 * 1024 - '{"username":"a","x":""}'.length);
    const answer = await call(clerk, '/v1/users', { method: 'POST', body: `{"username":"a","x":"${filler}"}` });
    expect(answer.status).toBe(200);
  });

  it('accepts percent-encoded slugs, a ? in the query and a trailing slash', async () => {
    clerk.createOrganization({ slug: 'größe/1' });
    expect((await call(clerk, `/v1/organizations/${encodeURIComponent('größe/1')}`)).status).toBe(200);
    expect((await call(clerk, '/v1/users?query=a?b')).status).toBe(200);
    expect((await call(clerk, '/v1/users/')).status).toBe(200);
  });

  it('returns 500 for an unexpected exception, and serves later requests', async () => {
    const user = clerk.createUser();
    Object.defineProperty(user, 'id', { get: () => assert() });
    const assert = () => {
      throw new Error('unforeseen');
    };
    expect(await call(clerk, '/v1/users')).toMatchObject({ status: 500, json: error('internal_clerk_error') });
    clerk.reset();
    expect((await call(clerk, '/v1/users')).status).toBe(200);
  });

  it('returns 404 for request targets that are not paths', async () => {
    for (const path of ['http://evil.example/v1/users', '//evil.example/v1/users', '*', '/?']) {
      const status = await new Promise((resolve, reject) => {
        const { port } = new URL(clerk.url);
        const headers = { authorization: `Bearer ${clerk.secretKey}` };
        const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        });
        sent.on('error', reject).end();
      });
      expect([path, status]).toEqual([path, 404]);
    }
  });
});
