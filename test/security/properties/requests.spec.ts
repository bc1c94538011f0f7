/**
 * For any bytes in target, cookies and headers: no 5xx, no access without a valid token, no other identity than that of
 * a valid token, and no redirect to a site that the client chose.
 */
import { Controller, Get } from '@nestjs/common';
import fc from 'fast-check';

import { computeCookieSuffix } from '../../../lib/authentication/identity/credentials.js';
import { Auth, Public, RedirectToSignIn, type ClerkModuleOptions } from '../../../lib/index.js';
import { LocalClerk } from '../../../lib/testing/index.js';
import { PROTOTYPE_NAMES, RUNS } from '../../support/hostile.js';
import { PLATFORMS } from '../../support/platforms.js';
import { exchange, type Header } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

@Controller()
class Routes {
  @Get(['strict', 'strict/*']) strict(@Auth('userId') userId: string) {
    return { strict: userId };
  }
  @Public() @Get(['public', 'public/*']) public(@Auth('userId') userId: string | null) {
    return { public: userId };
  }
  @RedirectToSignIn() @Get(['page', 'page/*']) page(@Auth('userId') userId: string) {
    return { strict: userId };
  }
}

/** The host that attackers use everywhere, so that it can be found in responses. */
const EVIL = 'evil.example';
const PAGES = 'https://accounts.app.test/sign-in';

/** In these strings, `{…}` is replaced when they are sent. */
const seldomEvil = fc.constantFrom(EVIL, `https://${EVIL}/x`, `a@${EVIL}`, `${EVIL}:99999`, `${EVIL}, app.test`);
const bytes = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((byte) => String.fromCharCode(byte)),
  maxLength: 12,
});
const printable = bytes.map((text) => text.replaceAll('\x7f', ''));
const junk = fc.constantFrom(
  ...[
    '',
    ' ',
    '=',
    '"',
    '"x"',
    "'",
    '%',
    '%zz',
    '%E0%A4%A',
    '%00',
    '%0d%0aset-cookie:x=y',
    '\\',
    '{}',
    'null',
    '[]',
    '..',
  ],
  ...[
    '0',
    '1',
    '-1',
    '9999999999',
    '1e400',
    'NaN',
    'true',
    '\xff\xfe',
    '\xe2\x82',
    'e30.bnVsbA.AA',
    'e30.e30.e30',
    'a.b.c',
  ],
);
const badToken = fc.constantFrom('{expired}', '{foreign}', '{forged}', '{template}', '{pending}', '{cut}', '{m2m}');
const value = fc.oneof(junk, printable, seldomEvil, badToken);

const CLERK_COOKIES = ['session', 'client_uat', 'refresh', 'clerk_db_jwt'].flatMap((name) => [
  ...[`__${name}`, `__${name}_{suffix}`, `__${name}_other`, ` __${name} `, `__${name.toUpperCase()}`],
]);
const HANDSHAKE = ['__clerk_handshake', '__clerk_handshake_nonce', '__clerk_redirect_count', '__clerk_redirect_url'];
const cookieName = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...CLERK_COOKIES) },
  fc.constantFrom(...HANDSHAKE, ...PROTOTYPE_NAMES, ''),
  printable,
);
const cookiePair = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(cookieName, value).map(([name, text]) => `${name}=${text}`) },
  cookieName,
);
const cookies = fc.oneof(
  fc
    .tuple(fc.array(cookiePair, { maxLength: 6 }), fc.constantFrom('; ', ';', ', ', ';;'))
    .map(([all, by]) => all.join(by)),
  { weight: 1, arbitrary: cookiePair.map((pair) => Array(60).fill(pair).join('; ')) },
);

const HEADERS = {
  host: fc.oneof(seldomEvil, junk, printable),
  'x-forwarded-host': fc.oneof(seldomEvil, junk, printable),
  'x-forwarded-proto': fc.oneof(fc.constantFrom('https', 'http,https', 'javascript', 'ftp', '//', 'https://x'), junk),
  'x-forwarded-port': junk,
  'x-forwarded-for': value,
  'cloudfront-forwarded-proto': fc.constantFrom('https', 'javascript', ''),
  forwarded: fc.constantFrom(`host=${EVIL};proto=https`, 'for="_x"'),
  origin: fc.oneof(seldomEvil, junk),
  referer: fc.oneof(seldomEvil, junk),
  'sec-fetch-dest': fc.oneof(fc.constantFrom('document', 'iframe', 'empty'), junk),
  'sec-fetch-mode': junk,
  accept: fc.oneof(fc.constantFrom('text/html', 'text/html;q=0', '*/*', 'application/json'), junk),
  'user-agent': value,
  'content-type': value,
  'x-clerk-auth-status': fc.constant('signed-in'),
  'x-http-method-override': fc.constantFrom('TRACE', 'GET'),
  'x-original-url': fc.constantFrom('/public', `//${EVIL}`),
  'clerk-proxy-url': seldomEvil,
} as const;
type Names = keyof typeof HEADERS;
const header = fc
  .constantFrom(...(Object.keys(HEADERS) as Names[]))
  .chain((name) => HEADERS[name].map((text): Header => [name, text]));
