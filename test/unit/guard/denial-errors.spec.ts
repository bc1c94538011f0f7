import 'reflect-metadata';

import type { ClerkClient } from '@clerk/backend';
import type { HttpException } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/internal';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';
import { GuardHookCalls } from '../../../lib/guard/guard-hooks.js';
import { DenialErrors } from '../../../lib/guard/denial-errors.js';
import { ClerkRedirectException, Public, type OnError } from '../../../lib/index.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { decide } from '../../../lib/policy/decide.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';
import { HttpTransport } from '../../../lib/transports/http/http.transport.js';

const given = {
  ...{ publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  ...{ signInUrl: '/sign-in', redirectToSignIn: true },
};
class Pages {
  index() {}
  @Public() open() {}
}

function setUp(onError?: OnError, headers: object = {}) {
  const options = resolveClerkOptions({ ...given, onError }, {});
  const headersSent: string[] = [];
  const httpAdapter = { setHeader: (...[, name, value]: string[]) => headersSent.push(`${name}: ${value}`) };
  const request = { method: 'GET', url: '/', headers: { host: 'localhost', accept: 'text/html', ...headers } };
  const [instances, throttle] = [new ClerkInstances(options, {} as ClerkClient, given, {}), new LogThrottle()];
  const denialErrors = new DenialErrors(options, instances, throttle, new GuardHookCalls(throttle));
  const errorFor = (identity: Identity, handler: () => void) => {
    const policy = new PolicyReader(new Reflector(), options).read(Pages, handler);
    return denialErrors.errorFor({
      ...{ policy, identity, decision: decide(policy, identity), credentials: new HttpCredentials(request, request) },
      ...{ context: new ExecutionContextHost([request, {}]), transport: new HttpTransport({ httpAdapter } as never) },
    });
  };
  return { errorFor, headersSent };
}

describe('DenialErrors', () => {
  const failure = new ClerkUnavailableError('Clerk is down');

  it.each<[string, string[], boolean, object]>([
    ['an invalid credential', ['token-invalid'], true, {}],
    ['a credential that cannot be verified during an outage', ['clerk-unavailable'], true, { failure }],
    ['no credentials during an outage', ['clerk-unavailable'], false, { failure }],
    ['no credentials', [], false, {}],
  ])('calls onError for an allowed call on a lax handler with %s: %j', async (_, told, sent, why) => {
    const identity = signedOutIdentity('unexpected-error', 'any', sent, why);
    const heard: string[] = [];
    const { errorFor } = setUp(({ code }) => void heard.push(code));
    expect(await errorFor(identity, Pages.prototype.open)).toBeUndefined();
    expect(heard).toEqual(told);
  });

  it('does not redirect to the sign-in page if the request has a header that no fetch Request can have', async () => {
    const { errorFor, headersSent } = setUp(undefined, { 'x-trace': 'a\nb' });
    const denied = await errorFor(signedOutIdentity('no-token', 'session_token', false), Pages.prototype.index);
    expect((denied?.error as HttpException).getStatus()).toBe(401);
    expect(headersSent).toEqual(['www-authenticate: Bearer']);
  });

  it('redirects a browser to the sign-in page with 302, and with sign-in-required in the body', async () => {
    const { errorFor, headersSent } = setUp();
    const denied = await errorFor(signedOutIdentity('no-token', 'session_token', false), Pages.prototype.index);
    expect(denied?.denial).toMatchObject({ status: 302, code: 'sign-in-required' });
    expect(denied?.error).toBeInstanceOf(ClerkRedirectException);
    expect((denied?.error as ClerkRedirectException).getResponse()).toEqual({
      ...{ statusCode: 302, code: 'sign-in-required', error: 'Redirect', message: 'Sign in at the Location given.' },
    });
    expect(headersSent).toEqual([
      `location: /sign-in?redirect_url=${encodeURIComponent('http://localhost/')}`,
      expect.any(String),
    ]);
  });
});
