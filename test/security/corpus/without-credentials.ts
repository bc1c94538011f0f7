import type { ClerkModuleOptions } from '../../../lib/index.js';
import type { Header } from '../../support/raw-http.js';
import { inBoth, inCookie, inHeader, UNAUTHORIZED, type Attack, type Family, type Sent, type Stage } from './entry.js';
import { encode, partsOf, rs256, withHeader } from './forge.js';

/** A cached answer that is used for another caller. */
const CACHE = 'CWE-524';

const NOTHING: Sent = {};
const withHeaders = (sent: Sent, ...headers: Header[]): Sent => ({
  ...sent,
  headers: [...(sent.headers ?? []), ...headers],
});

/** Credentials that are not valid, each sent between requests without any. */
const between = (
  name: string,
  make: (stage: Stage) => readonly Sent[] | Promise<readonly Sent[]>,
  source = CACHE,
): Attack => ({
  name,
  source,
  outcome: UNAUTHORIZED,
  requests: async (stage) => (await make(stage)).flatMap((sent) => [NOTHING, sent, NOTHING, sent]).concat(NOTHING),
});

/** Requests without credentials that are similar to the valid ones. */
const similar = (name: string, ...sent: Sent[]): Attack => ({
  name,
  source: CACHE,
  outcome: UNAUTHORIZED,
  requests: () => [...sent, ...sent],
});

const forged = ({ attacker, good }: Stage) => withHeader(good.session, {}, rs256(attacker.signingKey));
const issued = (secondsAgo: number) => Math.floor(Date.now() / 1000) - secondsAgo;

/** The answer to requests without credentials is the same for all of them: it must not become that of anyone else. */
export const withoutCredentials: Family = {
  name: 'requests without credentials among others',
  control: ({ good }) => [
    ...inBoth(good.session),
    withHeaders(inHeader(good.session), ['Cookie', '_ga=1']),
    { method: 'POST', headers: [...(inHeader(good.session).headers ?? []), ['Content-Length', '0']] },
  ],
  attacks: [
    similar('no header at all', NOTHING),
    similar(
      'cookies of other software',
      { headers: [['Cookie', '_ga=1']] },
      { headers: [['Cookie', 'theme=dark; _ga=1']] },
    ),
    similar('the cookies of a browser without its session', {
      headers: [['Cookie', '__client_uat=1; __clerk_db_jwt=d']],
    }),
    similar(
      'an empty Authorization header',
      { headers: [['Authorization', '']] },
      { headers: [['Authorization', 'Bearer ']] },
    ),
    similar(
      'a scheme without a token',
      { headers: [['Authorization', 'Bearer']] },
      { headers: [['Authorization', 'Basic']] },
    ),
    similar('an empty Cookie header', { headers: [['Cookie', '']] }, { headers: [['Cookie', ';']] }),
    similar('other methods', { method: 'POST', headers: [['Content-Length', '0']] }, { method: 'DELETE' }),
    similar(
      'other hosts',
      ...['evil.example', 'api.example.com', 'localhost'].map((host): Sent => ({ headers: [['Host', host]] })),
    ),
    similar(
      'parameters of Clerk',
      { query: '?__clerk_db_jwt=x' },
      { query: '?__clerk_handshake_nonce=x' },
      { query: '?__clerk_handshake=x' },
      { query: '?__clerk_synced=false' },
    ),
    between('a forged session', (stage) => inBoth(forged(stage))),
    between('an expired session', async ({ clerk }) => inBoth(await clerk.sessionToken({ issuedAt: issued(600) }))),
    between('a session that is not valid yet', async ({ clerk }) =>
      inBoth(await clerk.sessionToken({ issuedAt: issued(-600) })),
    ),
    between('a session of another tenant', ({ good }) => inBoth(good.neighbour), 'RFC 8725 §2.7'),
    between('a session with an unknown kid', ({ attacker, good }) =>
      inBoth(withHeader(good.session, { kid: 'unknown' }, rs256(attacker.signingKey))),
    ),
    between('a token of a template', async ({ clerk }) => inBoth(await clerk.templateToken()), 'RFC 8725 §2.8'),
    between('machine tokens', ({ good }) =>
      [good.m2m, good.oauth, good.opaqueM2m, good.opaqueOauth, good.apiKey].map(inHeader),
    ),
    between('a malformed token', () => ['x', '..', 'a.b.c', 'e30.e30.e30', 'e30.bnVsbA.AA'].flatMap(inBoth)),
    between('the claims of a valid session with another signature', ({ good }) => {
      const { header, payload, signature } = partsOf(good.session);
      const last = signature.slice(0, -2) + (signature.endsWith('AA') ? 'BA' : 'AA');
      return [`${header}.${payload}.${last}`, `${header}.${payload}.`, `${header}.${payload}`].flatMap(inBoth);
    }),
    between('the signature of a valid session with other claims', ({ good }) => {
      const { header, signature } = partsOf(good.session);
      return inBoth(`${header}.${encode({ sub: 'user_evil', sid: 'sess_evil', exp: 9_999_999_999 })}.${signature}`);
    }),
    between('a forged session with the parameters of a handshake', (stage) =>
      inBoth(forged(stage)).map((sent) => ({ ...sent, query: '?__clerk_handshake_nonce=x' })),
    ),
  ],
};

