import { All, Controller } from '@nestjs/common';
import { decodeJwt } from 'jose';

import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import { Auth, Public, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk, type SessionTokenOptions } from '../../lib/testing/index.js';
import { PLATFORMS } from './platforms.js';
import { TestApp, type Answer } from './test-app.js';

/** The headers of a browser that navigates, of an old one without `sec-fetch-dest`, and of a script in a page. */
export const NAVIGATION = { 'sec-fetch-dest': 'document', accept: 'text/html,*/*' };
export const OLD_NAVIGATION = { accept: 'text/html,*/*' };
export const FETCH = { 'sec-fetch-dest': 'empty', accept: '*/*' };

/**
 * One situation, as data. It is tested on a strict and on a public route. In its strings, `{…}` is replaced by a value
 * that is only known when the request is sent: see {@link Facts.find}.
 */
export interface Situation {
  readonly name: string;
  /** @default both */
  readonly on?: Instance;
  readonly options?: ClerkModuleOptions;
  /** The part after the path of the route. @default '' */
  readonly target?: string;
  /** @default 'GET' */
  readonly method?: string;
  /** @default those of a navigation */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookie?: string;
  /** The cookie that identifies a browser to development instances. Production instances must ignore it. @default 'db' */
  readonly devBrowser?: string | null;
  readonly expect: Outcome;
}

export type Instance = 'development' | 'production';

interface Outcome {
  /** The header `x-clerk-auth-status`; `null` if it is absent. */
  readonly auth: 'signed-out' | 'handshake' | null;
  readonly reason: string | null;
  /** Where the browser is redirected. */
  readonly location?: { readonly at: string; readonly params: Readonly<Record<string, string | undefined>> };
  /** The name of the handshake whose cookies are set, or the cookies themselves. @default none */
  readonly cookies?: string | readonly string[];
  /** The user that the handler sees, by the name of a token. */
  readonly user?: string;
  /** The code with which a strict route denies the request. */
  readonly code?: string;
}

export const signedIn = (user: string, cookies?: string): Outcome => ({
  ...{ auth: null, reason: null, user, cookies },
});

export const signedOut = (reason: string, code: DenialCode = 'authentication-required', cookies?: string): Outcome => ({
  ...{ auth: 'signed-out', reason, code, cookies },
});

type DenialCode = 'authentication-required' | 'token-expired' | 'token-invalid';

/** A redirect that finds out who the user is; `count` is the number of redirects in a row. */
export const redirected = (reason: string, at: string, params: Record<string, string | undefined>, count = 1) =>
  ({
    ...{ auth: 'handshake', reason, location: { at, params } },
    cookies: [`__clerk_redirect_count=${count}; SameSite=Lax; HttpOnly; Max-Age=2`],
  }) satisfies Outcome;

/** A redirect to Clerk's Frontend API; `token` is the session token that was checked. */
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
  /** The URL that the handshake returns to. */
  readonly back?: string;
  readonly suffixed?: boolean;
  readonly count?: number;
  readonly token?: string;
  readonly devBrowser?: string;
  readonly organization?: string;
}

/** The end of a handshake with a development instance: a redirect to the URL without it, with the cookies that it sets. */
export const completed = (cookies: string, params: Record<string, string> = {}): Outcome => ({
  ...{ auth: null, reason: null, location: { at: '/{route}', params }, cookies },
});

/** The session tokens that situations name. Each belongs to another user, so that a response shows which one was used. */
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
  // With production instances, each domain has its own Frontend API, which issues its tokens.
  ofSatellite: () => ({ claims: { iss: 'https://clerk.satellite.example' } }),
  ofSatelliteExpired: (now) => ({ claims: { iss: 'https://clerk.satellite.example' }, issuedAt: now - 120 }),
};

/** Forged handshakes, created from a real one. */
const FORGERIES: Readonly<Record<string, (claims: object, clerk: LocalClerk, other: LocalClerk) => string>> = {
  ofAnotherKey: (claims, clerk, other) => clerk.sign({ claims, key: other }),
  ofAnotherInstance: (claims, _, other) => other.sign({ claims }),
  // A JWT template may contain any claims that the instance's administrators add.
  ofATemplate: (claims, clerk) => clerk.sign({ claims, header: { cat: 'cl_B7d4PD222AAA' } }),
};

/** The values of the placeholders in one situation, created when they are first needed. */
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
   * - `handshake:active`, `nonce:active`: a handshake with such a token in it, by either way; `out` for one without
   * - `handshake:ofAnotherKey`, …: one of {@link FORGERIES}
   * - `user:active`: the id of that token's user
   * - `now`, `suffix`, `issuer` and what the suite provides: `instance`, `origin`, `route`, `url`, `devBrowser`
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
    if (!options) throw new TypeError(`unknown placeholder: ${name}`);
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

/** Tests situations on every platform and both types of instances, in applications that trust their proxy. */
export function describeHandshakes(theme: string, situations: readonly Situation[]): void {
  describe.each(PLATFORMS)(`${theme} on %s`, (_, platform) => {
    const clerks = {} as Record<Instance | 'other', LocalClerk>;
    const apps = new Map<string, Map<object, TestApp>>(INSTANCES.map((instance) => [instance, new Map()]));

    beforeAll(async () => {
      // Clerk logs redirect loops and failed handshakes to the console, and half of these tests cause them.
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
      situations.filter(({ on = instance }) => on === instance).map((situation) => ({ instance, ...situation })),
    );
    it.each(cases)('($instance instance) $name', async ({ instance, options, target = '', method, ...situation }) => {
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
        expect({ route, ...seen(answer) }).toEqual({
          route,
          ...(await expectedResponse(situation.expect, route, facts)),
        });
      }
    });
  });
}

/** The parts of a response that a browser or a handler acts on. */
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

/** The response that is expected for an outcome on a route. */
async function expectedResponse(outcome: Outcome, route: string, facts: Facts): Promise<ReturnType<typeof seen>> {
  const { auth, reason, location, cookies = [], user, code } = outcome;
  const denied = route === 'strict' && code !== undefined;
  const userId = user === undefined ? null : await facts.find(`user:${user}`);
  return {
    status: location ? 307 : denied ? 401 : 200,
    location: location ? await place(location, facts) : null,
    cookies: typeof cookies === 'string' ? await facts.cookiesOf(cookies) : [...cookies],
    cached: location ? 'no-store' : null,
    auth,
    reason,
    withheld: [],
    body: location ? 'handshake' : denied ? code : { userId },
  };
}

async function place({ at, params }: NonNullable<Outcome['location']>, facts: Facts) {
  const { __clerk_db_jwt, ...rest } = await facts.fillAll(params);
  // Production instances ignore development browsers.
  const known = __clerk_db_jwt && (await facts.find('instance')) === 'development';
  const filled = known ? { ...rest, __clerk_db_jwt } : rest;
  return { at: await facts.fill(at), params: Object.entries(filled).sort() };
}
