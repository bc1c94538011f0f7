import { All, Controller } from '@nestjs/common';
import { decodeJwt } from 'jose';

import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import { Auth, Public, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk, type SessionTokenOptions } from '../../lib/testing/index.js';
import { PLATFORMS } from './platforms.js';
import { TestApp, type Answer } from './test-app.js';

/** The headers of a navigation, of a navigation in a browser without Fetch Metadata, and of a fetch() in a page. */
export const NAVIGATION = { 'sec-fetch-dest': 'document', accept: 'text/html,*/*' };
export const OLD_NAVIGATION = { accept: 'text/html,*/*' };
export const FETCH = { 'sec-fetch-dest': 'empty', accept: '*/*' };

/**
 * One request and its expected outcome, as data. It is sent to a strict and to a public route. In its texts, `{…}` is a
 * placeholder for a value that is only known when the request is sent: see {@link Facts.find}.
 */
export interface Situation {
  readonly name: string;
  /** @default both */
  readonly on?: Instance;
  readonly options?: ClerkModuleOptions;
  /** The text after the path of the route. @default '' */
  readonly target?: string;
  /** @default 'GET' */
  readonly method?: string;
  /** @default the headers of a navigation */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookie?: string;
  /** The development browser cookie. Also sent to production instances, which must ignore it. @default 'db' */
  readonly devBrowser?: string | null;
  readonly expect: Outcome;
}

export type Instance = 'development' | 'production';

interface Outcome {
  /** `null` if the caller is signed in: Clerk sends no such header then. */
  readonly auth: 'signed-out' | 'handshake' | null;
  readonly reason: string | null;
  /** The target of the redirect. */
  readonly location?: { readonly at: string; readonly params: Readonly<Record<string, string | undefined>> };
  /** The token whose handshake cookies are set, or the cookies themselves. @default none */
  readonly cookies?: string | readonly string[];
  /** The user whom the handler sees, by the name of a token. */
  readonly user?: string;
  /** The code with which a strict route denies the request. */
  readonly code?: string;
}

export const signedIn = (user: string, cookies?: string): Outcome => ({
  ...{ auth: null, reason: null, user, cookies },
});

export const signedOut = (reason: string, code: Refused = 'authentication-required', cookies?: string): Outcome => ({
  ...{ auth: 'signed-out', reason, code, cookies },
});

type Refused = 'authentication-required' | 'token-expired' | 'token-invalid';

/** A redirect that asks who is signed in; `count` is the number of redirects in a row. */
export const redirected = (reason: string, at: string, params: Record<string, string | undefined>, count = 1) =>
  ({
    ...{ auth: 'handshake', reason, location: { at, params } },
    cookies: [`__clerk_redirect_count=${count}; SameSite=Lax; HttpOnly; Max-Age=2`],
  }) satisfies Outcome;

/** A redirect to a handshake at Clerk's Frontend API; `token` is the session token of the request. */
export function handshake(
  reason: string,
  { frontendApi = '{issuer}', back = '{url}', suffixed = false, count = 1, ...sent }: HandshakeDetails = {},
): Outcome {
  return redirected(
    reason,
    `${frontendApi}/v1/client/handshake`,
    {
      redirect_url: back,
      __clerk_api_version: 'YYYY-MM-DD',
      suffixed_cookies: String(suffixed),
      __clerk_hs_reason: reason,
      format: 'nonce',
      __session: sent.token,
      __clerk_db_jwt: sent.devBrowser ?? '{devBrowser}',
      organization_id: sent.organization,
    },
    count,
  );
}

interface HandshakeDetails {
  readonly frontendApi?: string;
  /** The URL that Clerk redirects back to. */
  readonly back?: string;
  readonly suffixed?: boolean;
  readonly count?: number;
  readonly token?: string;
  readonly devBrowser?: string;
  readonly organization?: string;
}

/** Back from a handshake at a development instance: a redirect to the URL without the handshake, with its cookies. */
export const completed = (cookies: string, params: Record<string, string> = {}): Outcome => ({
  ...{ auth: null, reason: null, location: { at: '/{route}', params }, cookies },
});

/** The session tokens of the placeholders. Each belongs to a different user, so the response shows which one was used. */
const TOKENS: Readonly<Record<string, (now: number, other: LocalClerk) => SessionTokenOptions>> = {
  active: () => ({}),
  older: (now) => ({ issuedAt: now - 20 }),
  expired: (now) => ({ issuedAt: now - 120 }),
  early: (now) => ({ notBefore: now + 60 }),
  future: (now) => ({ issuedAt: now + 60, notBefore: now }),
  forged: (_, other) => ({ key: other }),
  foreign: (_, other) => ({ claims: { iss: other.issuer }, key: other }),
  withoutIssuer: () => ({ omit: ['iss'] }),
  withOddIssuer: () => ({ claims: { iss: {} } }),
  acme: () => ({ organization: 'org_acme' }),
  // In production instances, each domain has its own Frontend API, which issues the tokens of that domain.
  ofSatellite: () => ({ claims: { iss: 'https://clerk.satellite.example' } }),
  ofSatelliteExpired: (now) => ({ claims: { iss: 'https://clerk.satellite.example' }, issuedAt: now - 120 }),
};

