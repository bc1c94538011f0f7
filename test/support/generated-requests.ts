import fc from 'fast-check';

import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import type { LocalClerk, SessionTokenOptions } from '../../lib/testing/index.js';
import type { HttpRequestLike } from '../../lib/transports/http/http-request.js';

/** How a token is created and damaged. All dates are relative, in seconds. */
export interface TokenSpec {
  readonly kind: 'session' | 'template' | 'm2m' | 'oauth';
  readonly age: number;
  readonly lifetime: number;
  readonly notBefore: number;
  readonly claims: Record<string, unknown>;
  readonly omit: readonly string[];
  readonly header: Record<string, unknown>;
  readonly foreignKey: boolean;
  readonly damage: keyof typeof DAMAGES;
}

/** The ways in which a token is changed after it was signed. */
const DAMAGES = {
  none: (token: string) => token,
  // Only two bits of the last character count; Clerk requires the others to be zero.
  'last bit': (token: string) => token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1),
  'last characters': (token: string) => `${token.slice(0, -6)}AAAAAA`,
  'no signature': (token: string) => `${token.split('.').slice(0, 2).join('.')}.`,
  padded: (token: string) => `${token}==`,
  'four parts': (token: string) => `${token}.AA`,
  'another payload': (token: string) => {
    const [header, , signature] = token.split('.');
    return `${header}.${Buffer.from('{"sub":"user_evil","sid":"sess_evil","exp":9999999999}').toString('base64url')}.${signature}`;
  },
  'in the middle': (token: string) => token.replace(/(?<=\.\w{10})\w/, (letter) => (letter === 'a' ? 'b' : 'a')),
  'no token': () => 'garbage',
  'two parts': (token: string) => token.slice(0, token.lastIndexOf('.')),
  'empty parts': () => '..',
  'a header that is null': (token: string) => `bnVsbA${token.slice(token.indexOf('.'))}`,
  'a header that is not JSON': (token: string) => `bm8${token.slice(token.indexOf('.'))}`,
  'a payload that is a list': (token: string) => token.replace(/\..*\./, '.W10.'),
  'a payload that is null': (token: string) => token.replace(/\..*\./, '.bnVsbA.'),
  'a payload that is not JSON': (token: string) => token.replace(/\..*\./, '.bm8.'),
  'a percent-encoded NUL byte': (token: string) => `${token}%00`,
  'base64 with padding': (token: string) => token.replace('.', '=.'),
} as const;

/** Usually the value of `otherwise`. */
const seldom = <A, B>(arbitrary: fc.Arbitrary<A>, otherwise: B): fc.Arbitrary<A | B> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary });

const CATEGORIES = [
  undefined,
  'cl_B7d4PD111AAA',
  'cl_B7d4PD222AAA',
  'cl_B7d4PD333AAA',
  'cl_I7d4PD111III',
  'cl_unknown',
];

const GOOD: TokenSpec = {
  ...{ kind: 'session', age: 0, lifetime: 60, notBefore: -10, claims: {}, omit: [], header: {} },
  ...{ foreignKey: false, damage: 'none' },
};

const CLAIMS: readonly (readonly [string, readonly unknown[]])[] = [
  ['azp', ['https://app.test', 'https://evil.test', '', null, 7, ['https://app.test']]],
  ['aud', ['api', 'other', ['api', 'x'], ['x'], [], '', 7, null]],
  ['sub', ['mch_1', '', 7, null]],
  ['sid', ['', 7, null]],
  ['exp', ['soon', 1.5, 9e15, -1, null, 1e308]],
  ['iat', ['now', 1.5, 9e15, null]],
  ['nbf', ['now', 9e15, null]],
  ['iss', ['https://evil.test', '', 7, null]],
  ['sts', ['pending', 'active', 'strange']],
  ['v', [1, 3, null]],
  ['o', [null, 'x', { id: 'org_1', rol: 'admin', slg: 'acme', per: 'read', fpm: '1' }]],
  ['act', [{ sub: 'user_admin' }, null]],
  ['__proto__', [{ polluted: true }]],
];

