import { createClerkClient } from '@clerk/backend';
import { createClerkRequest } from '@clerk/backend/internal';
import type { ExecutionContext } from '@nestjs/common';

import type { Authenticator } from '../../lib/authentication/lanes/authenticator.js';
import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import { ExpiringCache } from '../../lib/authentication/cache/expiring-cache.js';
import { signedOutIdentity } from '../../lib/authentication/identity/identity.js';
import { StaticKeySet } from '../../lib/authentication/keys/key-set.js';
import { withoutHandshake } from '../../lib/authentication/lanes/navigation.js';
import { createKeyFetcher } from '../../lib/authentication/keys/published-keys.js';
import { fingerprintRequest } from '../../lib/authentication/cache/request-digest.js';
import { SessionIdentities } from '../../lib/authentication/identity/session-identity.js';
import { buildSignInLocation } from '../../lib/authentication/lanes/sign-in-location.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { compilePolicy } from '../../lib/policy/compile-policy.js';
import { decide } from '../../lib/policy/decide.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { authenticateOnce } from '../../lib/transports/attachment.js';
import { LogThrottle } from '../../lib/errors/log-throttle.js';
import { GraphqlTransport } from '../../lib/transports/graphql/graphql.transport.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { socketState, credentialHeaders } from '../../lib/transports/websocket/sockets.js';
import { toWebRequest } from '../../lib/transports/http/web-request.js';
import { encode } from './corpus/forge.js';

/** The size of the second input relative to the first. Linear work then takes 8 times as long; quadratic, 64 times. */
const FACTOR = 8;
/** The limit, with room for sorting, garbage collection, and maps that outgrow a processor's cache. */
const MAX_GROWTH = 24;
/** The fastest of RUNS runs counts, and the best of ATTEMPTS attempts: a busy machine only makes runs slower. */
const RUNS = 5;
const ATTEMPTS = 4;

type Run = () => unknown;

/** A measurement: what the input contains, the size of the smaller input, and the function to measure. */
type Row = readonly [name: string, size: number, prepare: (size: number) => Run | Promise<Run>];

const many = (count: number, part: (index: number) => string, separator = '') =>
  Array.from({ length: count }, (_, index) => part(index)).join(separator);
const fieldsOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, index]));
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

const NAVIGATION = { 'sec-fetch-dest': 'document' };
const BROWSER = '__client_uat=1; __clerk_db_jwt=a';
const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  {},
);

let clerk: LocalClerk;
let authenticator: Authenticator;

const source = (headers: Record<string, string | string[]>, url = '/') => ({
  method: 'GET',
  url,
  headers: { host: 'api.example.com', ...headers },
});

/** The work of the guard for a request of an unknown caller: reading and authenticating it. */
function asking(headers: Record<string, string>, url?: string, acceptsToken: AcceptsToken = 'session_token'): Run {
  const request = source(headers, url);
  return () => {
    const credentials = new HttpCredentials(request, {});
    return credentials.isReadable && authenticator.authenticate(credentials, acceptsToken);
  };
}

const clerkRequest = (headers: Record<string, string>, url?: string) =>
  createClerkRequest(toWebRequest(source(headers, url)));

/** A token without a valid signature. */
const unsigned = (payload: string, header: object = {}) =>
  `${encode({ alg: 'RS256', typ: 'JWT', kid: clerk.keyId, ...header })}.${encode(payload)}.${encode('x'.repeat(256))}`;

const CLAIMS = { sub: 'user_1', sid: 'sess_1', v: 2, exp: 9_999_999_999 };
const signedIn = (claims: object) => new SessionIdentities(options).create('token', { ...CLAIMS, ...claims } as never);

/** Creates the auth object of claims that Clerk signed, some of which users may have written. */
const reading = (claims: object): Run => {
  return () => signedIn(claims).toAuth();
};

const needs = (has: object) =>
  compilePolicy(
    [
      {
        ...{ name: 'A.b', isClass: false, protections: [], acceptsToken: [], allowPendingSession: [] },
        ...{ redirectToSignIn: [], authParameters: [], currentUser: [] },
        requirements: [{ decorator: 'Require', speaksTo: ['session_token'], condition: { has } } as never],
      },
    ],
    options,
  );

