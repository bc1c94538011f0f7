import type { ExecutionContext } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { signedOutAuthObject } from '@clerk/backend/internal';

import type { Identity } from '../../../lib/authentication/identity/identity.js';
import type { Denial } from '../../../lib/errors/denial.js';
import { attachedIdentity, attachedUserLoader } from '../../../lib/transports/attachment.js';
import { HttpTransport } from '../../../lib/transports/http/http.transport.js';
import { attachToCall, USER_LOADER } from '../../support/attach.js';

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
  it('sends Clerk’s headers to the client, each cookie separately', () => {
    const { said, context, transport } = setUp();
    attachToCall(transport, context, identity());
    expect(said.sort()).toEqual([
      'append set-cookie=__client_uat=1',
      'append set-cookie=__session=a',
      'set x-clerk-auth-status=signed-in',
    ]);
  });

  it('sends the headers of an identity once if the guard runs twice, and those of another identity again', () => {
    const { said, context, transport } = setUp();
    const first = identity();
    attachToCall(transport, context, first);
    attachToCall(transport, context, first);
    expect(said).toHaveLength(3);
    attachToCall(transport, context, identity());
    expect(said).toHaveLength(6);
  });

  it('sends the headers of a shared identity to each request, and iterates them once', () => {
    const [first, second, shared] = [setUp(), setUp(), identity()];
    const iterated = jest.spyOn(shared.headers, Symbol.iterator);
    attachToCall(first.transport, first.context, shared);
    attachToCall(first.transport, second.context, shared);
    expect(first.said).toHaveLength(6);
    expect(iterated).toHaveBeenCalledTimes(1);
  });

  it('sends no headers if Clerk has none', () => {
    const { said, context, transport } = setUp();
    attachToCall(transport, context, { ...identity(), headers: new Headers() });
    expect(said).toEqual([]);
  });

  it('attaches the identity, the user loader and request.auth', () => {
    const { context, request, transport } = setUp();
    const first = identity();
    attachToCall(transport, context, first);
    expect(attachedIdentity(request)).toBe(first);
    expect(attachedUserLoader(request)).toBe(USER_LOADER);
    expect(request).toHaveProperty('auth.userId', null);
  });

  const raw = { headers: {}, url: '/' };
  it.each<[string, 'raw' | 'request']>([
    ['express', 'raw'],
    ['fastify', 'raw'],
  ])('uses the raw request as the carrier on %s if it has the same headers', (platform, place) => {
    const { context, request, transport } = setUp(platform, { raw, headers: raw.headers });
    const carrier = place === 'raw' ? raw : request;
    expect(transport.carrier(context)).toBe(carrier);
    expect(transport.credentials(context)).toMatchObject({ target: '/' });
    expect(transport.credentials(context)).toHaveProperty('carrier', carrier);
    expect(transport.credentials(context)).toHaveProperty('source', request);
  });

  it('uses a request as its own carrier if its headers differ from those of its raw request', () => {
    const { context, request, transport } = setUp('fastify', { raw, headers: { authorization: 'Bearer b' } });
    expect(transport.carrier(context)).toBe(request);
  });

  it('throws for a frozen request, and the error says why', () => {
    const { context, request, transport } = setUp();
    Object.freeze(request);
    expect(() => attachToCall(transport, context, identity())).toThrow(
      'A call of the execution context type "http" was denied: its request is frozen, so that nothing can be kept on it.',
    );
  });

  it('returns 400 for a target that is not a path of this server', () => {
    const { context, transport } = setUp('express', { url: '//evil.example' });
    expect(transport.credentials(context)).toMatchObject({ denial: { status: 400, code: 'malformed-request' } });
  });

  const denial: Denial = { status: 401, code: 'token-invalid', message: 'No.' };
  const challenge = 'Bearer error="invalid_token"';

  it.each<[Partial<Denial>, string[]]>([
    [{}, []],
    [{ challenge }, [`set www-authenticate=${challenge}`]],
    [{ status: 302, location: '/in' }, ['set location=/in', 'set cache-control=no-store']],
  ])('denies with the headers of the status: %j', (more, headers) => {
    const { said, context, transport } = setUp();
    expect(transport.deny(context, { ...denial, ...more })).toMatchObject({ status: more.status ?? 401 });
    expect(said).toEqual(headers);
  });

  it.each<[string, object, number, string[]]>([
    ['of its own status', { statusCode: 418 }, 418, []],
    ['of the denial’s', {}, 401, [`set www-authenticate=${challenge}`]],
  ])('denies with an error of the application, %s', (_, more, status, headers) => {
    const { said, context, transport } = setUp();
    const error = Object.assign(new Error('mine'), more);
    expect(transport.denyWith(context, error, { ...denial, challenge })).toMatchObject({ status, message: 'mine' });
    expect(said).toEqual(headers);
  });
});