/** Forged handshakes, made from the claims of a genuine one. */
const FORGERIES: Readonly<Record<string, (claims: object, clerk: LocalClerk, other: LocalClerk) => string>> = {
  ofAnotherKey: (claims, clerk, other) => clerk.sign({ claims, key: other }),
  ofAnotherInstance: (claims, _, other) => other.sign({ claims }),
  // A JWT template may hold any claim that the instance's administrators write into it.
  ofATemplate: (claims, clerk) => clerk.sign({ claims, header: { cat: 'cl_B7d4PD222AAA' } }),
};

/** The values of the placeholders of one situation. Each is created on first use and then reused. */
class Facts {
  private readonly known = new Map<string, Promise<string>>();
  private readonly now = Math.floor(Date.now() / 1000);

  constructor(
    private readonly clerk: LocalClerk,
    private readonly other: LocalClerk,
    private readonly given: Readonly<Record<string, string>>,
  ) {}

  async fill(text: string): Promise<string> {
    const names = [...text.matchAll(/\{([\w:]+)\}/g)].map(([, name]) => name as string);
    const values = await Promise.all(names.map((name) => this.find(name)));
    return values.reduce((filled, value, index) => filled.replace(`{${names[index]}}`, value), text);
  }

  async fillAll(texts: Readonly<Record<string, string | undefined>>): Promise<Record<string, string>> {
    const given = Object.entries(texts).filter(([, text]) => text !== undefined) as [string, string][];
    return Object.fromEntries(await Promise.all(given.map(async ([name, text]) => [name, await this.fill(text)])));
  }

  /**
   * - `active`, `expired`, …: a session token of {@link TOKENS}
   * - `handshake:active`, `nonce:active`: a handshake with that token, by token or by nonce; `out` for a signed-out one
   * - `handshake:ofAnotherKey`, …: one of {@link FORGERIES}
   * - `user:active`: the user of that token
   * - `now`, `suffix`, `issuer`, and the values that the suite passes: `instance`, `origin`, `route`, `url`, `devBrowser`
   */
  async find(name: string): Promise<string> {
    let value = this.known.get(name);
    if (!value) this.known.set(name, (value = this.make(name)));
    return value;
  }

  /** The cookies that a handshake sets. */
  async cookiesOf(name: string): Promise<string[]> {
    return decodeJwt<{ handshake: string[] }>(await this.find(`handshake:${name}`)).handshake;
  }

  private async make(name: string): Promise<string> {
    const { clerk, given, now } = this;
    const [kind = '', which = ''] = name.split(':');
    if (kind === 'user') return clerk.createUser().id;
    if (kind === 'made') return JSON.stringify(await clerk.createHandshake(await this.token(which)));
    if (kind === 'handshake' && FORGERIES[which]) {
      return FORGERIES[which](decodeJwt(await this.find('handshake:active')), clerk, this.other);
    }
    if (kind === 'handshake') return JSON.parse(await this.find(`made:${which}`)).token;
    if (kind === 'nonce') return JSON.parse(await this.find(`made:${which}`)).nonce;
    const { issuer, publishableKey } = clerk;
    const value = { issuer, suffix: computeCookieSuffix(publishableKey), now: String(now), ...given }[name];
    return value ?? clerk.sessionToken((await this.token(name))!);
  }

  private async token(name: string): Promise<SessionTokenOptions | null> {
    if (name === 'out') return null;
    const options = TOKENS[name];
    if (!options) throw new TypeError(`unknown placeholder {${name}}`);
    return { issuedAt: this.now, user: await this.find(`user:${name}`), ...options(this.now, this.other) };
  }
}

/** A route and some paths below it. */
const below = (route: string) => ['', '/:a', '/:a/:b', '/:a/:b/:c'].map((path) => route + path);

@Controller()
class Routes {
  @All(below('strict')) strict(@Auth('userId') userId: string) {
    return { userId };
  }
  @Public() @All(below('public')) public(@Auth('userId') userId: string | null) {
    return { userId };
  }
}

const INSTANCES: readonly Instance[] = ['development', 'production'];

/** The outcome, as the end of a test title. */
function titleOf({ auth, location, cookies, code }: Outcome): string {
  const settingCookies = typeof cookies === 'string' ? ', setting the cookies of the handshake' : '';
  if (location?.at.endsWith('/v1/client/handshake')) return 'redirects to a handshake';
  if (location?.at === '/{route}') {
    return `redirects ${auth ? 'signed out ' : ''}to the URL without the handshake${settingCookies}`;
  }
  if (location) return `redirects to ${location.at}`;
  return `${code ? `is signed out (401 ${code} on a strict route)` : 'is signed in'}${settingCookies}`;
}