const graphqlCall = (context: object) =>
  ({
    getType: () => 'graphql',
    getArgByIndex: (index: number) => [{}, {}, context, { fieldNodes: [] }][index],
  }) as unknown as ExecutionContext;

const REQUESTS: readonly Row[] = [
  ...(['session_token', 'any', 'm2m_token'] as const).flatMap((accepts): Row[] => [
    [
      `handshake parameters in a query, for ${accepts}`,
      250,
      (size) => asking({ cookie: '__session=a' }, `/?${many(size, (i) => `__clerk_handshake${i}`, '&')}`, accepts),
    ],
    [
      `other parameters of Clerk in a query, for ${accepts}`,
      1_000,
      (size) => asking({ cookie: '__session=a' }, `/?${many(size, (i) => `__clerk_${i}`, '&')}`, accepts),
    ],
    [
      `dots in a token, for ${accepts}`,
      5_000,
      (size) => asking({ authorization: `Bearer ${'.'.repeat(size)}` }, '/', accepts),
    ],
    [
      `spaces after the scheme, for ${accepts}`,
      10_000,
      (size) => asking({ authorization: `Bearer ${' a'.repeat(size)}` }, '/', accepts),
    ],
    [
      `claims in a token, for ${accepts}`,
      500,
      (size) =>
        asking({ authorization: `Bearer ${unsigned(JSON.stringify({ ...CLAIMS, ...fieldsOf(size) }))}` }, '/', accepts),
    ],
    [
      `header fields in a token, for ${accepts}`,
      500,
      (size) => asking({ authorization: `Bearer ${unsigned('{}', fieldsOf(size))}` }, '/', accepts),
    ],
    [
      `nesting of claims in a token, for ${accepts}`,
      1_000,
      (size) => asking({ authorization: `Bearer ${unsigned(`{"a":${nested(size)}}`)}` }, '/', accepts),
    ],
    [
      `padding in a token, for ${accepts}`,
      2_000,
      (size) =>
        asking({ authorization: `Bearer ${encode('{}')}.${'='.repeat(size)}.${'='.repeat(size)}` }, '/', accepts),
    ],
  ]),
  [
    'repetitions of one parameter of Clerk in a navigation',
    1_000,
    (size) => asking({ ...NAVIGATION, cookie: BROWSER }, `/?${many(size, (i) => `__clerk_db_jwt=${i}`, '&')}`),
  ],
  [
    'repetitions of a handshake in a navigation',
    1_000,
    (size) => asking({ ...NAVIGATION, cookie: BROWSER }, `/?${many(size, (i) => `__clerk_handshake=${i}`, '&')}`),
  ],
  ['the path of a navigation', 5_000, (size) => asking({ ...NAVIGATION, cookie: BROWSER }, `/${'a/'.repeat(size)}`)],
  [
    'nesting of claims in a session cookie',
    1_000,
    (size) => asking({ cookie: `${BROWSER}; __session=${unsigned(`{"iss":"a","a":${nested(size)}}`)}` }),
  ],
  [
    'the issuer in a session cookie',
    1_000,
    (size) => asking({ cookie: `${BROWSER}; __session=${unsigned(JSON.stringify({ iss: 'https://'.repeat(size) }))}` }),
  ],
  ['session cookies', 1_000, (size) => asking({ cookie: many(size, (i) => `__session_${i}=a`, '; ') })],
  [
    'digits in cookies',
    10_000,
    (size) => asking({ cookie: `__client_uat=${'1'.repeat(size)}; __clerk_redirect_count=${'1'.repeat(size)}` }),
  ],
  [
    'forwarded hosts and protocols',
    5_000,
    (size) =>
      asking({
        cookie: '__session=a',
        'x-forwarded-host': 'a,'.repeat(size),
        'x-forwarded-proto': 'https,'.repeat(size),
      }),
  ],
  [
    'the headers Referer, Origin and Accept',
    5_000,
    (size) =>
      asking({
        cookie: '__session=a',
        referer: `https://a.b/${'x/'.repeat(size)}`,
        origin: 'a'.repeat(size),
        accept: 'a,'.repeat(size),
      }),
  ],
];