/** The values with which each field makes a token unusual or invalid. */
const DEFECTS: { readonly [Field in keyof TokenSpec]: fc.Arbitrary<TokenSpec[Field]> } = {
  kind: fc.constantFrom('template', 'm2m', 'oauth'),
  age: fc.constantFrom(30, 56, 62, 70, -10, 3600),
  lifetime: fc.constantFrom(5, 0, -30, 100_000),
  notBefore: fc.constantFrom(0, 4, 20, 3600),
  claims: fc
    .constantFrom(...CLAIMS)
    .chain(([name, values]) => fc.constantFrom(...values).map((value) => ({ [name]: value }))),
  omit: fc.constantFrom(...['azp', 'sid', 'sub', 'exp', 'nbf', 'iat', 'iss', 'v', 'sts'].map((name) => [name])),
  header: fc.oneof(
    fc.constantFrom(...CATEGORIES).map((cat): Record<string, unknown> => ({ cat })),
    fc.constantFrom(undefined, 'jwt', 'at+jwt', 'application/at+jwt', 7).map((typ) => ({ typ })),
    fc.constantFrom(undefined, 'other', '', 7, '../../etc/passwd').map((kid) => ({ kid })),
    fc.constantFrom('none', 'HS256', 'rs256', 'RS512').map((alg) => ({ alg })),
    fc.constantFrom<Record<string, unknown>[]>(
      ...[{ crit: ['exp'] }, { b64: false }, { jku: 'https://evil.test' }, { jwk: {} }, { zip: 'DEF' }],
    ),
  ),
  foreignKey: fc.constant(true),
  damage: fc.constantFrom(...(Object.keys(DAMAGES) as (keyof typeof DAMAGES)[])),
};

/** Valid tokens, tokens with a single defect, which then decides the result, and tokens with several. */
export const tokenSpec: fc.Arbitrary<TokenSpec> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(GOOD) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...(Object.keys(DEFECTS) as (keyof TokenSpec)[]))
      .chain((field) => (DEFECTS[field] as fc.Arbitrary<unknown>).map((value) => ({ ...GOOD, [field]: value }))),
  },
  { weight: 1, arbitrary: fc.record(DEFECTS) },
);

export interface Instance {
  readonly clerk: LocalClerk;
  readonly other: LocalClerk;
}

/** @param now In seconds. */
export async function mint(spec: TokenSpec, { clerk, other }: Instance, now: number): Promise<string> {
  const { age, lifetime, claims, omit, header } = spec;
  const key = spec.foreignKey ? other : undefined;
  const options: SessionTokenOptions = {
    ...{ user: USER, header, omit, key, claims },
    ...{ issuedAt: now - age, expiresIn: lifetime, notBefore: now - age + spec.notBefore },
    authorizedParty: 'https://app.test',
  };
  const jwt = { format: 'jwt', header, key, secondsUntilExpiration: lifetime - age } as const;
  const tokens = {
    session: () => clerk.sessionToken(options),
    template: () => clerk.templateToken(options),
    m2m: async () => (await clerk.createM2MToken({ machine: MACHINE.of(clerk), ...jwt })).token,
    oauth: async () => (await clerk.createOAuthToken({ user: USER, ...jwt })).token,
  };
  return DAMAGES[spec.damage](await tokens[spec.kind]());
}

const USER = 'user_generated';
const MACHINE = {
  known: new WeakMap<LocalClerk, { id: string }>(),
  of(clerk: LocalClerk): { id: string } {
    const machine = this.known.get(clerk) ?? clerk.createMachine();
    this.known.set(clerk, machine);
    return machine;
  },
};

/** Creates the users that the tokens belong to. */
export function populate({ clerk, other }: Instance): void {
  for (const one of [clerk, other]) one.createUser({ id: USER });
}

/** A request without its tokens, which it refers to by index. */
export interface RequestSpec {
  readonly acceptsToken: AcceptsToken;
  readonly method: string;
  readonly target: string;
  readonly carriers: {
    readonly authorization?: { readonly scheme: string; readonly token: number; readonly after: string };
    readonly session?: number;
    readonly suffixedSession?: number;
  };
  readonly cookies: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the application trusts the proxy that sent it, as set in Express. */
  readonly trustsProxy: boolean;
}

export const TOKENS = 3;
const token = fc.nat(TOKENS - 1);
const scheme = seldom(fc.constantFrom('bearer ', '', 'Basic ', 'Bearer  ', 'Token '), 'Bearer ');
/** Clerk ignores what follows a token. */
const after = fc.constantFrom('', '', '', ' x');
const authorization = fc.record({ scheme, token, after });

const header = (name: string, ...values: string[]) =>
  seldom(
    fc.constantFrom(...values).map((value) => ({ [name]: value }) as Record<string, string>),
    {},
  );
const merged = (...arbitraries: fc.Arbitrary<Record<string, string>>[]) =>
  fc.tuple(...arbitraries).map((parts) => Object.assign({}, ...parts) as Record<string, string>);
/** Mostly nothing unusual, sometimes one thing, rarely several, so that many requests differ in one thing only. */
const unusual = (...arbitraries: fc.Arbitrary<Record<string, string>>[]) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Record<string, string>>({}) },
    { weight: 4, arbitrary: fc.constantFrom(...arbitraries).chain((one) => one) },
    { weight: 1, arbitrary: merged(...arbitraries) },
  );

