import { mkdirSync, writeFileSync } from 'node:fs';

import { All, Controller } from '@nestjs/common';

import {
  AcceptsToken,
  Auth,
  Public,
  RedirectToSignIn,
  RequirePermission,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { exchange } from '../support/raw-http.js';
import { TestApp, type Answer } from '../support/test-app.js';
import type { Attack, Family, Sent, Stage } from './corpus/entry.js';
import { CORPUS } from './corpus/index.js';

const seen = ({ isAuthenticated }: AuthObject) => ({ isAuthenticated });

@Controller('strict')
class StrictRoutes {
  @All('session') session(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('m2m') @AcceptsToken('m2m_token') m2m(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('oauth') @AcceptsToken('oauth_token') oauth(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('api-key') @AcceptsToken('api_key') apiKey(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('permission') @RequirePermission('org:invoices:create') permission(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('page') @RedirectToSignIn() page(@Auth() auth: AuthObject) {
    return seen(auth);
  }
}

@Public()
@Controller('public')
class PublicRoutes {
  @All(['session', 'permission', 'page']) session(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('m2m') @AcceptsToken('m2m_token') m2m(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('oauth') @AcceptsToken('oauth_token') oauth(@Auth() auth: AuthObject) {
    return seen(auth);
  }
  @All('api-key') @AcceptsToken('api_key') apiKey(@Auth() auth: AuthObject) {
    return seen(auth);
  }
}

/** Every path that no other route matches reaches this one, which is strict. */
@Controller()
class AllOtherRoutes {
  @All('*') rest(@Auth() auth: AuthObject) {
    return seen(auth);
  }
}

/** The lanes of authentication, and how often an attack is sent in a row. */
const LANES: readonly { readonly lane: string; readonly options: ClerkModuleOptions; readonly times: number }[] = [
  { lane: 'with Clerk alone', options: { verificationCache: false, directVerification: false }, times: 1 },
  { lane: 'with direct verification', options: { verificationCache: false }, times: 1 },
  { lane: 'with a warm cache', options: {}, times: 2 },
];

const tally = { entries: CORPUS.flatMap(({ attacks }) => attacks).length, requests: 0, accepted: 0 };

describe('the attack corpus', () => {
  let stage: Stage;

  beforeAll(async () => {
    // Clerk logs many of the requests that are sent here.
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    stage = await setStage();
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    const { clerk, neighbour, attacker, production } = stage;
    await Promise.all([clerk, neighbour, attacker, production].map((one) => one.stop()));
    mkdirSync('build', { recursive: true });
    writeFileSync('build/security-corpus.json', `${JSON.stringify(tally)}\n`);
  });

  it('has at least 150 attacks, each with a unique name and a valid source', () => {
    const names = CORPUS.flatMap(({ name, attacks }) => attacks.map((attack) => `${name}: ${attack.name}`));
    expect(names.length).toBeGreaterThanOrEqual(150);
    expect(new Set(names).size).toBe(names.length);
    const sources = CORPUS.flatMap(({ attacks }) => attacks.map(({ source }) => source));
    expect(sources.filter((source) => !SOURCE.test(source))).toEqual([]);
  });

  describe.each(PLATFORMS)('on %s', (_, platform) => {
    describe.each(LANES)('$lane', ({ options, times }) => {
      const apps = new Map<Family['options'], Promise<TestApp>>();

      afterAll(async () => {
        await Promise.all([...apps.values()].map(async (app) => (await app).close()));
      });

      /** Families with the same options share an application, so that its caches contain what others sent. */
      function appFor(family: Family): Promise<TestApp> {
        let app = apps.get(family.options);
        if (!app) {
          app = TestApp.on(platform)
            .clerk({ ...stage.clerk.options, ...family.options?.(stage), ...options })
            .controllers(StrictRoutes, PublicRoutes, AllOtherRoutes)
            .start();
          apps.set(family.options, app);
        }
        return app;
      }

      async function ask(family: Family, kind: 'strict' | 'public', { query = '', ...sent }: Sent): Promise<Answer> {
        const { port } = await appFor(family);
        tally.requests += 1;
        return exchange(port, { target: `/${kind}/${family.at ?? 'session'}${query}`, ...sent });
      }

      async function expectControlAccepted(family: Family): Promise<void> {
        for (const { target, ...sent } of await family.control(stage)) {
          const strict = await ask(family, 'strict', target ? { ...sent, target } : sent);
          const lax = await ask(family, 'public', sent);
          for (const { status, body } of [strict, lax]) {
            expect([sent, status, body]).toEqual([sent, 200, { isAuthenticated: true }]);
          }
        }
      }

      /** The failures of an attack, as readable lines. */
      async function failuresOf(family: Family, { name, outcome, requests }: Attack): Promise<readonly string[]> {
        const wrong: string[] = [];
        for (const sent of await requests(stage)) {
          const answers: (readonly [string, number, Answer])[] = [];
          for (let time = 0; time < times; time++) {
            answers.push(['strict', outcome.strict, await ask(family, 'strict', sent)]);
          }
          if (outcome.public !== undefined) answers.push(['public', outcome.public, await ask(family, 'public', sent)]);
          for (const [kind, expected, answer] of answers) {
            const { status, body } = answer;
            const accepted = status < 300 && (kind === 'strict' || body.isAuthenticated !== false);
            if (accepted) tally.accepted += 1;
            if (accepted || status !== expected)
              wrong.push(`${name}: the ${kind} route returned ${status} instead of ${expected}`);
            wrong.push(...leaksOf(answer, sent).map((leak) => `${name}: the response of the ${kind} route ${leak}`));
          }
        }
        return wrong;
      }

      it.each(CORPUS)('$name: denies every attack and accepts the valid requests', async (family) => {
        // This also fills the caches.
        await expectControlAccepted(family);
        const wrong = await Promise.all(family.attacks.map((attack) => failuresOf(family, attack)));
        expect(wrong.flat()).toEqual([]);
        await expectControlAccepted(family);
      });
    });
  });

  it('sends no request to the attacker’s server', () => {
    expect(stage.attacker.requests).toEqual([]);
  });
});

/** The allowed sources of an attack, followed by the section, page or product. */
const SOURCE =
  /^(RFC \d{4} (§\d+(\.\d+)*|Appendix [A-Z])|CVE-\d{4}-\d{4,} \(.+\)|GHSA(-\w{4}){3} \(.+\)|CWE-\d+|OWASP WSTG-[A-Z]+-\d\d|PortSwigger .+|Fetch Standard .+|Clerk: .+)$/;

async function setStage(): Promise<Stage> {
  const [clerk, neighbour, attacker, production] = await Promise.all([
    LocalClerk.start(),
    LocalClerk.start(),
    LocalClerk.start(),
    LocalClerk.start({ instanceType: 'production' }),
  ]);
  const machine = clerk.createMachine();
  const user = clerk.createUser();
  const [m2m, opaqueM2m, oauth, opaqueOauth] = await Promise.all([
    clerk.createM2MToken({ machine, format: 'jwt' }),
    clerk.createM2MToken({ machine }),
    clerk.createOAuthToken({ user, format: 'jwt' }),
    clerk.createOAuthToken({ user }),
  ]);
  const good = {
    session: await clerk.sessionToken({ user, expiresIn: 3600 }),
    neighbour: await neighbour.sessionToken({ expiresIn: 3600 }),
    production: await production.sessionToken({ expiresIn: 3600 }),
    m2m: m2m.token,
    opaqueM2m: opaqueM2m.token,
    oauth: oauth.token,
    opaqueOauth: opaqueOauth.token,
    apiKey: clerk.createApiKey({ subject: user }).secret,
  };
  return { clerk, neighbour, attacker, production, good };
}

/** The host names of the application and the local Clerk, and that of the sign-in page. */
const OURS = ['127.0.0.1', 'api.example.com', 'accounts.example.com'];

/** The ways in which a response is unsafe: it redirects to another site, allows its origin, or passes on its data. */
function leaksOf({ status, headers }: Answer, sent: Sent): readonly string[] {
  const location = headers.get('location');
  const target = location === null ? undefined : new URL(location, 'http://127.0.0.1');
  // Clerk and the sign-in page redirect back there; a Host header that the client chose itself is fine.
  const back = new URL(target?.searchParams.get('redirect_url') ?? '/', 'http://127.0.0.1');
  const isHostNamed = sent.headers?.some(([name]) => name === 'Host');
  const found = {
    'is missing or a server error': status === 0 || status >= 500,
    'has CORS headers': [...headers.keys()].some((name) => name.startsWith('access-control-')),
    'discloses configuration': headers.has('x-clerk-auth-message'),
    'has an injected header': headers.has('x-injected'),
    'sets a cookie of the attacker': headers.getSetCookie().some((cookie) => /evil/.test(cookie)),
    'redirects to another site': target !== undefined && !OURS.includes(target.hostname),
    'has a redirect_url to another site': !isHostNamed && !OURS.includes(back.host),
    'pollutes prototypes': 'polluted' in {},
  };
  return Object.entries(found).flatMap(([leak, isFound]) => (isFound ? [leak] : []));
}
