import { Logger } from '@nestjs/common';

import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import {
  ClerkKeyRejectedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
} from '../../../lib/errors/clerk.errors.js';
import { AccessLog } from '../../../lib/guard/access-log.js';
import { compilePolicy } from '../../../lib/policy/compile-policy.js';
import { decide } from '../../../lib/policy/decide.js';
import type { Decision } from '../../../lib/policy/decision.js';
import type { Requirement } from '../../../lib/policy/requirement.js';
import type { PolicyLevel } from '../../../lib/policy/route-policy.js';
import { RecordingLogger } from '../../support/recording-logger.js';

function policyOf(said: Partial<PolicyLevel> = {}) {
  const nothing = { protections: [], acceptsToken: [], allowPendingSession: [], redirectToSignIn: [] };
  const level = { name: 'C.h', isClass: false, ...nothing, requirements: [], authParameters: [], currentUser: [] };
  const options = { treatPendingAsSignedOut: true, redirectToSignIn: false, explainDenials: false, machineOnly: false };
  return compilePolicy([{ ...level, ...said }], { protection: 'strict', ...options });
}

const [STRICT, LAX, BROKEN] = [
  policyOf(),
  policyOf({ protections: ['lax'] }),
  policyOf({ protections: ['lax', 'skip'], acceptsToken: [[]] }),
];
const asking = (...permissions: string[]) =>
  policyOf({
    requirements: permissions.map((permission): Requirement => {
      return { decorator: 'Require', appliesTo: ['session_token'], condition: { has: { permission } } };
    }),
  });

const out = (reason: string, why?: Pick<Identity, 'failure' | 'detail'>) =>
  signedOutIdentity(reason, 'session_token', true, why);
const failed = (failure: Identity['failure']) => out('unexpected-error', { failure });
const IN: Identity = {
  ...{ status: 'signed-in', tokenType: 'session_token', reason: null, hasCredentials: true, headers: new Headers() },
  toAuth: () => ({ isAuthenticated: true, tokenType: 'session_token', has: () => false }) as never,
};

