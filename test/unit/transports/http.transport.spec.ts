import type { ExecutionContext } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { signedOutAuthObject } from '@clerk/backend/internal';

import type { Identity } from '../../../lib/authentication/identity/identity.js';
import type { Denial } from '../../../lib/errors/denial.js';
import { attachedIdentity, attachedUserLoader } from '../../../lib/transports/attachment.js';
import { HttpTransport } from '../../../lib/transports/http/http.transport.js';

const headers = () =>
  new Headers([
    ['x-clerk-auth-status', 'signed-in'],
    ['set-cookie', '__session=a'],
    ['set-cookie', '__client_uat=1'],
  ]);
const identity = (): Identity => ({
  status: 'signed-in',
  tokenType: 'session_token',
  reason: null,
  hasCredentials: true,
  headers: headers(),
  toAuth: () => signedOutAuthObject(),
});

const loader = { load: () => Promise.reject(new Error('nobody asks')) };

function setUp(platform = 'express', source: object = {}) {
  const said: string[] = [];
  const httpAdapter = {
    getType: () => platform,
    setHeader: (_response: object, name: string, value: string) => said.push(`set ${name}=${value}`),
    appendHeader: (_response: object, name: string, value: string) => said.push(`append ${name}=${value}`),
  };
  const request = { url: '/', headers: {}, ...source };
  const context = {
    getType: () => 'http',
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => ({}) }),
  } as unknown as ExecutionContext;
  return { said, context, request, transport: new HttpTransport({ httpAdapter } as unknown as HttpAdapterHost) };
}

describe('HttpTransport', () => {
  it('tells the client what Clerk says, cookies one by one', () => {
    const { said, context, transport } = setUp();
    transport.attach(context, identity(), loader);
    expect(said.sort()).toEqual([
      'append set-cookie=__client_uat=1',
      'append set-cookie=__session=a',
      'set x-clerk-auth-status=signed-in',
    ]);
  });

  it('tells it once, however often a guard runs; another identity is told anew', () => {
    const { said, context, transport } = setUp();
    const first = identity();
    transport.attach(context, first, loader);
    transport.attach(context, first, loader);
    expect(said).toHaveLength(3);
    transport.attach(context, identity(), loader);
    expect(said).toHaveLength(6);
  });

  it('tells it nothing where Clerk says nothing', () => {
    const { said, context, transport } = setUp();
    transport.attach(context, { ...identity(), headers: new Headers() }, loader);
    expect(said).toEqual([]);
  });

  it('makes the caller known to the handler', () => {
    const { context, request, transport } = setUp();
    const first = identity();
    transport.attach(context, first, loader);
    expect(attachedIdentity(request)).toBe(first);
    expect(attachedUserLoader(request)).toBe(loader);
    expect(request).toHaveProperty('auth.userId', null);
  });

  const raw = { headers: {}, url: '/' };
  it.each<[string, 'raw' | 'request']>([
    ['express', 'request'],
    ['fastify', 'raw'],
  ])('keeps the identity where every part of an application on %s sees it', (platform, place) => {
    const { context, request, transport } = setUp(platform, { raw, headers: raw.headers });
    const carrier = place === 'raw' ? raw : request;
    expect(transport.carrier(context)).toBe(carrier);
    expect(transport.credentials(context)).toMatchObject({ target: '/' });
    expect(transport.credentials(context)).toHaveProperty('carrier', carrier);
    expect(transport.credentials(context)).toHaveProperty('source', request);
  });

  it('takes a request with other headers than the one that it wraps for a request of its own', () => {
    const { context, request, transport } = setUp('fastify', { raw, headers: { authorization: 'Bearer b' } });
    expect(transport.carrier(context)).toBe(request);
  });

  it('denies a call whose request is frozen, and says so', () => {
    const { context, request, transport } = setUp();
    Object.freeze(request);
    expect(() => transport.attach(context, identity(), loader)).toThrow(
      'A call of the execution context type "http" was denied: its request is frozen, so that nothing can be kept on it.',
    );
  });

  it('refuses what cannot be a request', () => {
    const { context, transport } = setUp('express', { url: '//evil.example' });
    expect(transport.credentials(context)).toMatchObject({ denial: { status: 400, code: 'malformed-request' } });
  });

  const denial: Denial = { status: 401, code: 'token-invalid', message: 'No.' };
  const challenge = 'Bearer error="invalid_token"';

  it.each<[Partial<Denial>, string[]]>([
    [{}, []],
    [{ challenge }, [`set www-authenticate=${challenge}`]],
    [{ status: 302, location: '/in' }, ['set location=/in', 'set cache-control=no-store']],
  ])('refuses with what HTTP says beside the status: %j', (more, headers) => {
    const { said, context, transport } = setUp();
    expect(transport.deny(context, { ...denial, ...more })).toMatchObject({ status: more.status ?? 401 });
    expect(said).toEqual(headers);
  });

  it.each<[string, object, number, string[]]>([
    ['of its own status', { statusCode: 418 }, 418, []],
    ['of the denial’s', {}, 401, [`set www-authenticate=${challenge}`]],
  ])('refuses with an error of the application, %s', (_, more, status, headers) => {
    const { said, context, transport } = setUp();
    const error = Object.assign(new Error('mine'), more);
    expect(transport.denyWith(context, error, { ...denial, challenge })).toMatchObject({ status, message: 'mine' });
    expect(said).toEqual(headers);
  });
});