/** Sends the requests on every platform, to development and production instances, in applications that trust their proxy. */
export function describeHandshakes(theme: string, situations: readonly Situation[]): void {
  describe.each(PLATFORMS)(`${theme} on %s`, (_, platform) => {
    const clerks = {} as Record<Instance | 'other', LocalClerk>;
    const apps = new Map<string, Map<object, TestApp>>(INSTANCES.map((instance) => [instance, new Map()]));

    beforeAll(async () => {
      // Clerk logs redirect loops and failed handshakes to the console; about half of these requests are such.
      for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
      for (const instanceType of INSTANCES) {
        clerks[instanceType] = await LocalClerk.start({ instanceType });
        clerks[instanceType].createOrganization({ id: 'org_acme', slug: 'acme' });
      }
      clerks.other = await LocalClerk.start();
    });
    afterAll(async () => {
      jest.restoreAllMocks();
      const started = [...apps.values()].flatMap((ofInstance) => [...ofInstance.values()]);
      await Promise.all([...started.map((app) => app.close()), ...Object.values(clerks).map((clerk) => clerk.stop())]);
    });

    const NONE = {};
    async function appWith(instance: Instance, options: ClerkModuleOptions = NONE): Promise<TestApp> {
      let app = apps.get(instance)!.get(options);
      if (!app) {
        const { publishableKey, secretKey, apiUrl, telemetry } = clerks[instance].options;
        const all = { publishableKey, secretKey, apiUrl, telemetry, ...options };
        apps
          .get(instance)!
          .set(options, (app = await TestApp.on(platform).trustingItsProxy().clerk(all).controllers(Routes).start()));
      }
      return app;
    }

    const cases = INSTANCES.flatMap((instance) =>
      situations
        .filter(({ on = instance }) => on === instance)
        .map((situation) => ({ instance, ...situation, result: titleOf(situation.expect) })),
    );
    it.each(cases)(
      'with a $instance instance, $name: $result',
      async ({ instance, options, target = '', method, ...situation }) => {
        const app = await appWith(instance, options);
        const origin = `http://127.0.0.1:${app.port}`;
        const { headers = NAVIGATION, cookie, devBrowser = 'db' } = situation;
        for (const route of ['strict', 'public'] as const) {
          const facts = new Facts(clerks[instance], clerks.other, {
            ...{ instance, origin, route, url: `${origin}/${route}${target}`, devBrowser: devBrowser ?? '' },
          });
          const cookies = [devBrowser && `__clerk_db_jwt=${devBrowser}`, cookie].filter((text) => !!text).join('; ');
          const filled = await facts.fillAll({ ...headers, cookie: cookies || undefined });
          const answer = await app.send(`/${route}${await facts.fill(target)}`, filled, method);
          expect({ route, ...seen(answer) }).toEqual({ route, ...(await due(situation.expect, route, facts)) });
        }
      },
    );
  });
}

/** The parts of a response that a browser or a handler depends on. */
function seen({ status, headers, body }: Answer) {
  const location = headers.get('location');
  return {
    status,
    location: location === null ? null : partsOf(location),
    cookies: headers.getSetCookie(),
    // A browser would follow a cached redirect forever.
    cached: location && headers.get('cache-control'),
    auth: headers.get('x-clerk-auth-status'),
    reason: headers.get('x-clerk-auth-reason'),
    withheld: [...headers.keys()].filter((name) => /^access-control-|^x-clerk-auth-message$/.test(name)),
    body: status === 200 ? body : body.code,
  };
}

function partsOf(location: string) {
  const { origin, pathname, searchParams } = new URL(location, 'http://this.server');
  const version = searchParams.get('__clerk_api_version');
  if (version) searchParams.set('__clerk_api_version', version.replace(/^\d{4}-\d\d-\d\d$/, 'YYYY-MM-DD'));
  return { at: location.startsWith('/') ? pathname : origin + pathname, params: [...searchParams].sort() };
}

/** The response that a route sends for an outcome. */
async function due(outcome: Outcome, route: string, facts: Facts): Promise<ReturnType<typeof seen>> {
  const { auth, reason, location, cookies = [], user, code } = outcome;
  const refused = route === 'strict' && code !== undefined;
  const userId = user === undefined ? null : await facts.find(`user:${user}`);
  return {
    status: location ? 307 : refused ? 401 : 200,
    location: location ? await place(location, facts) : null,
    cookies: typeof cookies === 'string' ? await facts.cookiesOf(cookies) : [...cookies],
    cached: location ? 'no-store' : null,
    auth,
    reason,
    withheld: [],
    body: location ? 'handshake' : refused ? code : { userId },
  };
}

async function place({ at, params }: NonNullable<Outcome['location']>, facts: Facts) {
  const { __clerk_db_jwt, ...rest } = await facts.fillAll(params);
  // Production instances ignore development browsers.
  const known = __clerk_db_jwt && (await facts.find('instance')) === 'development';
  const filled = known ? { ...rest, __clerk_db_jwt } : rest;
  return { at: await facts.fill(at), params: Object.entries(filled).sort() };
}
