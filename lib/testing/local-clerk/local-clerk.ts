import { BackendApi, type KeyHolder } from './backend-api/backend-api.js';
import { browserSessionRoutes } from './backend-api/browser-session-routes.js';
import { machineTokenRoutes } from './backend-api/machine-token-routes.js';
import { machineRoutes } from './backend-api/machine-routes.js';
import { organizationRoutes } from './backend-api/organization-routes.js';
import { sessionRoutes } from './backend-api/session-routes.js';
import { userRoutes } from './backend-api/user-routes.js';
import type { Outage } from './faults.js';
import { FrontendApi } from './frontend-api/frontend-api.js';
import { LocalClerkError } from './local-clerk.error.js';
import { LocalAccounts } from './local-accounts.js';
import type { InstanceType } from './local-instance.js';
import { LocalServer, type ReceivedRequest } from './local-server.js';

/** How a local Clerk is started. */
export interface LocalClerkOptions {
  /** @default 0: any free one */
  readonly port?: number;
  /** Browsers hand a session over in the URL at a development instance, in cookies at a production one. @default 'development' */
  readonly instanceType?: InstanceType;
}

/** What an application needs to be told of a local Clerk. */
export interface LocalClerkModuleOptions {
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly apiUrl: string;
  readonly proxyUrl: string;
  readonly signInUrl: string;
  readonly signUpUrl: string;
  readonly telemetry: { disabled: true };
}

/**
 * A Clerk of your own, in this process, over HTTP on loopback: the Backend API, what browsers ask of the Frontend API,
 * pages to sign in and out, and real RS256 tokens. For tests and samples; it asks nobody for a password and must never
 * face the internet.
 *
 * @example
 * const clerk = await LocalClerk.start();
 * ClerkModule.forRoot(clerk.options);
 * await fetch(url, { headers: { Authorization: `Bearer ${await clerk.sessionToken()}` } });
 * await clerk.stop();
 */
export class LocalClerk extends LocalAccounts {
  private readonly server: LocalServer;
  private port = 0;

  private constructor(instanceType: InstanceType) {
    super(instanceType);
    const { store, keys, tokens, browsers } = this;
    const backendApi = new BackendApi(
      {
        'GET /v1/jwks': () => keys.jwks(),
        ...userRoutes(store),
        ...organizationRoutes(store),
        ...sessionRoutes(store, tokens),
        ...browserSessionRoutes(browsers),
        ...machineRoutes(store),
        ...machineTokenRoutes(store, tokens),
      },
      (key) => this.holderOf(key),
    );
    const frontendApi = new FrontendApi(store, tokens, browsers);
    this.server = new LocalServer((path) => (frontendApi.serves(path) ? frontendApi : backendApi));
  }

  /**
   * Starts a local Clerk with keys of its own.
   * @throws LocalClerkError with code `production` where NODE_ENV says so, `port-unavailable` where the port is taken.
   * @example
   * const clerk = await LocalClerk.start({ port: 4010 });
   */
  static async start({ port = 0, instanceType = 'development' }: LocalClerkOptions = {}): Promise<LocalClerk> {
    if (process.env.NODE_ENV === 'production') {
      throw new LocalClerkError(
        'production',
        'The local Clerk signs in anybody, so it does not start where NODE_ENV is "production". Set CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY of a real instance, or another NODE_ENV.',
      );
    }
    const clerk = new LocalClerk(instanceType);
    clerk.port = await clerk.server.listen(port);
    return clerk;
  }

  /** Stops at once, cutting whatever is still open. May be called again. */
  stop(): Promise<void> {
    return this.server.close();
  }

  /** Forgets users, organizations, sessions, tokens, requests and outages. Keys and port stay. */
  reset(): void {
    this.store.clear();
    this.browsers.clear();
    this.recover();
    this.server.requests.length = 0;
  }

  /** Where it answers: the option `apiUrl`, and `proxyUrl` too, since its Frontend API is there and not at {@link issuer}. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /**
   * Options for `ClerkModule.forRoot()` and `createClerkClient()`. Keys are fetched over HTTP; add `jwtKey` to do without.
   * @example
   * ClerkModule.forRoot({ ...clerk.options, protection: 'lax' });
   */
  get options(): LocalClerkModuleOptions {
    const { publishableKey, secretKey, url } = this;
    return {
      publishableKey,
      secretKey,
      apiUrl: url,
      proxyUrl: url,
      signInUrl: `${url}/sign-in`,
      signUpUrl: `${url}/sign-up`,
      telemetry: { disabled: true },
    };
  }

  /** The same as environment variables: `Object.assign(process.env, clerk.env)`. */
  get env(): Record<string, string> {
    const { publishableKey, secretKey, apiUrl, proxyUrl, signInUrl } = this.options;
    return {
      CLERK_PUBLISHABLE_KEY: publishableKey,
      CLERK_SECRET_KEY: secretKey,
      CLERK_API_URL: apiUrl,
      CLERK_PROXY_URL: proxyUrl,
      CLERK_SIGN_IN_URL: signInUrl,
      CLERK_TELEMETRY_DISABLED: '1',
    };
  }

  /**
   * Goes down, slow or mad, until {@link recover}; only on paths that begin like the second argument, if there is one.
   * @example
   * clerk.outage({ status: 429, retryAfter: 30 }, '/api_keys');
   * clerk.outage(['refuse', 'well']); // every other request
   */
  outage(kind: Outage, pathPrefix = '/'): void {
    this.server.outage = { kind, pathPrefix, met: 0 };
  }

  /** Ends an {@link outage}. Requests that hang keep hanging. */
  recover(): void {
    this.server.outage = undefined;
  }

  /** Every request received since start or {@link reset}. */
  get requests(): readonly ReceivedRequest[] {
    return this.server.requests;
  }

  /** How many requests were received, on paths that begin like this. */
  countRequests(pathPrefix = '/'): number {
    return this.requests.filter(({ path }) => path.startsWith(pathPrefix)).length;
  }

  private holderOf(key: string): KeyHolder {
    if (key === this.secretKey) return { machineId: undefined };
    const machine = [...this.store.machines.values()].find(({ secret_key }) => secret_key === key);
    return machine && { machineId: machine.id };
  }
}