const READING: readonly Row[] = [
  [
    'handshake parameters removed from a URL',
    200,
    (size) => {
      const request = clerkRequest({}, `/?${many(size, (i) => `a&__clerk_handshake${i}=a`, '&')}`);
      return () => withoutHandshake(request, true);
    },
  ],
  [
    'repetitions of one handshake parameter removed from a URL',
    500,
    (size) => {
      const request = clerkRequest({}, `/?${many(size, () => 'a&__clerk_handshake=a', '&')}`);
      return () => withoutHandshake(request, true);
    },
  ],
  [
    'handshake cookies removed from a request',
    500,
    (size) => {
      const request = clerkRequest({ cookie: many(size, (i) => `__clerk_handshake${i}=1`, '; ') });
      return () => withoutHandshake(request, true);
    },
  ],
  ...['=;', '; a', '%41=%;', 'a ;', '\t=', ' '].map((text): Row => [
    `repetitions of ${JSON.stringify(text)} in a Cookie header`,
    10_000,
    (size) => {
      const request = toWebRequest(source({ cookie: `${text.repeat(size)}=` }));
      return () => createClerkRequest(request);
    },
  ]),
  [
    'cookies in a header',
    500,
    (size) => {
      const request = toWebRequest(source({ cookie: many(size, (i) => `a${i}=1`, ';') }));
      return () => createClerkRequest(request);
    },
  ],
  [
    'headers',
    200,
    (size) => {
      const request = source(Object.fromEntries(Array.from({ length: size }, (_, i) => [`x-${i}`, 'a'])));
      return () => createClerkRequest(toWebRequest(request));
    },
  ],
  [
    'values of one header',
    500,
    (size) => {
      const request = source({ 'set-cookie': Array.from({ length: size }, (_, i) => `a=${i}`) });
      return () => createClerkRequest(toWebRequest(request));
    },
  ],
  ['parent segments in a path', 2_000, (size) => () => toWebRequest(source({}, `/${'a/../'.repeat(size)}`))],
  [
    'a path whose readability is checked',
    20_000,
    (size) => {
      const request = source({}, `/${'a/'.repeat(size)}`);
      return () => new HttpCredentials(request, request).isReadable;
    },
  ],
  [
    'the inputs of a request fingerprint',
    5_000,
    (size) => {
      const request = source({ cookie: '"'.repeat(size), authorization: 'é'.repeat(size) }, `/?${'?&%'.repeat(size)}`);
      const credentials = new HttpCredentials(request, request);
      return () => fingerprintRequest(credentials, options);
    },
  ],
  [
    'the URL that a sign-in redirect returns to',
    2_000,
    (size) => {
      const request = toWebRequest(source({}, `/${'a/'.repeat(size)}?${'a&'.repeat(size)}`));
      const identity = signedOutIdentity('', 'session_token', false);
      return () => buildSignInLocation({ ...options, signInUrl: '/sign-in' }, request, identity);
    },
  ],
];

const CLAIMED: readonly Row[] = [
  [
    'nesting of claims',
    500,
    (size) => {
      const a = nested(size);
      return () => signedIn({ a: JSON.parse(a) }).toAuth();
    },
  ],
  ['audiences', 2_000, (size) => reading({ aud: Array.from({ length: size }, (_, i) => `a${i}`) })],
  ['claims', 500, (size) => reading(fieldsOf(size))],
  ['features', 500, (size) => reading({ fea: many(size, (i) => `o:f${i}`, ','), o: { id: 'org_1' } })],
  [
    'permissions',
    500,
    (size) => reading({ fea: 'o:a', o: { id: 'org_1', per: many(size, (i) => `p${i}`, ','), fpm: '1' } }),
  ],
  [
    'permissions of which one is required',
    2_000,
    (size) => {
      const permissions = Array.from({ length: size }, (_, i) => `org:a:p${i}`);
      const identity = signedIn({ v: 1, org_id: 'org_1', org_role: 'org:a', org_permissions: permissions });
      const policy = needs({ permission: 'org:a:none' });
      return () => decide(policy, identity);
    },
  ],
  [
    'features of which one is required',
    2_000,
    (size) => {
      const identity = signedIn({ fea: many(size, (i) => `o:f${i}`, ','), o: { id: 'org_1' } });
      const policy = needs({ feature: 'org:none' });
      return () => decide(policy, identity);
    },
  ],
];

