import type { ClerkClient } from '@clerk/backend';

import { buildClient, CLIENT_OPTIONS, lazyClient, type GetClient } from '../../client/clerk-client.service.js';
import { ClerkConfigurationError, ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../options/clerk-options.js';
import type { RequestOptions } from '../../options/request-options.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { readOwn, snapshotOf } from '../../options/snapshot.js';
import { resolveRequestOptions } from '../../options/tenant-options.js';
import { TenantOptionsReader, type TenantOptions } from './tenant-options-reader.js';
import {
  BACKEND_OPTIONS,
  createBackend,
  createInstance,
  type ClerkBackend,
  type ClerkInstance,
} from './clerk-instance.js';
import { Fingerprints } from './fingerprints.js';
import { SegmentedLru } from '../cache/segmented-lru.js';

/** The maximum number of cached instances, and also of the clients and key sets that instances share. */
const MAX_INSTANCES = 1_000;

type Resolve = (request: object) => RequestOptions | undefined | PromiseLike<RequestOptions | undefined>;

/**
 * Finds the Clerk instance of a request: the only one of the module, or the one of a tenant if `resolveOptions` is set.
 *
 * A verification cache belongs to exactly one set of options, since any option may affect verification. Keys, calls and
 * clients are shared between equal values of the options that they depend on: options that differ only in other values
 * cause no key fetch, and a flood of them evicts no keys or clients.
 */
export class ClerkInstances {
  private readonly instances = new SegmentedLru<ClerkInstance>(MAX_INSTANCES, (instance) => instance.close());
  private readonly backends = new SegmentedLru<ClerkBackend>(MAX_INSTANCES);
  private readonly clients = new SegmentedLru<GetClient>(MAX_INSTANCES);
  private readonly byCarrier = new WeakMap<object, ClerkInstance | Promise<ClerkInstance>>();
  private readonly tenantOptionsReader = new TenantOptionsReader();
  private readonly fingerprints = new Fingerprints();
  private isClosed = false;
  // Private at runtime too: logging a service that references this object must expose neither keys nor the environment.
  readonly #given: ClerkModuleOptions;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #resolveOptions: Resolve | undefined;
  /** The module's only instance; `undefined` with `resolveOptions`. */
  readonly own: ClerkInstance | undefined;

  /**
   * @param given The module's options as given. A tenant's options are merged with them and then resolved.
   * @param env The environment. A tenant's keys are never read from it.
   */
  constructor(
    options: ResolvedClerkOptions,
    client: ClerkClient,
    given: ClerkModuleOptions | undefined | null,
    env: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    // Snapshot, so that later changes do not affect which instance the tenant options lead to.
    this.#given = snapshotOf(readOwn(given ?? {}));
    this.#env = { ...env };
    this.#resolveOptions = (options.resolveOptions as Resolve | undefined)?.bind(given);
    if (!this.#resolveOptions) this.own = createInstance(options, () => client);
  }

  /**
   * Returns the instance of a request, synchronously unless `resolveOptions` is asynchronous. `resolveOptions` is
   * called once per request.
   *
   * @param request The platform's request object.
   * @param carrier The object that identifies the request in every later step.
   * @returns A promise that rejects with ClerkRequestOptionsError if `resolveOptions` throws or returns unusable options.
   */
  for(request: object, carrier: object = request): ClerkInstance | Promise<ClerkInstance> {
    if (this.own) return this.own;
    let instance = this.byCarrier.get(carrier);
    if (!instance) this.byCarrier.set(carrier, (instance = this.find(request)));
    return instance;
  }

  /** Called by Nest. After the application has closed, nothing is cached and no timer runs. */
  onModuleDestroy(): void {
    this.isClosed = true;
    this.own?.close();
    this.instances.clear();
  }

  private find(request: object): ClerkInstance | Promise<ClerkInstance> {
    try {
      // Set whenever `own` is not.
      const resolveOptions = this.#resolveOptions as Resolve;
      const returned = resolveOptions(request);
      return isPromise(returned) ? this.findAfter(returned) : this.getOrCreateInstance(returned);
    } catch (cause) {
      return Promise.reject(unusableOptions(cause));
    }
  }

  private async findAfter(returned: PromiseLike<RequestOptions | undefined>): Promise<ClerkInstance> {
    try {
      return this.getOrCreateInstance(await returned);
    } catch (cause) {
      throw unusableOptions(cause);
    }
  }

  private getOrCreateInstance(returned: RequestOptions | undefined): ClerkInstance {
    const tenantOptions = this.tenantOptionsReader.read(returned);
    return this.instances.get(tenantOptions.key) ?? this.create(tenantOptions);
  }

  private create(tenantOptions: TenantOptions): ClerkInstance {
    const options = resolveRequestOptions(this.#given, tenantOptions.options, this.#env);
    const backend = this.getOrCreate(this.backends, options, BACKEND_OPTIONS, createBackend);
    const getClient = this.getOrCreateClient(options);
    const instance = createInstance(options, getClient, undefined, backend);
    // The result of an asynchronous resolveOptions may arrive after the application has closed.
    if (this.isClosed) instance.close();
    this.instances.set(tenantOptions.key, instance);
    this.tenantOptionsReader.countNew(tenantOptions);
    return instance;
  }

  private getOrCreateClient(options: ResolvedClerkOptions): GetClient {
    const { clerkClient } = options;
    if (clerkClient) return () => clerkClient;
    return this.getOrCreate(this.clients, options, CLIENT_OPTIONS, (values) => lazyClient(() => buildClient(values)));
  }

  /**
   * Returns the cached value for equal values of these options, or creates it. The type of `create` restricts it to
   * these options.
   */
  private getOrCreate<Name extends keyof ResolvedClerkOptions, V extends object>(
    cache: SegmentedLru<V>,
    options: ResolvedClerkOptions,
    names: readonly Name[],
    create: (options: Pick<ResolvedClerkOptions, Name>) => V,
  ): V {
    const values = Object.fromEntries(names.map((name) => [name, options[name]])) as Pick<ResolvedClerkOptions, Name>;
    const key = this.fingerprints.compute(values);
    let value = cache.get(key);
    if (!value) cache.set(key, (value = create(values)));
    return value;
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined | null)?.then === 'function';
}

function unusableOptions(cause: unknown): ClerkRequestOptionsError {
  const problems = cause instanceof ClerkConfigurationError ? `: ${cause.problems.join(' ')}` : '';
  return new ClerkRequestOptionsError(`resolveOptions returned no usable options for this request${problems}`, {
    cause,
  });
}

/**
 * The Backend client of the instance that a request belongs to. `ClerkClientService` is the client of the module; with
 * `resolveOptions`, use `ClerkClients` to get the client of the tenant.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class UsersService {
 *   constructor(private readonly clients: ClerkClients) {}
 *
 *   async find(request: Request, userId: string) {
 *     const clerk = await this.clients.for(request);
 *     return clerk.users.getUser(userId);
 *   }
 * }
 * ```
 */
export abstract class ClerkClients {
  /**
   * Returns the client for a request.
   *
   * @param request The request of Express or Fastify, or Nest's `ExecutionContext`.
   */
  abstract for(request: object): Promise<ClerkClient>;
}
