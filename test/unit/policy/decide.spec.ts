import type { AuthObject } from '@clerk/backend';

import type { Identity } from '../../../lib/authentication/identity.js';
import { ClerkKeyRefusedError, ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';
import { decide } from '../../../lib/policy/decide.js';
import type { Condition, Requirement } from '../../../lib/policy/requirement.js';
import type { Protection, RoutePolicy } from '../../../lib/policy/route-policy.js';

const PERMISSIONS = ['org:a', 'org:b'];

function identity(said: Partial<Omit<Identity, 'toAuth'>>, auth: Partial<AuthObject>): Identity {
  return {
    status: 'signed-out',
    tokenType: null,
    reason: null,
    credentialSent: false,
    headers: new Headers(),
    ...said,
    toAuth: () =>
      ({
        has: () => false,
        isAuthenticated: false,
        tokenType: 'session_token',
        ...auth,
      }) as AuthObject,
  };
}

const has = ({ permission }: { permission?: string }) => PERMISSIONS.includes(permission ?? '');
const signedIn = (tokenType: string, more: object = {}) =>
  identity({ status: 'signed-in', credentialSent: true }, {
    tokenType,
    isAuthenticated: true,
    ...more,
  } as never);

const IDENTITIES = {
  anonymous: identity({}, {}),
  refused: identity({ credentialSent: true }, {}),
  session: signedIn('session_token', { has }),
  pending: identity({ status: 'signed-in', credentialSent: true }, {}),
  'api key': signedIn('api_key'),
  handshake: identity({ status: 'handshake' }, {}),
  outage: identity({ credentialSent: true, failure: new ClerkUnavailableError('down') }, {}),
  'key refused': identity({ credentialSent: true, failure: new ClerkKeyRefusedError('wrong') }, {}),
  // Cannot happen; must not pass if it ever does.
  'signed out yet authenticated': identity({ credentialSent: true }, {
    isAuthenticated: true,
  } as never),
};

const require = (condition: Condition): Requirement & { from: string } => ({
  decorator: 'RequirePermission',
  speaksTo: ['session_token'],
  condition,
  from: 'C.h',
});
const can = (permission: string): Condition => ({ has: { permission } });

/** Each with whether a session with the permissions a and b fulfils it. */
const REQUIREMENTS: Record<string, [Condition[], boolean]> = {
  none: [[], true],
  a: [[can('org:a')], true],
  z: [[can('org:z')], false],
  'a and b': [[can('org:a'), can('org:b')], true],
  'a and z': [[can('org:a'), can('org:z')], false],
  'all of a, b': [[{ allOf: [can('org:a'), can('org:b')] }], true],
  'all of a, z': [[{ allOf: [can('org:a'), can('org:z')] }], false],
  'any of z, a': [[{ anyOf: [can('org:z'), can('org:a')] }], true],
  'any of y, z': [[{ anyOf: [can('org:y'), can('org:z')] }], false],
  'all of nothing': [[{ allOf: [] }], false],
  'any of nothing': [[{ anyOf: [] }], false],
  'all of any of z, a': [[{ allOf: [{ anyOf: [can('org:z'), can('org:a')] }] }], true],
};

function expected(
  who: keyof typeof IDENTITIES,
  protection: Protection,
  acceptsApiKey: boolean,
  fulfilled: boolean,
  demanding: boolean,
): string {
  if (who === 'handshake') return '307 handshake';
  if (protection !== 'strict') return 'allowed';
  switch (who) {
    case 'outage':
      return '503 clerk-unavailable';
    case 'key refused':
      return '500 clerk-key-refused';
    case 'anonymous':
      return '401 authentication-required Bearer';
    case 'pending':
      return '401 session-pending Bearer error="invalid_token"';
    case 'refused':
    case 'signed out yet authenticated':
      return '401 token-invalid Bearer error="invalid_token"';
    case 'api key':
      // A route that accepts API keys and requires a permission is refused at boot; here nobody passes it.
      return acceptsApiKey
        ? demanding
          ? '403 insufficient-permissions'
          : 'allowed'
        : '401 token-invalid Bearer error="invalid_token"';
    case 'session':
      return fulfilled ? 'allowed' : '403 insufficient-permissions';
  }
}

const cells = (Object.keys(IDENTITIES) as (keyof typeof IDENTITIES)[]).flatMap((who) =>
  (['strict', 'lax', 'skip'] as const).flatMap((protection) =>
    [false, true].flatMap((acceptsApiKey) =>
      Object.keys(REQUIREMENTS).map((requirement) => [who, protection, acceptsApiKey, requirement] as const),
    ),
  ),
);

describe('decide', () => {
  it.each(cells)(
    '%s on a %s route (API keys accepted: %s) requiring %s',
    (who, protection, acceptsApiKey, requirement) => {
      const [checks, fulfilled] = REQUIREMENTS[requirement]!;
      const policy: RoutePolicy = {
        name: 'C.h',
        protection,
        acceptsToken: acceptsApiKey ? ['session_token', 'api_key'] : 'session_token',
        allowsPendingSession: false,
        redirectsToSignIn: false,
        explainsDenials: false,
        sources: { protection: 'default', acceptsToken: 'default' },
        requirements: checks.map(require),
        problems: [],
      };
      const decision = decide(policy, IDENTITIES[who]);
      const { status, code, challenge } = decision.allowed
        ? { status: 'allowed', code: undefined, challenge: undefined }
        : decision.denial;
      expect([status, code, challenge].filter(Boolean).join(' ')).toBe(
        expected(who, protection, acceptsApiKey, fulfilled, checks.length > 0),
      );
    },
  );

  it.each(['strict', 'lax', 'skip'] as const)('refuses everybody on a %s route with problems', (protection) => {
    const policy: RoutePolicy = {
      name: 'C.h',
      protection,
      acceptsToken: 'any',
      allowsPendingSession: false,
      redirectsToSignIn: false,
      explainsDenials: false,
      sources: { protection: 'default', acceptsToken: 'default' },
      requirements: [],
      problems: ['C.h: something is wrong with secrets in it'],
    };
    for (const who of Object.values(IDENTITIES)) {
      const decision = decide(policy, who);
      expect(decision).toMatchObject({
        allowed: false,
        denial: { status: 500, code: 'invalid-policy' },
      });
      expect(JSON.stringify(decision)).not.toContain('secrets');
    }
  });

  it('takes only true for a yes of has()', () => {
    const policy: RoutePolicy = {
      name: 'C.h',
      protection: 'strict',
      acceptsToken: 'any',
      allowsPendingSession: false,
      redirectsToSignIn: false,
      explainsDenials: false,
      sources: { protection: 'default', acceptsToken: 'default' },
      requirements: [require(can('org:a'))],
      problems: [],
    };
    for (const answer of ['yes', 1, {}, Promise.resolve(false)]) {
      expect(decide(policy, signedIn('session_token', { has: () => answer })).allowed).toBe(false);
    }
  });
});