/** Many calls that share one large object: both grow, so a call must not read all of it. */
const CALLS: readonly Row[] = [
  [
    'concurrent calls of one request after the middleware',
    200,
    (size) => async () => {
      const request = {};
      const nobody = async () => signedOutIdentity('token-invalid', 'any', true);
      await authenticateOnce(request, authenticator, 'any', nobody);
      const call = async () => authenticateOnce(request, authenticator, 'api_key', nobody);
      await Promise.all(Array.from({ length: size }, call));
    },
  ],
  [
    'messages of a socket and the query of its handshake',
    200,
    (size) => () => {
      const client = {};
      socketState(client).request = { url: `/?${many(size, (i) => `a${i}=1`, '&')}`, headers: {} };
      for (let message = 0; message < size; message++) credentialHeaders(client, { tokenParameter: 'token' });
    },
  ],
  [
    'operations of a GraphQL connection and its connection parameters',
    200,
    (size) => {
      const connectionParams = fieldsOf(size);
      return () => {
        const transport = new GraphqlTransport(new LogThrottle());
        for (let call = 0; call < size; call++) transport.credentials(graphqlCall({ connectionParams }));
      };
    },
  ],
  [
    'cache entries that are added and expire',
    500,
    (size) => () => {
      let now = 0;
      const cache = new ExpiringCache<number, { since: number; until: number }>(
        { maxEntries: 1e5, maxBytes: 1e9 },
        () => now,
      );
      for (let round = 0; round < 2; round++, now += 100) {
        for (let key = 0; key < size; key++) cache.set(round * size + key, { since: now, until: now + 50 }, 1);
      }
      cache.close();
    },
  ],
  [
    'keys that Clerk publishes',
    1_500,
    (size) => {
      const keys = Array.from({ length: size }, (_, i) => ({ kty: 'oct', kid: `ins_${i}` }));
      const known = { kty: 'RSA', use: 'sig', kid: 'ins', ...publicJwk() };
      const body = JSON.stringify({ keys: [...keys, known] });
      const where = { apiUrl: 'https://api.example.com', apiVersion: 'v1', secretKey: 'sk_test_a' };
      return createKeyFetcher(where, 10_000, async () => new Response(body));
    },
  ],
];

function publicJwk(): object {
  return new StaticKeySet(clerk.jwtKey).getCached().export({ format: 'jwk' });
}

async function fastest(run: Run): Promise<number> {
  let best = Infinity;
  for (let time = 0; time < RUNS; time++) {
    const began = performance.now();
    await run();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

describe('the work that a caller causes', () => {
  beforeAll(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    clerk = await LocalClerk.start();
    const settled = resolveClerkOptions({ ...clerk.options, jwtKey: clerk.jwtKey, verificationCache: false }, {});
    const client = createClerkClient({ ...clerk.options, telemetry: { disabled: true } });
    authenticator = createAuthenticator(
      settled,
      () => client,
      new StaticKeySet(clerk.jwtKey),
      () => Date.now(),
    );
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await clerk.stop();
  });

  it.each([...REQUESTS, ...READING, ...CLAIMED, ...CALLS])('grows linearly with %s', async (_, size, prepare) => {
    const [small, large] = [await prepare(size), await prepare(FACTOR * size)];
    // The first run is slower and would make the smaller input look more expensive than it is.
    await fastest(small);
    let growth = Infinity;
    for (let attempt = 0; attempt < ATTEMPTS && growth > MAX_GROWTH; attempt++) {
      const before = await fastest(small);
      growth = Math.min(growth, (await fastest(large)) / before);
    }
    expect(growth).toBeLessThan(MAX_GROWTH);
  });
});