const NAVIGATION: readonly Header[] = [
  ['Accept', 'text/html'],
  ['Sec-Fetch-Dest', 'document'],
];
/** Every response is checked for redirects to another site, so the second request must not get that of the first. */
const navigation = (name: string, ...sent: readonly Sent[]): Attack => ({
  name,
  source: CACHE,
  outcome: { strict: 307, public: 307 },
  requests: () => sent.map((one) => withHeaders(one, ...NAVIGATION)),
});

/** A navigation of a new browser on a development instance leads to a handshake with a URL to return to. */
export const navigationsWithoutCredentials: Family = {
  name: 'navigations without credentials',
  at: 'page',
  control: ({ good }) => [inCookie(good.session)],
  attacks: [
    navigation('a navigation from another host, then one from ours', { headers: [['Host', 'evil.example']] }, NOTHING),
    navigation('a forwarded host, then none', { headers: [['X-Forwarded-Host', 'evil.example']] }, NOTHING),
    navigation('a referer of another site, then none', { headers: [['Referer', 'https://evil.example/']] }, NOTHING),
    navigation('cookies of other software, then none', { headers: [['Cookie', '_ga=1']] }, NOTHING),
    navigation(
      'a handshake nonce that Clerk does not know, then none',
      { query: '?__clerk_handshake_nonce=evil' },
      NOTHING,
    ),
    {
      ...navigation('a fetch without credentials between navigations'),
      outcome: UNAUTHORIZED,
      requests: () => [NOTHING, { headers: [['Sec-Fetch-Dest', 'empty']] }, { headers: [['Accept', '*/*']] }],
    },
  ],
};

const HOSTS = ['home.example', 'next.example', 'live.example'] as const;
type TenantHost = (typeof HOSTS)[number];

const at = (host: TenantHost, ...sent: readonly Sent[]): readonly Sent[] =>
  sent.map((one) => ({ ...one, headers: [['Host', host] satisfies Header, ...(one.headers ?? [])] }));

/** Credentials of one tenant at the host of another, between requests without credentials at both. */
const crossing = (name: string, host: TenantHost, make: (stage: Stage) => readonly Sent[]): Attack => ({
  name,
  source: 'RFC 8725 §2.7',
  outcome: UNAUTHORIZED,
  requests: (stage) => {
    const anyone = HOSTS.flatMap((other) => at(other, NOTHING));
    return make(stage).flatMap((sent) => [...anyone, ...at(host, sent), ...at(host, NOTHING), ...at(host, sent)]);
  },
});

/** Three instances behind one application, selected by the host; one of them is a production instance. */
export const hostsWithoutCredentials: Family = {
  name: 'requests without credentials to several tenants',
  options: ({ clerk, neighbour, production }): ClerkModuleOptions => {
    const known: Readonly<Record<string, object>> = {
      'home.example': clerk.options,
      'next.example': neighbour.options,
      'live.example': production.options,
    };
    return {
      resolveOptions: ((request: { headers: Record<string, string> }) =>
        known[request.headers.host ?? ''] ?? clerk.options) as ClerkModuleOptions['resolveOptions'],
    };
  },
  control: ({ good }) => [
    ...at('home.example', ...inBoth(good.session)),
    ...at('next.example', ...inBoth(good.neighbour)),
    ...at('live.example', ...inBoth(good.production)),
  ],
  attacks: [
    crossing('a session of the first tenant at the second', 'next.example', ({ good }) => inBoth(good.session)),
    crossing('a session of the first tenant at the third', 'live.example', ({ good }) => inBoth(good.session)),
    crossing('a session of the second tenant at the first', 'home.example', ({ good }) => inBoth(good.neighbour)),
    crossing('a session of the third tenant at the first', 'home.example', ({ good }) => inBoth(good.production)),
    crossing('cookies of other software at each tenant', 'next.example', () => [{ headers: [['Cookie', '_ga=1']] }]),
  ],
};
