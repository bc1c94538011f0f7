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

function refusalsWith(onError?: OnError, headers: object = {}) {
  const options = resolveClerkOptions({ ...given, onError }, {});
  const said: string[] = [];
  const httpAdapter = { setHeader: (...[, name, value]: string[]) => said.push(`${name}: ${value}`) };
  const request = { method: 'GET', url: '/', headers: { host: 'localhost', accept: 'text/html', ...headers } };
  const [instances, throttle] = [new ClerkInstances(options, {} as ClerkClient, given, {}), new LogThrottle()];
  const refusals = new DenialErrors(options, instances, throttle, new GuardHookCalls(throttle));
  const refusalOf = (identity: Identity, handler: () => void) => {
    const policy = new PolicyReader(new Reflector(), options).read(Pages, handler);
    return refusals.errorFor({
      ...{ policy, identity, decision: decide(policy, identity), credentials: new HttpCredentials(request, request) },
      ...{ context: new ExecutionContextHost([request, {}]), transport: new HttpTransport({ httpAdapter } as never) },
    });
  };
  return { refusals, refusalOf, said };
}

describe('DenialErrors', () => {
  const failure = new ClerkUnavailableError('Clerk is down');

  it.each<[string, string[], boolean, object]>([
    ['whose credential is bad', ['token-invalid'], true, {}],
    ['whose credential Clerk could not be asked about', ['clerk-unavailable'], true, { failure }],
    ['who sent none, where Clerk could not be asked either', ['clerk-unavailable'], false, { failure }],
    ['who sent none', [], false, {}],
  ])('tell onError of callers who are let through, %s: %j', async (_, told, sent, why) => {
    const identity = signedOutIdentity('unexpected-error', 'any', sent, why);
    const heard: string[] = [];
    const { refusals, refusalOf } = refusalsWith(({ code }) => void heard.push(code));
    expect(refusals.needsOnError(identity)).toBe(told.length > 0);
    expect(await refusalOf(identity, Pages.prototype.open)).toBeUndefined();
    expect(heard).toEqual(told);
    expect(refusalsWith().refusals.needsOnError(identity)).toBe(false);
  });

  it('send nobody anywhere whose request has a header that no request can have', async () => {
    const { refusalOf, said } = refusalsWith(undefined, { 'x-trace': 'a\nb' });
    const refusal = await refusalOf(signedOutIdentity('no-token', 'session_token', false), Pages.prototype.index);
    expect((refusal?.error as HttpException).getStatus()).toBe(401);
    expect(said).toEqual(['www-authenticate: Bearer']);
  });

  it('send a browser to the sign-in page, and say so in the body', async () => {
    const { refusalOf, said } = refusalsWith();
    const refusal = await refusalOf(signedOutIdentity('no-token', 'session_token', false), Pages.prototype.index);
    expect(refusal?.denial).toMatchObject({ status: 302, code: 'sign-in-required' });
    expect(refusal?.error).toBeInstanceOf(ClerkRedirectException);
    expect((refusal?.error as ClerkRedirectException).getResponse()).toEqual({
      ...{ statusCode: 302, code: 'sign-in-required', error: 'Redirect', message: 'Sign in at the Location given.' },
    });
    expect(said).toEqual([
      `location: /sign-in?redirect_url=${encodeURIComponent('http://localhost/')}`,
      expect.any(String),
    ]);
  });
});
