import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { createClerkClient, type ClerkClient, type User } from '@clerk/backend';
import { Controller, Get, Sse } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { NEVER } from 'rxjs';

import {
  AcceptsToken,
  ClerkClients,
  ClerkClientService,
  ClerkGuard,
  ClerkSockets,
  CurrentUser,
  RequirePermission,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import type { OptionRow } from '../../lib/options/option-row.js';
import { MODULE_OPTIONS, OPTION_TABLE } from '../../lib/options/option-table.js';
import { TransportsRegistry } from '../../lib/transports/transports.registry.js';
import { LocalClerk, type SessionTokenOptions } from '../../lib/testing/index.js';
import { Caller } from '../support/microservices.js';
import { PLATFORMS } from '../support/platforms.js';
import { freePort } from '../support/redis.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get(['strict', 'orgs/:slug', 'me']) strict() {}
  @Get('permission') @RequirePermission('org:invoices:create') permission() {}
  @Get('api-key') @AcceptsToken('api_key') apiKey() {}
  @Get('m2m') @AcceptsToken('m2m_token') m2m() {}
  @Get('oauth') @AcceptsToken('oauth_token') oauth() {}
  @Get('user') user(@CurrentUser() { id }: User) {
    return id;
  }
  @Sse('stream') stream() {
    return NEVER;
  }
  @MessagePattern('message') message() {
    return 'let in';
  }
}

type Name = keyof ClerkModuleOptions;

/** The effect of an option, as seen from outside the application. */
interface Effect<N extends Name = Name> {
  /** Other options that the effect needs. */
  readonly beside?: ClerkModuleOptions;
  readonly value: NonNullable<ClerkModuleOptions[N]>;
  /** The value to compare with, if the option cannot be left out. */
  readonly otherwise?: ClerkModuleOptions[N];
  /** Observes an application that runs with the option, or without it. */
  readonly look: (app: TestApp) => unknown;
  /** What is observed without the option, or the code with which the boot fails. */
  readonly without: unknown;
  readonly seen: unknown;
}

const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };
const SIGNED_OUT = { ...NAVIGATION, cookie: '__clerk_db_jwt=d; __client_uat=0' };
/** The URL of a satellite after signing in on the primary domain: it must sync the session now. */
const BACK_FROM_PRIMARY = '/strict?__clerk_synced=false';

/** An address where no server listens. */
const UNREACHABLE = 'http://127.0.0.1:9';

/** Options that may be a function, which is called for each request. */
const FUNCTIONS = ['domain', 'isSatellite', 'proxyUrl'] as const;
/** The environment variables that Clerk's Express SDK reads, except for telemetry. */
const VARIABLES: Readonly<Record<string, Name>> = {
  CLERK_PUBLISHABLE_KEY: 'publishableKey',
  CLERK_SECRET_KEY: 'secretKey',
  CLERK_MACHINE_SECRET_KEY: 'machineSecretKey',
  CLERK_JWT_KEY: 'jwtKey',
  CLERK_DOMAIN: 'domain',
  CLERK_IS_SATELLITE: 'isSatellite',
  CLERK_PROXY_URL: 'proxyUrl',
  CLERK_SIGN_IN_URL: 'signInUrl',
  CLERK_API_URL: 'apiUrl',
  CLERK_API_VERSION: 'apiVersion',
};
const ALL = Object.keys(OPTION_TABLE) as Name[];
const PER_REQUEST = ALL.filter((name) => !(MODULE_OPTIONS as readonly Name[]).includes(name));

/** The real client, which also records the result of each authenticateRequest(). */
function listeningClient(clerk: LocalClerk) {
  const states: Awaited<ReturnType<ClerkClient['authenticateRequest']>>[] = [];
  const client: ClerkClient = createClerkClient(basicOptions(clerk));
  const authenticateRequest = client.authenticateRequest;
  client.authenticateRequest = (async (...args: Parameters<typeof authenticateRequest>) => {
    const state = await authenticateRequest(...args);
    states.push(state);
    return state;
  }) as typeof authenticateRequest;
  return { client, states };
}