const authorization = fc
  .tuple(fc.constantFrom('Bearer ', 'bearer ', 'Basic ', '', 'Bearer  ', 'Bearer,', 'Bearer\t', 'DPoP '), value)
  .map(([scheme, text]): Header => ['authorization', scheme + text]);
const parameter = fc
  .tuple(
    fc.constantFrom(...HANDSHAKE, '__clerk_db_jwt', '__clerk_synced', '__clerk_help', '%5F_clerk_synced', 'x'),
    value,
  )
  .map(([name, text]) => `${name}=${encodeURIComponent(text).replaceAll('%7B', '{').replaceAll('%7D', '}')}`);
const piece = fc.constantFrom(
  ...[
    '/',
    '//',
    '\\',
    '.',
    '..',
    '%2e',
    '%2f',
    '%5c',
    '%00',
    '%zz',
    '@',
    ':',
    '?',
    '#',
    ';',
    '*',
    '\xff',
    EVIL,
    'strict',
  ],
);
const target = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/strict', '/public', '/page', '/page/a/b', '/') },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('/strict', '/public', '/page'), fc.array(parameter, { minLength: 1, maxLength: 3 }))
      .map(([path, query]) => `${path}?${query.join('&')}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom('/', '/strict/', '/public/', '/page/', '', `http://${EVIL}/`),
        fc.array(piece, { maxLength: 6 }),
      )
      .map((parts) => parts.flat().join('')),
  },
);
/** Node's limit for the head of a request, in bytes, minus some room; the default is 16 kB. */
const MAX_HEAD = 15_000;

const navigating: Header = ['sec-fetch-dest', 'document'];
const request = fc.record({
  method: fc.oneof({ weight: 9, arbitrary: fc.constant('GET') }, fc.constantFrom('HEAD', 'POST', 'TRACE', 'OPTIONS')),
  target,
  headers: fc
    .tuple(
      fc.array(header, { maxLength: 5 }),
      fc.array(cookies, { maxLength: 2 }),
      fc.constantFrom([], [navigating], [navigating]),
      fc.constantFrom(
        [],
        ['__client_uat=1; __clerk_db_jwt=d'],
        ['__client_uat=1; __clerk_db_jwt=d; __session={expired}'],
        ['__client_uat=1; __clerk_db_jwt=d; __session={pending}'],
      ),
    )
    .map(([lines, first, navigation, then]) => [
      ...navigation,
      ...lines,
      ...[...then, ...first].map((text): Header => ['cookie', text]),
    ]),
});

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
}

/** The headers that a response may have, including Clerk's own. */
const KNOWN_HEADERS =
  /^(date|connection|keep-alive|transfer-encoding|content-(type|length)|etag|vary|allow|x-powered-by|cache-control|location|set-cookie|www-authenticate|x-clerk-auth-(status|reason))$/;
const KNOWN_COOKIE =
  /^__(session|client_uat|refresh|clerk_(db_jwt|handshake|handshake_nonce|redirect_count))(_[\w-]{8})?=/;

/** An application, its Clerk, and the values of the placeholders in its requests. */
interface Site {
  readonly app: TestApp;
  readonly clerk: LocalClerk;
  readonly userId: string;
  readonly facts: ReadonlyMap<string, string>;
}

