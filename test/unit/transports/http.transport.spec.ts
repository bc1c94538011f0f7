import type { ExecutionContext } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { signedOutAuthObject } from '@clerk/backend/internal';

import type { Identity } from '../../../lib/authentication/identity.js';
import { HttpTransport } from '../../../lib/transports/http.transport.js';

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
  credentialSent: true,
  headers: headers(),
  toAuth: () => signedOutAuthObject(),
});

const loader = { load: () => Promise.reject(new Error('nobody asks')) };

function setUp() {
  const said: string[] = [];
  const httpAdapter = {
    getType: () => 'express',
    setHeader: (_response: object, name: string, value: string) => said.push(`set ${name}=${value}`),
    appendHeader: (_response: object, name: string, value: string) => said.push(`append ${name}=${value}`),
  };
  const request = { url: '/', headers: {} };
  const context = {
    getType: () => 'http',
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => ({}) }),
  } as unknown as ExecutionContext;
  return { said, context, transport: new HttpTransport({ httpAdapter } as unknown as HttpAdapterHost) };
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
});