const acceptsToken = fc.constantFrom<AcceptsToken>(
  ...(['session_token', 'session_token', 'session_token', 'any', 'm2m_token'] as const),
  ['session_token', 'm2m_token'],
  ['m2m_token', 'oauth_token'],
);
const method = seldom(fc.constantFrom('POST', 'HEAD', 'PUT'), 'GET');
const target = fc.oneof(
  { weight: 5, arbitrary: fc.constant('/') },
  {
    weight: 10,
    arbitrary: fc.constantFrom(
      ...['/orgs/acme/x', '/orgs/other', '/me', '/?a=b', '/?__clerk_synced=true', '/?__clerk_synced=false'],
      ...['/?__clerk_db_jwt=x', '/?%5F_clerk_db_jwt=x', '/?__clerk_redirect_url=https%3A%2F%2Fa.test', '/a%20b?c=%zz'],
    ),
  },
);
const headers = unusual(
  header('host', 'api.test', 'localhost:3000', 'bad host', '[::1]:80', 'a.test:99999'),
  header('x-forwarded-host', 'app.test', 'app.test, proxy.test', 'not a host', ''),
  header('x-forwarded-proto', 'https', 'https,http', 'javascript', ''),
  header('cloudfront-forwarded-proto', 'https', 'javascript'),
  // From a page of the same origin or of another, depending on which host is used.
  header('referer', 'https://app.test/x', 'https://api.test/').map((referer) => ({
    ...{ 'x-forwarded-host': 'app.test', 'x-forwarded-proto': 'https', 'sec-fetch-dest': 'document' },
    ...referer,
  })),
  header('origin', 'https://app.test', 'https://primary.test', 'null'),
  header('referer', 'https://app.test/x', 'https://evil.test', 'nonsense'),
  header('sec-fetch-dest', 'document', 'iframe', 'empty'),
  header('accept', 'text/html', '*/*'),
  header('user-agent', 'jest', 'curl'),
);

/** A request whose tokens, if it has any, are anywhere. */
export const requestSpec: fc.Arbitrary<RequestSpec> = fc.record({
  acceptsToken,
  method,
  target,
  carriers: fc.oneof(
    { weight: 6, arbitrary: fc.record({ authorization }) },
    { weight: 3, arbitrary: fc.record({ session: token, suffixedSession: seldom(token, undefined) }) },
    { weight: 1, arbitrary: fc.record({ authorization, session: token, suffixedSession: seldom(token, undefined) }) },
    { weight: 1, arbitrary: fc.constant({}) },
  ),
  cookies: unusual(
    header('__client_uat', '0', '9999999999', 'x'),
    header('__client_uat_{suffix}', '0', '1'),
    header('__clerk_db_jwt', ''),
    header('__clerk_redirect_count', '3', '1'),
    header('__session', 'x', 'e30.bnVsbA.AA', 'e30.W10.AA', 'null'),
    header('other', '__session', 'x'),
  ).map((cookies): Record<string, string> => ({ __client_uat: '1', __clerk_db_jwt: 'dvb_1', ...cookies })),
  headers,
  trustsProxy: fc.boolean(),
});

/** Cookies of other software, some with names that begin like those of Clerk, and cookies of Clerk that sign no one in. */
const foreignCookies = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Record<string, string>>({}) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Record<string, string>[]>(
      ...[{ _ga: '1' }, { theme: 'dark' }, { _ga: '1', theme: 'dark' }, { _ga: '"; __session=x"' }],
      ...[{ __sessions: 'x' }, { x__session: 'x' }, { __Session: 'x' }, { __session_unknown: 'x' }, { __clerk: 'x' }],
      ...[{ __client_uats: '1' }, { __client: '1' }, { __client_uat_unknown: '1' }, { __refreshes: 'x' }],
      ...[{ __clerk_db_jwt_unknown: 'x' }, { '%5F_client_uat': '1' }, { '': '__client_uat=1' }],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Record<string, string>[]>(
      ...[{ __client_uat: '0' }, { '__client_uat_{suffix}': '0' }, { __client_uat: '1' }, { __clerk_db_jwt: 'dvb_1' }],
      ...[{ '__clerk_db_jwt_{suffix}': 'dvb_1' }, { '__client_uat_{suffix}': '1' }, { __clerk_redirect_count: '1' }],
      ...[{ __session: '' }, { '__session_{suffix}': '' }, { '__refresh_{suffix}': 'x' }],
    ),
  },
);

/** What decides whether a request is a document navigation, which is answered in another way. */
const asNavigation = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD'),
  headers: fc.constantFrom<Record<string, string>[]>(
    ...[{ 'sec-fetch-dest': 'document' }, { accept: 'text/html' }, { 'sec-fetch-dest': 'empty', accept: 'text/html' }],
  ),
});

