/**
 * Parsing of a request before authentication: no input makes it throw, no two requests that differ in what is verified
 * have the same fingerprint, and no altered token is accepted.
 */
import { createPublicKey } from 'node:crypto';

import { createClerkRequest } from '@clerk/backend/internal';
import { Logger, type ExecutionContext } from '@nestjs/common';
import fc from 'fast-check';

import {
  computeCookieSuffix,
  readKeyId,
  sessionTokens,
  tokenInHeader,
  type Credentials,
} from '../../../lib/authentication/identity/credentials.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import { DirectAuthenticator } from '../../../lib/authentication/lanes/direct.authenticator.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { StaticKeySet } from '../../../lib/authentication/keys/key-set.js';
import { isDocumentNavigation } from '../../../lib/authentication/lanes/navigation.js';
import { HotCache } from '../../../lib/authentication/cache/hot-cache.js';
import {
  computeDigest,
  fingerprintRequest,
  findSoleSessionToken,
} from '../../../lib/authentication/cache/request-digest.js';
import { verifyClaims } from '../../../lib/authentication/identity/claim-rules.js';
import { SessionIdentities } from '../../../lib/authentication/identity/session-identity.js';
import { SignedOutIdentities } from '../../../lib/authentication/identity/signed-out-identities.js';
import { decodeToken, isSignedBy } from '../../../lib/authentication/identity/session-token.js';
import { TOKEN_TYPES, type AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../../lib/index.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { LocalClerk } from '../../../lib/testing/index.js';
import type { Call } from '../../../lib/transports/calls.js';
import { graphqlCredentials } from '../../../lib/transports/graphql/graphql.credentials.js';
import { graphqlOperationOf } from '../../../lib/transports/graphql/graphql.operation.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';
import { Denied, type Outcome } from '../../../lib/errors/denial.js';
import { presentedCredentials } from '../../../lib/transports/presented.js';
import { toWebRequest } from '../../../lib/transports/http/web-request.js';
import type { HttpRequestLike } from '../../../lib/transports/http/http-request.js';
import { WebSocketPackage } from '../../../lib/transports/websocket/websocket.package.js';
import { WebSocketTransport } from '../../../lib/transports/websocket/websocket.transport.js';
import { anything, HOLDERS, PROTOTYPE_NAMES, RUNS } from '../../support/hostile.js';

const KEYS = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_1' };
const SUFFIX = computeCookieSuffix(KEYS.publishableKey);
const optionsWith = (more: ClerkModuleOptions = {}) => resolveClerkOptions({ ...KEYS, ...more }, {});
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 }));

