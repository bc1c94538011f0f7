import { hash } from 'node:crypto';

import type { ClerkClient } from '@clerk/backend';
import { LRUCache } from 'lru-cache';

import { ClerkConfigurationError, ClerkRequestOptionsError } from '../errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../options/clerk-options.js';
import type { RequestOptions } from '../options/request-options.js';
import { resolveRequestOptions } from '../options/resolve-options.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import { createInstance, type ClerkInstance } from './clerk-instance.js';

/** How many instances are kept set up; the one used longest ago makes room. */
const MAX_INSTANCES = 1_000;

type Resolve = (request: object) => RequestOptions | undefined | Promise<RequestOptions | undefined>;

/** Finds the Clerk instance of a request: the module's own, or the one that `resolveOptions` names. */
export class ClerkInstances {
  private readonly instances = new LRUCache<string, ClerkInstance>({
    max: MAX_INSTANCES,
    // Requests that are under way still get their answers.
    dispose: ({ authenticator }) => authenticator.close?.(),
  });
  private readonly found = new WeakMap<object, Promise<ClerkInstance>>();
  private readonly answered = new WeakMap<object, { readonly values: readonly unknown[]; readonly key: string }>();
  private readonly identities = new WeakMap<object, number>();
  private identified = 0;
  /** The module's own, where there are no others. */
  readonly own: ClerkInstance | undefined;

  /**
   * @param given The module's options before they were settled: a tenant's are settled together with them.
   * @param env The environment, of which a tenant's keys are never taken.
   */
  constructor(
    options: ResolvedClerkOptions,
    client: ClerkClient,
    private readonly given: ClerkModuleOptions,
    private readonly env: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    if (!options.resolveOptions) this.own = createInstance(options, client);
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
    this.own?.authenticator.close?.();
    this.instances.clear();
  }

  private async find(request: object): Promise<ClerkInstance> {
    try {
      const answer = await (this.given.resolveOptions as Resolve)(request);
      const key = this.keyOf(answer);
      let instance = this.instances.get(key);
      if (!instance) {
        instance = createInstance(resolveRequestOptions(this.given, answer, this.env));
        this.instances.set(key, instance);
      }
      return instance;
    } catch (cause) {
      const problems = cause instanceof ClerkConfigurationError ? `: ${cause.problems.join(' ')}` : '';
      throw new ClerkRequestOptionsError(`resolveOptions has no usable options for this request${problems}`, { cause });
    }
  }

  /** The fingerprint of an answer; taken once of one that is given again, and has not changed since. */
  private keyOf(answer: unknown): string {
    if (typeof answer !== 'object' || answer === null) return this.fingerprint(answer);
    const values = Object.entries(answer).flat();
    const known = this.answered.get(answer);
    if (known?.values.length === values.length && values.every((value, index) => value === known.values[index])) {
      return known.key;
    }
    const key = this.fingerprint(answer);
    // What an object among the values holds may change unseen.
    if (!values.some((value) => typeof value === 'object')) this.answered.set(answer, { values, key });
    return key;
  }

  /** The same for the same answer, and nothing from which a key could be read. Functions and clients count by identity. */
  private fingerprint(answer: unknown): string {
    const text = JSON.stringify(answer, (name, value: unknown) => {
      const byIdentity = typeof value === 'function' || (name === 'clerkClient' && typeof value === 'object');
      return byIdentity && value !== null ? `identity ${this.identityOf(value)}` : value;
    });
    // Stryker disable next-line StringLiteral: any spelling of it will do.
    return hash('sha256', String(text), 'base64');
  }

  private identityOf(value: object): number {
    let identity = this.identities.get(value);
    // Stryker disable next-line UpdateOperator: any number will do that no other has.
    if (identity === undefined) this.identities.set(value, (identity = ++this.identified));
    return identity;
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