function basicOptions({ options }: LocalClerk) {
  const { publishableKey, secretKey, apiUrl, telemetry } = options;
  return { publishableKey, secretKey, apiUrl, telemetry };
}

describe.each(PLATFORMS)('an application on %s', (_, platform) => {
  let clerk: LocalClerk;
  let live: LocalClerk;
  let consoleLog: jest.SpyInstance;
  const apps: TestApp[] = [];
  const environment = { ...process.env };

  beforeAll(async () => {
    [clerk, live] = await Promise.all([LocalClerk.start(), LocalClerk.start({ instanceType: 'production' })]);
  });
  beforeEach(() => {
    const foreign = Object.entries(environment).filter(([name]) => !name.startsWith('CLERK_'));
    process.env = Object.fromEntries(foreign);
    // Clerk prints a notice about telemetry once if it is enabled.
    consoleLog = jest.spyOn(console, 'log').mockImplementation();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    process.env = { ...environment };
    clerk.recover();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(() => Promise.all([clerk?.stop(), live?.stop()]));

  async function start(options: ClerkModuleOptions): Promise<TestApp> {
    const app = await TestApp.on(platform).clerk(options).controllers(Routes).start();
    apps.push(app);
    return app;
  }

  /** What is observed with these options, or the code with which the boot fails. */
  async function sight(look: Effect['look'], options: ClerkModuleOptions): Promise<unknown> {
    let app: TestApp;
    try {
      app = await start(options);
    } catch (error) {
      return (error as { code?: string }).code ?? error;
    }
    return look(app);
  }

  /** The target of a browser's redirect, without query and port; `null` if there is no redirect. */
  async function sentTo(app: TestApp, path = '/strict', headers: Record<string, string> = NAVIGATION) {
    const location = (await app.send(path, headers)).headers.get('location');
    if (location === null) return null;
    const { protocol, hostname, pathname } = new URL(location, 'http://this.app');
    return `${protocol}//${hostname}${pathname}`;
  }
  const statusOf = async (app: TestApp, claims: SessionTokenOptions['claims'] = {}, more: SessionTokenOptions = {}) =>
    (await app.withToken('/strict', await clerk.sessionToken({ claims, ...more }))).status;
  /** The Backend client of a request: the module's, or a tenant's. */
  const clientOf = (app: TestApp) => app.get(ClerkClients).for({ headers: {} });
  /** The paths of the calls to Clerk during `act`. */
  async function pathsAsked(act: () => Promise<unknown>): Promise<string[]> {
    const before = clerk.countRequests();
    await act();
    return clerk.requests.slice(before).map(({ path }) => path);
  }
  /** An option that Clerk only returns with its result, for pages that are built from it. */
  function carried(name: 'signUpUrl' | 'afterSignInUrl' | 'afterSignUpUrl') {
    const { client, states } = listeningClient(clerk);
    return {
      beside: { clerkClient: client },
      value: 'https://www.example.com/next',
      look: async (app: TestApp) => (await app.send('/strict'), states.at(-1)?.[name]),
      without: '',
      seen: 'https://www.example.com/next',
    };
  }

  const satellite = { domain: 'satellite.example', isSatellite: true } as const;

  /** The effect of every option. */
  const EFFECTS: { readonly [N in Name]-?: () => Effect<N> | Promise<Effect<N>> } = {
    publishableKey: () => ({
      value: clerk.publishableKey,
      look: (app) => sentTo(app),
      without: 'invalid-configuration',
      seen: `${clerk.issuer}/v1/client/handshake`,
    }),
    secretKey: () => ({
      value: clerk.secretKey,
      look: (app) => statusOf(app),
      without: 'invalid-configuration',
      seen: 200,
    }),
    // The instance's key verifies every M2M token, a machine's key only those that are scoped to that machine.
    machineSecretKey: async () => {
      const receiver = clerk.createMachine();
      const [forUs, forOthers] = await Promise.all(
        [[receiver], []].map((scopedMachines) =>
          clerk.createM2MToken({ machine: clerk.createMachine({ scopedMachines }) }),
        ),
      );
      return {
        value: receiver.secret_key,
        look: async (app) => [
          (await app.withToken('/m2m', forUs!.token)).status,
          (await app.withToken('/m2m', forOthers!.token)).status,
        ],
        without: [200, 200],
        seen: [200, 401],
      };
    },
    jwtKey: () => ({
      value: clerk.jwtKey,
      look: async (app) => pathsAsked(async () => expect(await statusOf(app)).toBe(200)),
      without: ['/v1/jwks'],
      seen: [],
    }),
    audience: async () => {
      const machine = clerk.createMachine();
      const user = clerk.createUser();
      const tokens = async (aud: string) => ({
        strict: await clerk.sessionToken({ claims: { aud } }),
        m2m: (await clerk.createM2MToken({ machine, format: 'jwt', claims: { aud } })).token,
        oauth: (await clerk.createOAuthToken({ user, format: 'jwt', claims: { aud } })).token,
      });
      return {
        value: { session_token: 'strict', m2m_token: ['m2m'], oauth_token: 'oauth' },
        look: async (app) => {
          const statuses: number[] = [];
          for (const kind of ['strict', 'm2m', 'oauth'] as const) {
            for (const aud of [kind, 'other']) {
              statuses.push((await app.withToken(`/${kind}`, (await tokens(aud))[kind])).status);
            }
          }
          return statuses;
        },
        without: [200, 200, 200, 200, 200, 200],
        seen: [200, 401, 200, 401, 200, 401],
      };
    },
    requireAudience: () => ({
      beside: { audience: 'web' },
      value: true,
      look: (app) => statusOf(app, { aud: undefined }),
      without: 200,
      seen: 401,
    }),
    authorizedParties: () => ({
      value: ['https://app.example.com'],
      look: (app) => statusOf(app, { azp: 'https://evil.example' }),
      without: 200,
      seen: 401,
    }),
    allowMissingAzp: () => ({
      beside: { authorizedParties: ['https://app.example.com'] },
      value: true,
      look: (app) => statusOf(app, { azp: undefined }),
      without: 401,
      seen: 200,
    }),
    treatPendingAsSignedOut: () => ({
      value: false,
      look: (app) => statusOf(app, {}, { sessionStatus: 'pending' }),
      without: 401,
      seen: 200,
    }),
    clockSkewInMs: () => ({
      value: 60_000,
      look: (app) => statusOf(app, {}, { issuedAt: Math.floor(Date.now() / 1000) - 90, expiresIn: 60 }),
      without: 401,
      seen: 200,
    }),
    // Clerk never answers, so every timeout passes; the log says which one it was.
    timeoutInMs: () => ({
      value: 1,
      otherwise: 2,
      look: async (app) => {
        clerk.outage('hang');
        expect((await app.withToken('/api-key', 'ak_x')).status).toBe(503);
        return /within \d+ ms/.exec(app.logger.ofGuard('warn').join())?.[0];
      },
      without: 'within 2 ms',
      seen: 'within 1 ms',
    }),
    maxRetries: () => {
      const key = clerk.createApiKey({ subject: clerk.createUser() }).secret;
      return {
        value: 0,
        look: async (app) => {
          clerk.outage(['refuse', 'healthy']);
          return (await app.withToken('/api-key', key)).status;
        },
        without: 200,
        seen: 503,
      };
    },
    maxPendingCalls: () => ({
      // Long enough for a call to reach Clerk before it times out, on a busy machine too.
      beside: { timeoutInMs: 1_000 },
      value: 1,
      look: async (app) => {
        clerk.outage('hang');
        return pathsAsked(async () => {
          const answers = await Promise.all(['ak_x', 'ak_y'].map((key) => app.withToken('/api-key', key)));
          expect(answers.map(({ status }) => status)).toEqual([503, 503]);
        });
      },
      without: ['/api_keys/verify', '/api_keys/verify'],
      seen: ['/api_keys/verify'],
    }),
    domain: () => ({
      beside: { ...basicOptions(live), isSatellite: true },
      value: 'satellite.example',
      otherwise: 'other.example',
      look: (app) => sentTo(app, BACK_FROM_PRIMARY),
      without: 'https://clerk.other.example/v1/client/handshake',
      seen: 'https://clerk.satellite.example/v1/client/handshake',
    }),
    isSatellite: () => ({
      beside: { ...basicOptions(live), domain: satellite.domain },
      value: true,
      look: (app) => sentTo(app, BACK_FROM_PRIMARY),
      without: null,
      seen: 'https://clerk.satellite.example/v1/client/handshake',
    }),
    satelliteAutoSync: () => ({
      beside: { ...basicOptions(live), ...satellite },
      value: true,
      look: (app) => sentTo(app),
      without: null,
      seen: 'https://clerk.satellite.example/v1/client/handshake',
    }),
    proxyUrl: () => ({
      value: 'https://www.example.com/clerk',
      look: (app) => sentTo(app),
      without: `${clerk.issuer}/v1/client/handshake`,
      seen: 'https://www.example.com/clerk/v1/client/handshake',
    }),
    signInUrl: () => ({
      beside: { redirectToSignIn: true },
      value: 'https://accounts.example.com/sign-in',
      look: (app) => sentTo(app, '/strict', SIGNED_OUT),
      without: 'http://this.app/',
      seen: 'https://accounts.example.com/sign-in',
    }),
    signUpUrl: () => carried('signUpUrl'),
    afterSignInUrl: () => carried('afterSignInUrl'),
    afterSignUpUrl: () => carried('afterSignUpUrl'),
    organizationSyncOptions: async () => {
      const user = clerk.createUser();
      const organization = clerk.createOrganization();
      clerk.addMember({ user, organization });
      const activated = async (app: TestApp, path: string, cookie: string) => {
        const { headers } = await app.send(path, { ...NAVIGATION, cookie });
        const location = headers.get('location');
        return location && new URL(location).searchParams.get('organization_id');
      };
      const personal = await clerk.browserCookies({ user });
      const member = await clerk.browserCookies({ user, organization });
      return {
        value: { organizationPatterns: ['/orgs/:slug'], personalAccountPatterns: ['/me'] },
        look: async (app) => [await activated(app, '/orgs/acme', personal), await activated(app, '/me', member)],
        without: [null, null],
        seen: ['acme', ''],
      };
    },
    enableHandshake: () => ({
      value: false,
      look: (app) => sentTo(app),
      without: `${clerk.issuer}/v1/client/handshake`,
      seen: null,
    }),
    apiUrl: () => ({
      value: clerk.url,
      // The default would be Clerk's own API.
      otherwise: UNREACHABLE,
      look: (app) => statusOf(app),
      without: 503,
      seen: 200,
    }),
    // The local Clerk has no other version: only the requested path matters.
    apiVersion: () => ({
      value: 'v2',
      look: (app) =>
        pathsAsked(async () => {
          await statusOf(app);
          await (await clientOf(app)).users.getCount().catch(() => undefined);
        }),
      without: ['/v1/jwks', '/v1/users/count'],
      seen: ['/v2/jwks', '/v2/users/count'],
    }),
    clerkClient: () => {
      const { client, states } = listeningClient(clerk);
      return {
        value: client,
        look: async (app) => {
          // Session tokens are verified without the client; a request without credentials is passed to Clerk.
          await app.send('/strict');
          return [(await clientOf(app)) === client, states.splice(0).length];
        },
        without: [false, 0],
        seen: [true, 1],
      };
    },
    redirectToSignIn: () => ({
      value: true,
      look: async (app) => (await app.send('/strict', SIGNED_OUT)).status,
      without: 401,
      seen: 302,
    }),
    onError: () => ({
      value: () => Object.assign(new Error('no'), { statusCode: 418 }),
      look: async (app) => (await app.send('/strict')).status,
      without: 401,
      seen: 418,
    }),
    resolveOptions: () => ({
      beside: basicOptions(live),
      value: () => basicOptions(clerk),
      look: (app) => statusOf(app),
      without: 401,
      seen: 200,
    }),
    // The stream itself never ends: the test stops reading after three seconds, the option ends it after two.
    endStreamsOnExpiry: () => ({
      beside: { clockSkewInMs: 0 },
      value: true,
      look: async (app) => {
        const token = await clerk.sessionToken({ expiresIn: 2 });
        const answer = app.withToken('/stream', token).then(() => 'ended');
        return Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 3_000, 'goes on').unref())]);
      },
      without: 'goes on',
      seen: 'ended',
    }),
    graphql: () => ({
      value: { connectionParams: ['authToken'] },
      look: (app) => {
        const operation = new ExecutionContextHost([{}, {}, { connectionParams: { authToken: 't' } }, {}]);
        operation.setType('graphql');
        const credentials = app.get(TransportsRegistry).for(operation).credentials(operation);
        return 'headers' in credentials && (credentials.headers.authorization ?? null);
      },
      without: null,
      seen: 't',
    }),
    rpc: () => ({
      value: { credentials: (context) => context.switchToRpc().getData<{ token: string }>().token },
      look: async ({ nest }) => {
        const options = { host: '127.0.0.1', port: await freePort() };
        nest.connectMicroservice({ transport: Transport.TCP, options }, { inheritAppConfig: true });
        await nest.startAllMicroservices();
        const client = new Caller({ options: { transport: Transport.TCP, options }, stop: async () => undefined });
        const answer = await client.send('message', { data: { token: await clerk.sessionToken() } });
        await client.close();
        return answer.error?.code ?? answer;
      },
      without: 'authentication-required',
      seen: 'let in',
    }),
    transports: () => ({
      value: { bot: { call: (context) => context.getArgByIndex(0), credentials: () => undefined } },
      look: async (app) => {
        const update = {};
        const context = new ExecutionContextHost([update], Routes, Routes.prototype.strict);
        context.setType('bot');
        try {
          return await app.get(ClerkGuard).canActivate(context);
        } catch (error) {
          return (error as { code?: string }).code;
        }
      },
      without: 'unknown-transport',
      seen: 'authentication-required',
    }),
    frontendApiProxy: () => ({
      value: { enabled: true, path: '/auth' },
      look: (app) => sentTo(app),
      without: `${clerk.issuer}/v1/client/handshake`,
      seen: 'http://this.app/auth/v1/client/handshake',
    }),
    webSocket: () => ({
      value: { tokenParameter: 'token' },
      look: async (app) => {
        const request = { url: `/?token=${await clerk.sessionToken()}`, headers: {} };
        return app.get(ClerkSockets).connect({ close() {} }, request);
      },
      without: false,
      seen: true,
    }),
    staleKeysInMs: () => ({
      value: 0,
      look: async (app) => {
        await statusOf(app);
        clerk.outage('refuse');
        const later = Date.now() + 6 * 60_000;
        jest.spyOn(Date, 'now').mockReturnValue(later);
        return statusOf(app, {}, { issuedAt: Math.floor(later / 1000) });
      },
      without: 200,
      seen: 503,
    }),
    verificationCache: () => {
      const key = clerk.createApiKey({ subject: clerk.createUser() }).secret;
      return {
        value: { machineTokens: { ttl: 10_000 } },
        look: async (app) =>
          pathsAsked(async () => {
            for (const path of ['/api-key', '/api-key']) await app.withToken(path, key);
          }),
        without: ['/api_keys/verify', '/api_keys/verify'],
        seen: ['/api_keys/verify'],
      };
    },
    currentUserCache: () => {
      const user = clerk.createUser();
      return {
        value: false,
        look: async (app) => {
          const paths = await pathsAsked(async () => {
            for (const path of ['/user', '/user']) await app.withToken(path, await clerk.sessionToken({ user }));
          });
          return paths.filter((path) => path.endsWith(user.id)).length;
        },
        without: 1,
        seen: 2,
      };
    },
    directVerification: () => {
      const { client, states } = listeningClient(clerk);
      return {
        beside: { clerkClient: client },
        value: false,
        look: async (app) => {
          // The first request fetches the keys.
          await statusOf(app);
          states.length = 0;
          return [await statusOf(app), states.length];
        },
        without: [200, 0],
        seen: [200, 1],
      };
    },
    explainDenials: () => ({
      value: true,
      look: async (app) => (await app.withToken('/permission', await clerk.sessionToken())).body.missing ?? [],
      without: [],
      seen: ['permission org:invoices:create'],
    }),
    debug: () => ({
      value: true,
      look: async (app) => (await app.send('/strict'), app.logger.ofGuard('log').length),
      without: 0,
      seen: 1,
    }),
    telemetry: () => ({
      value: { disabled: true, debug: true },
      look: async (app) => telemetryOf(await clientOf(app)),
      without: { isEnabled: true, isDebug: false },
      seen: { isEnabled: false, isDebug: true },
    }),
    protection: () => ({
      value: 'lax',
      look: async (app) => (await app.send('/strict')).status,
      without: 401,
      seen: 200,
    }),
  };

  const telemetryOf = ({ telemetry: { isEnabled, isDebug } }: ClerkClient) => ({ isEnabled, isDebug });

  /** The effect of an option, and all other options of the application to observe. */
  async function effectOf(name: Name) {
    const effect = (await EFFECTS[name]()) as Effect;
    const others: ClerkModuleOptions = { ...basicOptions(clerk), ...effect.beside };
    delete others[name];
    return { ...effect, others };
  }

  describe('behaves differently with the option', () => {
    it.each(ALL)('%s', async (name) => {
      const { others, value, otherwise, look, without, seen } = await effectOf(name);
      expect(await sight(look, { ...others, [name]: otherwise })).toEqual(without);
      expect(await sight(look, { ...others, [name]: value })).toEqual(seen);
    });
  });

  describe('reads from the environment', () => {
    it.each(Object.entries(VARIABLES))('%s as the option %s', async (variable, name) => {
      const { others, value, look, seen } = await effectOf(name);
      process.env[variable] = String(value);
      expect(await sight(look, others)).toEqual(seen);
    });

    it('exactly the variables that are tested here', () => {
      const rows: readonly OptionRow[] = Object.values(OPTION_TABLE);
      expect(rows.flatMap(({ env }) => env ?? []).sort()).toEqual(Object.keys(VARIABLES).sort());
    });

    it('CLERK_TELEMETRY_DISABLED and CLERK_TELEMETRY_DEBUG as the option telemetry, at boot', async () => {
      const { telemetry: _telemetry, ...others } = basicOptions(clerk);
      Object.assign(process.env, { CLERK_TELEMETRY_DISABLED: '1', CLERK_TELEMETRY_DEBUG: 'true' });
      const app = await start(others);
      // Clerk's client reads them too, on each access: without them, only the values of the boot are left.
      delete process.env.CLERK_TELEMETRY_DISABLED;
      delete process.env.CLERK_TELEMETRY_DEBUG;
      expect(telemetryOf(app.get(ClerkClientService))).toEqual({ isEnabled: false, isDebug: true });
    });
  });

  describe('calls a function of the URL for the option', () => {
    it.each(FUNCTIONS)('%s', async (name) => {
      const { others, value, look, seen } = await effectOf(name);
      const hosts: string[] = [];
      const optionOf = (url: URL) => (hosts.push(url.hostname), value);
      expect(await sight(look, { ...others, [name]: optionOf })).toEqual(seen);
      expect(new Set(hosts)).toEqual(new Set(['127.0.0.1']));
    });
  });

  describe('takes from resolveOptions the option', () => {
    it.each(PER_REQUEST)('%s', async (name) => {
      const { others, value, otherwise, look, without, seen } = await effectOf(name);
      const module: Partial<Record<Name, unknown>> = {};
      const answer: Partial<Record<Name, unknown>> = {};
      for (const [other, given] of Object.entries(others) as [Name, unknown][]) {
        (PER_REQUEST.includes(other) ? answer : module)[other] = given;
      }
      const by = (given: unknown) =>
        sight(look, { ...module, resolveOptions: () => ({ ...answer, [name]: given }) } as ClerkModuleOptions);
      // Missing keys do not fail the boot here, but deny the request, so `without` does not apply to them.
      if (without !== 'invalid-configuration') expect(await by(otherwise)).toEqual(without);
      expect(await by(value)).toEqual(seen);
    });
  });

  describe('passes its keys on', () => {
    it('to ClerkClientService, which verifies M2M JWTs with jwtKey and creates tokens with machineSecretKey', async () => {
      const machine = clerk.createMachine();
      const { token } = await clerk.createM2MToken({ machine, format: 'jwt' });
      const offline = await start({ ...basicOptions(clerk), jwtKey: clerk.jwtKey, apiUrl: UNREACHABLE });
      expect((await offline.get(ClerkClientService).m2m.verify({ token })).subject).toBe(machine.id);

      const app = await start({ ...basicOptions(clerk), machineSecretKey: machine.secret_key });
      expect((await app.get(ClerkClientService).m2m.createToken()).subject).toBe(machine.id);
    });

    it('to a clerkClient without keys, which then authenticates sessions and M2M tokens of its machine only', async () => {
      const { apiUrl, telemetry, ...keys } = basicOptions(clerk);
      const receiver = clerk.createMachine();
      const app = await start({
        ...{ ...keys, apiUrl, machineSecretKey: receiver.secret_key },
        clerkClient: createClerkClient({ apiUrl, telemetry }),
      });
      expect((await app.send('/strict', { cookie: await clerk.browserCookies() })).status).toBe(200);
      for (const [scopedMachines, status] of [
        [[receiver], 200],
        [[], 401],
      ] as const) {
        const { token } = await clerk.createM2MToken({ machine: clerk.createMachine({ scopedMachines }) });
        expect((await app.withToken('/m2m', token)).status).toBe(status);
      }
    });
  });

  describe('as a satellite of a development instance', () => {
    const signInUrl = 'https://primary.example.com/sign-in';

    it('redirects to the signInUrl of the primary domain to sync the session', async () => {
      const app = await start({ ...basicOptions(clerk), ...satellite, satelliteAutoSync: true, signInUrl });
      expect(await sentTo(app)).toBe(signInUrl);
    });

    // `__clerk_synced=false` in the return URL makes the satellite sync the session after signing in.
    it.each([
      [true, 'false'],
      [() => true, 'false'],
      [false, null],
    ] as const)(
      'redirects to sign in: with isSatellite %p, the return URL has __clerk_synced %p',
      async (isSatellite, mark) => {
        const options = { ...basicOptions(clerk), ...satellite, isSatellite, signInUrl, redirectToSignIn: true };
        const { headers } = await (await start(options)).send('/strict', SIGNED_OUT);
        const wayBack = new URL(new URL(headers.get('location')!).searchParams.get('redirect_url')!);
        expect(wayBack.searchParams.get('__clerk_synced')).toBe(mark);
      },
    );
  });

  describe('identifies itself to Clerk', () => {
    const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };

    it('by the name and version of this library in the User-Agent of a call', async () => {
      const received: IncomingHttpHeaders[] = [];
      const backendApi = createServer(({ headers }, response) => {
        received.push(headers);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"total_count","total_count":0}');
      });
      await new Promise<void>((resolve) => backendApi.listen(0, '127.0.0.1', resolve));
      const apiUrl = `http://127.0.0.1:${(backendApi.address() as AddressInfo).port}`;
      const app = await start({ ...basicOptions(clerk), apiUrl });
      await app.get(ClerkClientService).users.getCount();
      backendApi.close();
      expect(received.map((headers) => headers['user-agent'])).toEqual([`nest-clerk@${version}`]);
    });

    it('by the name and version of this library in telemetry', async () => {
      // With debug, telemetry logs what it would send, and sends nothing.
      const shown: unknown[] = [];
      jest.spyOn(console, 'groupCollapsed').mockImplementation();
      consoleLog.mockImplementation((event) => void shown.push(event));
      const app = await start({ ...basicOptions(clerk), telemetry: { debug: true } });
      shown.length = 0;
      app.get(ClerkClientService).telemetry.record({ event: 'METHOD_CALLED', payload: {} });
      expect(shown).toEqual([expect.objectContaining({ sdk: 'nest-clerk', sdkv: version })]);
    });
  });
});