describe('the cache key of a request', () => {
  // Few values, so that requests are often equal.
  const few = fc.constantFrom('', 'a', 'a,b', 'https://a.test', 'document', 'text/html', '["a"]', 'null');
  const NAMES = [
    ...['host', 'x-forwarded-host', 'x-forwarded-proto', 'cloudfront-forwarded-proto', 'origin', 'referer'],
    ...['sec-fetch-dest', 'accept', 'authorization', 'cookie', ':authority'],
  ] as const;
  const targets = [
    ...['/', '/orgs/a', '/orgs/b', '/?a=b', '/?__clerk_synced=1', '/?__clerk_synced=2', '/?%5f_clerk_synced=1'],
    ...['/orgs/a?__clerk_synced=1', '/?a=b&__clerk%5Fsynced=3', '/?a=%31', '/?x=?__clerk_synced=4'],
  ];
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST'),
    url: fc.constantFrom(...targets),
    headers: fc.dictionary(fc.constantFrom(...NAMES), few, { maxKeys: 2 }),
    socket: fc.constantFrom({ encrypted: true }, {}),
  });
  const OPTIONS = {
    'default options': optionsWith(),
    organizationSyncOptions: optionsWith({ organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'] } }),
    'a proxyUrl function': optionsWith({ proxyUrl: ({ pathname }) => pathname }),
  };

  it.each(Object.entries(OPTIONS))(
    'is equal only for requests from which Clerk reads the same values, with %s',
    (name, options) => {
      /** Everything that Clerk reads, parsed by Clerk. */
      const reading = (given: HttpRequestLike) => {
        const { method, headers, clerkUrl, cookies } = createClerkRequest(toWebRequest(given));
        const parameters = [...clerkUrl.searchParams].filter(([parameter]) => parameter.startsWith('__clerk_'));
        return JSON.stringify([
          ...[method, clerkUrl.origin, parameters, [...cookies]],
          ...NAMES.slice(0, -1).map((header) => headers.get(header)),
          name === 'default options' ? null : name === 'organizationSyncOptions' ? clerkUrl.pathname : clerkUrl.href,
        ]);
      };
      let equal = 0;
      fc.assert(
        fc.property(request, request, fc.constantFrom('method', 'url', 'headers', 'socket'), (one, another, field) => {
          // Equal except for one field.
          const other = { ...one, [field]: another[field] };
          const keyOf = (given: typeof one) => fingerprintRequest(new HttpCredentials(given, given), options);
          if (keyOf(one) !== keyOf(other)) return;
          equal += 1;
          expect(reading(other)).toBe(reading(one));
        }),
        { numRuns: RUNS * 5 },
      );
      expect(equal).toBeGreaterThan(RUNS / 10);
    },
  );

  it('is a digest that is equal only for the same credentials and accepted token types', () => {
    const types = fc.oneof(
      fc.constantFrom<AcceptsToken>(...TOKEN_TYPES, 'any'),
      fc.subarray([...TOKEN_TYPES], { minLength: 2 }),
    );
    const sent = fc.oneof(fc.constantFrom('x', 'any x', 'session_token x', ' x', 'api_key,m2m_token x'), text);
    fc.assert(
      fc.property(types, sent, types, sent, (oneType, one, otherType, other) => {
        const same = one === other && String(oneType) === String(otherType);
        expect(computeDigest(one, oneType) === computeDigest(other, otherType)).toBe(same);
        expect(computeDigest(one, oneType)).not.toContain(one.length > 8 ? one : '\0');
      }),
      { numRuns: RUNS },
    );
  });

  it('is the token alone only without a session cookie in any spelling', () => {
    const pair = fc.tuple(fc.constantFrom('__session', ` __session`, `__session_${SUFFIX}`, 'x', '__client_uat'), text);
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 3 }), (pairs) => {
        const cookie = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(';');
        const source = { method: 'GET', url: '/', headers: { authorization: 'Bearer x', cookie } };
        if (findSoleSessionToken(new HttpCredentials(source, source), optionsWith()) === undefined) return;
        expect(sessionTokens(createClerkRequest(toWebRequest(source)), SUFFIX)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('session tokens in cookies', () => {
  it('are the first cookie with each of our two names, and no others', () => {
    const ours = ['__session', `__session_${SUFFIX}`];
    const theirs = ['__sessio', '__session_', '__session_other', '__SESSION', 'x__session', 'session', '__session[0]'];
    const pair = fc.tuple(fc.constantFrom(...ours, ...theirs, ...PROTOTYPE_NAMES), fc.stringMatching(/^[\w.-]{1,8}$/));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 8 }), (pairs) => {
        const cookie = pairs.map(([name, value]) => `${name}=${value}`).join('; ');
        const request = createClerkRequest(new Request('http://localhost', { headers: { cookie } }));
        const due = ours.flatMap((name) => pairs.find(([known]) => known === name)?.[1] ?? []);
        expect(sessionTokens(request, SUFFIX)).toEqual(due);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('a session token', () => {
  let clerk: LocalClerk;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk.stop());

  const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \t\0é';

  it('is not accepted by direct verification with any character changed, removed or inserted', async () => {
    const token = await clerk.sessionToken({ expiresIn: 3600 });
    const keys = new StaticKeySet(clerk.jwtKey);
    const no = signedOutIdentity('asked', 'session_token', true);
    const options = optionsWith();
    const [sessions, signedOut] = [new SessionIdentities(options), new SignedOutIdentities()];
    const next = { authenticate: () => no };
    const direct = new DirectAuthenticator(options, keys, sessions, signedOut, next, () => Date.now());
    const isVerified = (sent: string) => {
      const source = { method: 'GET', url: '/', headers: { authorization: `Bearer ${sent}` } };
      return (
        (direct.authenticate(new HttpCredentials(source, source), 'session_token') as Identity).status === 'signed-in'
      );
    };
    expect(isVerified(token)).toBe(true);
    const found: string[] = [];
    for (let at = 0; at <= token.length; at++) {
      const character = CHARACTERS[(at * 7) % CHARACTERS.length]!;
      const [before, after] = [token.slice(0, at), token.slice(at + 1)];
      const bent = [before + character + after, before + after, before + character + token.slice(at)];
      found.push(...bent.filter((one) => one !== token && isVerified(one)));
    }
    // Some bits of the last character are not significant.
    for (const last of CHARACTERS)
      found.push(...[token.slice(0, -1) + last, token + last].filter((one) => one !== token && isVerified(one)));
    expect(found).toEqual([]);
  });

  it('of any form is parsed or rejected without an exception, and no arbitrary claims are valid', () => {
    const json = fc.json().map((part) => Buffer.from(part).toString('base64url'));
    const part = fc.oneof(json, text, fc.constantFrom('', 'e30', 'bnVsbA', 'W10'));
    const token = fc.oneof(
      text,
      fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('.')),
    );
    const key = createPublicKey(clerk.jwtKey);
    fc.assert(
      fc.property(token, fc.option(text), anything, (sent, header, claims) => {
        const kid = readKeyId(sent) ?? '';
        expect(typeof kid).toBe('string');
        expect(typeof decodeToken(sent) !== 'object' || !isSignedBy(sent, key)).toBe(true);
        const found = tokenInHeader(header);
        expect(found === undefined || header!.includes(found)).toBe(true);
        isDocumentNavigation({ method: 'GET', headers: { get: () => header } });
        // Arbitrary claims are never valid.
        if (typeof claims === 'object' && claims !== null)
          expect(verifyClaims(claims as never, optionsWith(), Date.now()) ?? {}).not.toHaveProperty('claims');
      }),
      { numRuns: RUNS * 2 },
    );
  });
});

describe('the hot cache', () => {
  it('never returns the identity of other credentials or token types, even with equal hashes', () => {
    // All have the same ending, so that all use the same slot.
    const ending = 'x'.repeat(24);
    const sent = fc
      .tuple(fc.constantFrom('', 'a', 'b', 'ab', 'ba', '\0'), fc.constantFrom('', ending))
      .map((all) => all.join(''));
    const types = fc.constantFrom<AcceptsToken>('session_token', 'any', 'm2m_token', [
      'api_key',
      'm2m_token',
    ] as AcceptsToken);
    const step = fc.record({ keeps: fc.boolean(), sent, types });
    let found = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 6, maxLength: 24 }), fc.constantFrom(10, 100), (steps, size) => {
        const recent = new HotCache({ maxEntries: size, maxBytes: 1_000_000 }, () => 0);
        const names = new Map<Identity, string>();
        for (const { keeps, ...question } of steps) {
          const name = `${String(question.types)} ${question.sent}`;
          const known = recent.get(question.sent, question.types);
          if (known) {
            found += 1;
            expect(names.get(known)).toBe(name);
          }
          if (!keeps) continue;
          const identity = signedOutIdentity('', 'session_token', true);
          names.set(identity, name);
          recent.set(question.sent, question.types, { identity, since: -1, until: 1, bytes: 1_000 });
        }
      }),
      { numRuns: RUNS },
    );
    expect(found).toBeGreaterThan(RUNS / 10);
  });
});

describe('the credentials of a call', () => {
  // Many of the inputs cause a log line.
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['log', 'warn', 'error']));

  const named = fc.constantFrom(
    'authorization',
    'cookie',
    'origin',
    'Authorization',
    'host',
    'then',
    ...PROTOTYPE_NAMES,
  );
  const value = fc.oneof(
    anything,
    text,
    fc.constantFrom('Bearer x', 'Bearer x\r\nhost: evil', 'Bearer \u2028', '\x80', ''),
  );
  const held = fc
    .tuple(fc.constantFrom(...Object.values(HOLDERS)), named, value)
    .map(([hold, name, given]) => hold(name, given));
  const answer = fc.oneof(held, value, fc.dictionary(named, value, { maxKeys: 3 }));
  const context = (more: object = {}) => more as ExecutionContext;

  /** Expects either credentials whose headers are strings, or a denial. */
  function expectReadable(given: Outcome<Credentials>): void {
    if (given instanceof Denied) return expect([400, 500]).toContain(given.denial.status);
    expect(given.request.method).toBe('POST');
    for (const header of Object.values(given.headers))
      expect([typeof header, header]).toEqual([header === undefined ? 'undefined' : 'string', header]);
  }

  it('are readable or denied with 400 or 500 for any result of the application’s function', () => {
    const headers = ['authorization', 'cookie', 'origin'] as const;
    fc.assert(
      fc.property(answer, (given) => {
        const question = { option: 'rpc.credentials', headers, extract: () => given };
        expectReadable(presentedCredentials(question, context(), () => ({ source: {} }) as Call, new LogThrottle()));
      }),
      { numRuns: RUNS * 2 },
    );
  });

  it('are readable or denied with 400 or 500 for any handshake of a socket', () => {
    const webSocket = { allowedOrigins: ['https://app.test'], tokenParameter: 'token' };
    const transport = new WebSocketTransport({ webSocket }, new WebSocketPackage());
    const texts = fc.dictionary(fc.constantFrom('authorization', 'cookie', 'origin', 'host', 'token'), text, {
      maxKeys: 3,
    });
    const handshake = fc.record({
      auth: fc.oneof(held, answer, fc.record({ token: value })),
      headers: fc.constant({}),
      query: fc.oneof(texts, fc.dictionary(fc.constant('token'), value)),
    });
    fc.assert(
      fc.property(handshake, value, (given, token) => {
        const credentials = transport.credentialsOf({ handshake: given, request: { headers: {} } }, {});
        expectReadable(credentials);
        expectReadable(transport.tokenOf({}, token));
      }),
      { numRuns: RUNS * 2 },
    );
  });

  it('are readable or denied with 400 or 500 for any GraphQL context, and contain no cookie', () => {
    const params = fc.oneof(
      answer,
      fc.dictionary(fc.constantFrom('authorization', 'AUTHORIZATION', 'cookie', '__proto__'), value),
    );
    const own = fc.record(
      {
        connectionParams: params,
        req: fc.oneof(anything, fc.record({ connectionParams: params, headers: anything, url: value })),
        request: anything,
        extra: answer,
        reply: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(own, fc.oneof(anything, fc.constant({ fieldNodes: [] })), (given, third) => {
        const operation = graphqlOperationOf(
          context({ getArgByIndex: (index: number) => [{}, {}, given, third][index] }),
        );
        const credentials = graphqlCredentials(operation);
        if (!credentials || operation.request) return;
        expectReadable(credentials);
        expect(credentials.headers.cookie).toBeUndefined();
      }),
      { numRuns: RUNS * 2 },
    );
  });
});
