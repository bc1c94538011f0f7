import 'reflect-metadata';

import type { ClerkClient } from '@clerk/backend';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/internal';

import { ClerkInstances } from '../../../lib/authentication/clerk-instances.js';
import { signedOutIdentity } from '../../../lib/authentication/identity.js';
import { ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';
import { Refusals } from '../../../lib/guard/refusals.js';
import { ClerkRedirectException } from '../../../lib/index.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { decide } from '../../../lib/policy/decide.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';
import { HttpCredentials } from '../../../lib/transports/http.credentials.js';
import { HttpTransport } from '../../../lib/transports/http.transport.js';

const given = {
  ...{ publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  ...{ signInUrl: '/sign-in', redirectToSignIn: true },
};
class Pages {
  index() {}
}

function refusalsWith(onError?: () => undefined) {
  const options = resolveClerkOptions({ ...given, onError }, {});
  return { options, refusals: new Refusals(options, new ClerkInstances(options, {} as ClerkClient, given, {})) };
}

describe('Refusals', () => {
  const failure = new ClerkUnavailableError('Clerk is down');

  it.each<[string, boolean, boolean, object]>([
    ['whose credential was looked at', true, true, {}],
    ['who sent one that Clerk could not be asked about', true, true, { failure }],
    ['who sent none, where Clerk could not be asked either', true, false, { failure }],
    ['who sent none', false, false, {}],
  ])('ask whether the application objects to a caller %s: %p', (_, mayObject, credentialSent, why) => {
    const identity = signedOutIdentity('unexpected-error', 'any', credentialSent, why);
    expect(refusalsWith(() => undefined).refusals.mayObject(identity)).toBe(mayObject);
    expect(refusalsWith().refusals.mayObject(identity)).toBe(false);
  });

  it('send a browser to the sign-in page, and say so in the body', async () => {
    const { options, refusals } = refusalsWith();
    const said: string[] = [];
    const httpAdapter = { setHeader: (...[, name, value]: string[]) => said.push(`${name}: ${value}`) };
    const request = { method: 'GET', url: '/', headers: { host: 'localhost', accept: 'text/html' } };
    const policy = new PolicyReader(new Reflector(), options).read(Pages, Pages.prototype.index);
    const identity = signedOutIdentity('session-token-missing', 'session_token', false);
    const refusal = await refusals.of({
      ...{ policy, identity, decision: decide(policy, identity), credentials: new HttpCredentials(request, request) },
      ...{ context: new ExecutionContextHost([request, {}]), transport: new HttpTransport({ httpAdapter } as never) },
    });
    expect(refusal).toBeInstanceOf(ClerkRedirectException);
    expect((refusal as ClerkRedirectException).getResponse()).toEqual({
      ...{ statusCode: 302, code: 'sign-in-required', error: 'Redirect', message: 'Sign in at the Location given.' },
    });
    expect(said).toEqual([
      `location: /sign-in?redirect_url=${encodeURIComponent('http://localhost/')}`,
      expect.any(String),
    ]);
  });
});