describe('AccessLog', () => {
  let logger: RecordingLogger;
  beforeEach(() => Logger.overrideLogger((logger = new RecordingLogger())));
  afterEach(() => Logger.overrideLogger(false));

  function lines(): string[] {
    for (const line of logger.lines) expect(line).toMatch(/ ClerkGuard$/);
    return logger.lines.map((line) => line.replace(/( undefined)? ClerkGuard$/, ''));
  }
  function recorded(
    policy: ReturnType<typeof policyOf>,
    identity: Identity,
    debug = false,
    decision: Decision = decide(policy, identity),
  ): string[] {
    logger.lines.length = 0;
    new AccessLog({ debug }, new LogThrottle()).record(policy, identity, decision);
    return lines();
  }

  it('logs nothing for an allowed call without a failure', () => {
    expect(recorded(STRICT, IN)).toEqual([]);
    expect(recorded(LAX, out('token-expired'))).toEqual([]);
  });

  it('logs the status, the code, Clerk’s reason, details and missing rights of a denied call', () => {
    const denied = 'debug C.h: denied';
    expect(recorded(STRICT, out('token-expired'))).toEqual([`${denied} 401 (token-expired): token-expired`]);
    expect(recorded(STRICT, out('token-invalid', { detail: 'of another tenant' }))).toEqual([
      `${denied} 401 (token-invalid): token-invalid, of another tenant`,
    ]);
    expect(recorded(asking('org:a:b', 'org:c:d'), IN)).toEqual([
      `${denied} 403 (insufficient-permissions): missing permission org:a:b and permission org:c:d`,
    ]);
    const nobody = { ...IN, toAuth: () => ({ isAuthenticated: false }) as never };
    expect(recorded(STRICT, nobody)).toEqual([`${denied} 401 (session-pending)`]);
  });

  it('logs "no credentials" instead of Clerk’s reason if the request carries none', () => {
    for (const reason of ['dev-browser-missing', 'session-token-and-uat-missing', 'No token in header']) {
      const nobody = signedOutIdentity(reason, 'session_token', false);
      expect(recorded(STRICT, nobody)).toEqual(['debug C.h: denied 401 (authentication-required): no credentials']);
      expect(recorded(LAX, nobody, true)).toEqual(['log C.h: signed-out, no credentials: allowed']);
    }
  });

  it('logs that a session cookie is not accepted on a route for machine tokens', () => {
    const browser = { ...signedOutIdentity('No token in header', 'api_key', false), hasIgnoredSession: true };
    expect(recorded(STRICT, browser)).toEqual([
      'debug C.h: denied 401 (token-invalid): a session cookie, which is not accepted here',
    ]);
  });

  it('logs a handshake as a redirect to Clerk, not as a denial', () => {
    const browser = {
      ...signedOutIdentity('dev-browser-missing', 'session_token', false),
      status: 'handshake',
    } as const;
    expect(recorded(STRICT, browser)).toEqual(['debug C.h: redirected to Clerk 307 (handshake): dev-browser-missing']);
    expect(recorded(LAX, browser, true)[0]).toBe('log C.h: handshake, dev-browser-missing: redirected to Clerk 307');
  });

  it('logs a redirect to the sign-in page as a redirect, not as a denial', () => {
    const denial = { status: 302, code: 'sign-in-required', message: 'Sign in.' } as const;
    expect(recorded(STRICT, out('token-expired'), false, { allowed: false, denial })).toEqual([
      'debug C.h: redirected to sign in 302 (sign-in-required): token-expired',
    ]);
  });

  it('logs the problems of an invalid policy as an error', () => {
    expect(recorded(BROKEN, IN)).toEqual([
      expect.stringMatching(
        /^error C\.h: denied 500 \(invalid-policy\): @Public\(\) and .* one of them\. @AcceptsToken\(\) names/,
      ),
    ]);
  });

  it('logs the outcome of every call with the option debug', () => {
    expect(recorded(STRICT, IN, true)).toEqual(['log C.h: signed-in: allowed']);
    expect(recorded(STRICT, out('token-expired', { detail: 'long ago' }), true)[0]).toBe(
      'log C.h: signed-out, token-expired, long ago: denied 401',
    );
  });

  describe('for a failed authentication', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });

    it('warns of an outage, and says whether the call was denied or the caller goes on signed out', () => {
      const down = failed(new ClerkUnavailableError('Clerk is down'));
      expect(recorded(STRICT, down)).toEqual(['warn C.h: denied 503: Clerk is down']);
      expect(recorded(LAX, down)).toEqual(['warn C.h: the caller goes on signed out: Clerk is down']);
    });

    it.each<[string, unknown, string]>([
      ['the code of a system error', refused, ' (ECONNREFUSED)'],
      [
        'the code of the system error below a failed fetch',
        new TypeError('fetch failed', { cause: refused }),
        ' (ECONNREFUSED)',
      ],
      ['the message of an error without a code', new Error('socket hang up'), ' (socket hang up)'],
      [
        'the message of an error whose own cause is not an Error',
        new Error('closed', { cause: 'no error' }),
        ' (closed)',
      ],
      ['nothing, if the cause is not an Error', { secret: 'sk_test_x' }, ''],
    ])('appends the innermost cause of an outage: %s', (_, cause, named) => {
      const down = failed(new ClerkUnavailableError('Clerk is down', { cause }));
      expect(recorded(STRICT, down)).toEqual([`warn C.h: denied 503: Clerk is down${named}`]);
    });

    it('logs equal failures once per handler and outcome', () => {
      const log = new AccessLog({ debug: false }, new LogThrottle());
      const down = failed(new ClerkUnavailableError('Clerk is down'));
      for (const policy of [STRICT, STRICT, LAX, STRICT]) log.record(policy, down, decide(policy, down));
      expect(lines()).toEqual([
        'warn C.h: denied 503: Clerk is down',
        'warn C.h: the caller goes on signed out: Clerk is down',
      ]);
    });

    it('adds a hint to check secretKey if Clerk rejects the key, but not if options are invalid', () => {
      expect(recorded(STRICT, failed(new ClerkKeyRejectedError('Clerk said no')))).toEqual([
        'error C.h: denied 500: Clerk said no. Check secretKey (environment variable CLERK_SECRET_KEY)',
      ]);
      expect(recorded(LAX, failed(new ClerkRequestOptionsError('isSatellite threw')))).toEqual([
        'error C.h: the caller goes on signed out: isSatellite threw',
      ]);
    });
  });
});
