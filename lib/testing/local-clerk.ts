import { BackendApi, type KeyHolder, type ReceivedRequest } from './backend-api.js';
import type { Outage } from './faults.js';
import { LocalClerkError } from './local-clerk.error.js';
import { LocalInstance, type InstanceType } from './local-instance.js';
import { Router } from './router.js';
import { browserSessionRoutes } from './routes/browser-sessions.js';
import { machineTokenRoutes } from './routes/machine-tokens.js';
import { machineRoutes } from './routes/machines.js';
import { organizationRoutes } from './routes/organizations.js';
import { sessionRoutes } from './routes/sessions.js';
import { userRoutes } from './routes/users.js';

/** How a local Clerk is started. */
export interface LocalClerkOptions {
  /** @default 0: any free one */
  readonly port?: number;
  /** Browsers hand a session over in the URL at a development instance, in cookies at a production one. @default 'development' */
  readonly instanceType?: InstanceType;
}

/**
 * A Clerk of your own, in this process: the Backend API over HTTP on loopback, with real RS256 tokens. For tests and
 * samples; it asks nobody for a password and must never face the internet.
 *
 * @example
 * const clerk = await LocalClerk.start();
 * ClerkModule.forRoot(clerk.options);
 * await fetch(url, { headers: { Authorization: `Bearer ${await clerk.sessionToken()}` } });
 * await clerk.stop();
 */
export class LocalClerk extends LocalInstance {
  private readonly api: BackendApi;
  private port = 0;

  private constructor(instanceType: InstanceType) {
    super(instanceType);
    const { store, keys, tokens, browsers } = this;
    const router = new Router({
      'GET /v1/jwks': () => keys.jwks(),
      ...userRoutes(store),
      ...organizationRoutes(store),
      ...sessionRoutes(store, tokens),
      ...browserSessionRoutes(browsers),
      ...machineRoutes(store),
      ...machineTokenRoutes(store, tokens),
    });
    this.api = new BackendApi(router, (key) => this.holderOf(key));
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
    clerk.port = await clerk.api.listen(port);
    return clerk;
  }

  /** Stops at once, cutting whatever is still open. May be called again. */
  stop(): Promise<void> {
    return this.api.close();
  }

  /** Forgets users, organizations, sessions, tokens, requests and outages. Keys and port stay. */
  reset(): void {
    this.store.clear();
    this.browsers.clear();
    this.recover();
    this.api.requests.length = 0;
  }

  /** Where the Backend API answers: the option `apiUrl`. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /**
   * Options for `ClerkModule.forRoot()` and `createClerkClient()`. Keys are fetched over HTTP; add `jwtKey` to do without.
   * @example
   * ClerkModule.forRoot({ ...clerk.options, protection: 'lax' });
   */
  get options(): {
    publishableKey: string;
    secretKey: string;
    apiUrl: string;
    telemetry: { disabled: true };
  } {
    const { publishableKey, secretKey, url: apiUrl } = this;
    return { publishableKey, secretKey, apiUrl, telemetry: { disabled: true } };
  }

  /** The same as environment variables: `Object.assign(process.env, clerk.env)`. */
  get env(): Record<string, string> {
    return {
      CLERK_PUBLISHABLE_KEY: this.publishableKey,
      CLERK_SECRET_KEY: this.secretKey,
      CLERK_API_URL: this.url,
      CLERK_TELEMETRY_DISABLED: '1',
    };
  }

  /**
   * Goes down, slow or mad, until {@link recover}; only on paths that begin like the second argument, if there is one.
   * @example
   * clerk.outage({ status: 429, retryAfter: 30 }, '/api_keys');
   */
  outage(kind: Outage, pathPrefix = '/'): void {
    this.api.outage = { kind, pathPrefix };
  }

  /** Ends an {@link outage}. Requests that hang keep hanging. */
  recover(): void {
    this.api.outage = undefined;
  }

  /** Every request received since start or {@link reset}. */
  get requests(): readonly ReceivedRequest[] {
    return this.api.requests;
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