/** A request without credentials. */
export const anonymousSpec: fc.Arbitrary<RequestSpec> = fc
  .record({
    ...{ acceptsToken, method, target, headers },
    carriers: fc.constant({}),
    cookies: foreignCookies,
    trustsProxy: fc.boolean(),
    navigation: seldom(asNavigation, {}),
  })
  .map(({ navigation, ...spec }) => ({ ...spec, ...navigation }));

/** A request with a token in the Authorization header and no cookie of Clerk's. */
export const tokenOnlySpec: fc.Arbitrary<RequestSpec> = fc.record({
  ...{ acceptsToken, method, target, headers },
  carriers: fc.record({ authorization: fc.record({ scheme: fc.constant('Bearer '), token, after: fc.constant('') }) }),
  cookies: fc.constantFrom<Record<string, string>[]>({}, {}, { _ga: '1' }, { __client_uat: '1' }),
  trustsProxy: fc.boolean(),
});

/** What differs between two requests that a careless cache would mistake for each other. */
const difference: fc.Arbitrary<Partial<RequestSpec>> = fc.oneof(
  fc.record({ acceptsToken }),
  fc.record({ acceptsToken: fc.constantFrom<AcceptsToken>('any', 'm2m_token', 'api_key', ['api_key', 'm2m_token']) }),
  asNavigation,
  fc.record({ method: fc.constantFrom('GET', 'POST', 'HEAD') }),
  fc.record({ target }),
  fc.record({ headers }),
  fc.record({ cookies: foreignCookies }),
  fc.record({ trustsProxy: fc.boolean() }),
  fc.record({ carriers: fc.record({ authorization }) }),
  fc.record({
    carriers: fc.record({ session: token }),
    cookies: fc.constant({ __client_uat: '1', __clerk_db_jwt: 'd' }),
  }),
);

/** A request and a similar one, each several times in a row and in turn, so that caches are used. */
const repeated = (spec: fc.Arbitrary<RequestSpec>): fc.Arbitrary<readonly RequestSpec[]> =>
  fc
    .record({
      spec,
      difference,
      order: fc.constantFrom(
        ...[
          [0, 0, 1, 0],
          [0, 1, 0, 1],
          [0, 0, 0],
          [1, 0, 1],
          [0, 1, 1, 0, 0],
        ],
      ),
    })
    .map(({ spec: first, difference: other, order }) => {
      const pair = [first, { ...first, ...other }] as const;
      return order.map((index) => pair[index as 0 | 1]);
    });

/** At least three requests in a row. */
export const requestSpecs: fc.Arbitrary<readonly RequestSpec[]> = fc.oneof(
  { weight: 4, arbitrary: fc.array(requestSpec, { minLength: 3, maxLength: 3 }) },
  { weight: 3, arbitrary: repeated(anonymousSpec) },
  { weight: 2, arbitrary: repeated(tokenOnlySpec) },
);

/** The request as Node provides it. */
export function request(spec: RequestSpec, tokens: readonly string[], publishableKey: string): HttpRequestLike {
  const suffix = computeCookieSuffix(publishableKey);
  const { authorization, session, suffixedSession } = spec.carriers;
  const cookies = {
    ...spec.cookies,
    ...(session === undefined ? {} : { __session: tokens[session] }),
    ...(suffixedSession === undefined ? {} : { '__session_{suffix}': tokens[suffixedSession] }),
  };
  const cookie = Object.entries(cookies)
    .map(([name, value]) => `${name.replace('{suffix}', suffix)}=${value}`)
    .join('; ');
  return {
    ...(spec.trustsProxy ? { app: { get: () => () => true } } : {}),
    method: spec.method,
    url: spec.target,
    headers: {
      host: 'api.test',
      ...spec.headers,
      ...(cookie ? { cookie } : {}),
      ...(authorization
        ? { authorization: authorization.scheme + tokens[authorization.token] + authorization.after }
        : {}),
    },
  };
}

/** Options that change Clerk's result. */
export const optionsSpec: fc.Arbitrary<ClerkModuleOptions> = fc.constantFrom<ClerkModuleOptions>(
  {},
  {},
  { authorizedParties: ['https://app.test'] },
  { authorizedParties: ['https://another.test', 'https://app.test'], clockSkewInMs: 0 },
  { audience: 'api' },
  { audience: ['api', 'web'], clockSkewInMs: 60_000 },
  {
    organizationSyncOptions: {
      organizationPatterns: ['/orgs/:slug', '/orgs/:slug/(.*)'],
      personalAccountPatterns: ['/me'],
    },
  },
  { isSatellite: true, domain: 'satellite.test', signInUrl: 'https://primary.test/sign-in' },
  {
    isSatellite: ({ pathname }: URL) => pathname === '/me',
    domain: 'satellite.test',
    signInUrl: 'https://primary.test/x',
  },
  { proxyUrl: '/__clerk' },
);
