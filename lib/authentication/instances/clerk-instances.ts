import type { ClerkClient } from '@clerk/backend';

import { buildClient, CLIENT_OPTIONS } from '../../client/clerk-client.service.js';
import { ClerkConfigurationError, ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../options/clerk-options.js';
import type { RequestOptions } from '../../options/tenant-options.js';
import { resolveRequestOptions } from '../../options/resolve-options.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { readOwn, snapshotOf } from '../../options/snapshot.js';
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

/** How many instances are cached, and how many clients and key sets, which instances share. */
const MAX_INSTANCES = 1_000;

type Resolve = (request: object) => RequestOptions | undefined | Promise<RequestOptions | undefined>;

/**
 * Finds the Clerk instance of a request: the module's own, or the one that `resolveOptions` names.
 *
 * A verification cache belongs to exactly one set of options, since any of them may matter. Keys, calls and clients are
 * shared by the options that they depend on: an answer that is new in any other option fetches no keys, and a flood of such
 * answers evicts none.
 */
export class ClerkInstances {
  private readonly instances = new SegmentedLru<ClerkInstance>(MAX_INSTANCES, (instance) => instance.close());
  private readonly backends = new SegmentedLru<ClerkBackend>(MAX_INSTANCES);
  private readonly clients = new SegmentedLru<ClerkClient>(MAX_INSTANCES);
  private readonly found = new WeakMap<object, Promise<ClerkInstance>>();
  private readonly answers = new TenantOptionsReader();
  private readonly fingerprints = new Fingerprints();
  // Private to the language too: whoever logs a service that leads here must see neither keys nor the environment.
  readonly #given: ClerkModuleOptions;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #resolveOptions: Resolve | undefined;
  /** The module's own, where there are no others. */
  readonly own: ClerkInstance | undefined;

  /**
   * @param given The module's options before they were settled: a tenant's are settled together with them.
   * @param env The environment, of which a tenant's keys are never taken.
   */
  constructor(
    options: ResolvedClerkOptions,
    client: ClerkClient,
    given: ClerkModuleOptions | undefined | null,
    env: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    // Read once: which instance an answer leads to must depend on nothing else that changes.
    this.#given = snapshotOf(readOwn(given ?? {}));
    this.#env = { ...env };
    this.#resolveOptions = (options.resolveOptions as Resolve | undefined)?.bind(given);
    if (!this.#resolveOptions) this.own = createInstance(options, client);
  }

  /**
   * The instance of a request; `resolveOptions` is asked once for each.
   *
   * @param request The request as the platform gives it.
   * @param carrier What stands for the request wherever it is met again.
   * @throws ClerkRequestOptionsError where `resolveOptions` throws, or answers nothing usable.
   */
  for(request: object, carrier: object = request): Promise<ClerkInstance> {
    if (this.own) return Promise.resolve(this.own);
    let instance = this.found.get(carrier);
    if (!instance) this.found.set(carrier, (instance = this.find(request)));
    return instance;
  }

  /** Called by Nest: nothing is remembered, and no timer is set, once the application has gone. */
  onModuleDestroy(): void {
    this.own?.close();
    this.instances.clear();
  }

  private async find(request: object): Promise<ClerkInstance> {
    try {
      const answer = this.answers.read(await (this.#resolveOptions as Resolve)(request));
      return this.instances.get(answer.key) ?? this.setUp(answer);
    } catch (cause) {
      const problems = cause instanceof ClerkConfigurationError ? `: ${cause.problems.join(' ')}` : '';
      throw new ClerkRequestOptionsError(`resolveOptions has no usable options for this request${problems}`, { cause });
    }
  }

  private setUp(answer: TenantOptions): ClerkInstance {
    const options = resolveRequestOptions(this.#given, answer.options, this.#env);
    const backend = this.shared(this.backends, options, BACKEND_OPTIONS, createBackend);
    const client = options.clerkClient ?? this.shared(this.clients, options, CLIENT_OPTIONS, buildClient);
    const instance = createInstance(options, client, undefined, backend);
    this.instances.set(answer.key, instance);
    this.answers.countNew(answer);
    return instance;
  }

  /** What was made before for the same values of these options; the type keeps it from depending on any others. */
  private shared<Name extends keyof ResolvedClerkOptions, V extends object>(
    made: SegmentedLru<V>,
    options: ResolvedClerkOptions,
    names: readonly Name[],
    make: (options: Pick<ResolvedClerkOptions, Name>) => V,
  ): V {
    const named = Object.fromEntries(names.map((name) => [name, options[name]])) as Pick<ResolvedClerkOptions, Name>;
    const key = this.fingerprints.of(named);
    let value = made.get(key);
    if (!value) made.set(key, (value = make(named)));
    return value;
  }
}

/**
 * The Backend client of the instance that a request belongs to. `ClerkClientService` is the module's own; with
 * `resolveOptions` this one gives the tenant's.
 *
 * @example
 * constructor(private readonly clients: ClerkClients) {}
 * // …
 * const clerk = await this.clients.for(request);
 */
export abstract class ClerkClients {
  /** @param request The request of Express or Fastify, or Nest's ExecutionContext. */
  abstract for(request: object): Promise<ClerkClient>;
}