describe.each(PLATFORMS)('requests of arbitrary bytes on %s', (_, platform) => {
  let other: LocalClerk;
  const sites: Site[] = [];

  beforeAll(async () => {
    // Clerk logs many of the requests that are sent here.
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    other = await LocalClerk.start();
    // The sign-in page of the first is on this server, that of the second on another; the third proxies the Frontend API.
    sites.push(await start('development', {}), await start('production', { signInUrl: PAGES }));
    sites.push(await start('development', { proxyUrl: undefined, frontendApiProxy: { enabled: true } }));
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await Promise.all([...sites.flatMap(({ app, clerk }) => [app.close(), clerk.stop()]), other?.stop()]);
  });

  async function start(instanceType: 'development' | 'production', more: ClerkModuleOptions): Promise<Site> {
    const clerk = await LocalClerk.start({ instanceType });
    const { signInUrl: _in, signUpUrl: _up, ...options } = clerk.options;
    const app = await TestApp.on(platform)
      .clerk({ ...options, ...more })
      .controllers(Routes)
      .start();
    const user = clerk.createUser();
    const tokens = {
      // Valid for longer than the test takes.
      good: clerk.sessionToken({ user, expiresIn: 3600 }),
      pending: clerk.sessionToken({ sessionStatus: 'pending', expiresIn: 3600 }),
      expired: clerk.sessionToken({ issuedAt: Math.floor(Date.now() / 1000) - 120 }),
      foreign: other.sessionToken(),
      forged: clerk.sessionToken({ key: other }),
      template: clerk.templateToken(),
      cut: clerk.sessionToken().then((token) => token.slice(0, -9)),
      m2m: clerk.createM2MToken({ machine: clerk.createMachine() }).then(({ token }) => token),
      suffix: computeCookieSuffix(clerk.publishableKey),
    };
    const facts = new Map<string, string>();
    for (const [name, token] of Object.entries(tokens)) facts.set(name, await token);
    return { app, clerk, userId: user.id, facts };
  }

  /** Sends a request to one of the applications, and checks what every response must fulfil. */
  async function ask(site: Site, sent: Sent) {
    const filled = (text: string) => text.replaceAll(/\{(\w+)\}/g, (all, name: string) => site.facts.get(name) ?? all);
    const host: Header[] = sent.headers.some(([name]) => name === 'host') ? [] : [['host', 'api.app.test']];
    const headers = [...host, ...sent.headers].map(([name, text]): Header => [name, filled(text)]);
    const url = filled(sent.target);
    const answer = await exchange(site.app.port, { method: sent.method, target: url, headers, encoding: 'latin1' });
    // Node closes the connection on a head that is too long, and its response may get lost.
    const isTooLong = JSON.stringify(headers).length + url.length > MAX_HEAD;
    if (!(isTooLong && answer.status === 0)) expect(answer.status).toBeGreaterThanOrEqual(200);
    expect(answer.status).toBeLessThan(500);
    for (const line of answer.lines) {
      const [name = '', ...rest] = line.split(':');
      const text = rest.join(':').trim();
      expect(name.toLowerCase()).toMatch(KNOWN_HEADERS);
      expect(text).toMatch(/^[\t\x20-\x7e]*$/);
      if (name.toLowerCase() === 'set-cookie') {
        expect(text).toMatch(KNOWN_COOKIE);
        expect(text).not.toMatch(/evil|domain=/i);
      }
      if (name.toLowerCase() === 'location') expectOurs(text, site, { ...sent, target: url, headers });
    }
    return { status: answer.status, body: JSON.stringify(answer.body) };
  }

  /** Expects a redirect to Clerk, to the sign-in page, or to a path of this server. */
  function expectOurs(location: string, { clerk }: Site, sent: Sent): void {
    const own = 'https://this-server.invalid';
    const { origin } = new URL(location, own);
    const allowed = [own, new URL(PAGES).origin, new URL(clerk.url).origin];
    const { searchParams } = new URL(own + sent.target);
    // A primary application redirects back to any satellite; Clerk does so on development instances only.
    const back = searchParams.get('__clerk_redirect_url') ?? '';
    if (clerk.publishableKey.startsWith('pk_test_') && URL.canParse(back)) allowed.push(new URL(back).origin);
    expect(allowed).toContain(origin);
  }

  const isIn = ({ status, body }: { status: number; body: string }) => status === 200 && body.includes('strict');
  const which = fc.constantFrom(0, 1, 2);

  it('without a valid token get no access to strict routes, no 5xx and no redirect to another site', async () => {
    const seen = new Map<number, number>();
    const credentials = fc.array(authorization, { maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(which, request, credentials, async (index, sent, tokens) => {
        const answer = await ask(sites[index]!, { ...sent, headers: [...sent.headers, ...tokens] });
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        expect(isIn(answer)).toBe(false);
        if (answer.status === 200 && sent.method === 'GET') expect(answer.body).toContain('{"public":null}');
      }),
      { numRuns: RUNS },
    );
    // All kinds of responses occurred.
    for (const status of [200, 302, 307, 400, 401, 404])
      expect([status, seen.get(status) ?? 0]).not.toEqual([status, 0]);
  });

  it('with a valid token have the identity of its user on strict routes, or are denied', async () => {
    let signedIn = 0;
    await fc.assert(
      fc.asyncProperty(which, request, async (index, sent) => {
        const headers: Header[] = [['authorization', 'Bearer {good}'], ...sent.headers];
        const { userId } = sites[index]!;
        const { status, body } = await ask(sites[index]!, { ...sent, headers });
        if (status === 200 && sent.method === 'GET') {
          // Clerk reads the header first, so a public route has either this user or none.
          if (body.includes('strict')) expect(body).toContain(`{"strict":"${userId}"}`);
          else expect([`{"public":"${userId}"}`, '{"public":null}'].some((due) => body.includes(due))).toBe(true);
          if (body.includes(userId)) signedIn += 1;
        }
      }),
      { numRuns: RUNS },
    );
    expect(signedIn).toBeGreaterThan(RUNS / 10);
  });
});
