import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

import type { RequestOptions } from '../../options/request-options.js';
import { isFlat, isSame, isUsedAsItIs, readOwn, snapshotOf, type OwnProperties } from '../../options/snapshot.js';
import { assertTenantOptions } from '../../options/tenant-options.js';
import { Fingerprints } from './fingerprints.js';

/** The number of new options that differ only in functions or clients before a warning is logged. */
const WARN_AFTER = 10;
/** The maximum number of groups of such options that are counted. */
const MAX_COUNTED = 100;

/** A snapshot of the options that `resolveOptions` returned, and its fingerprint. */
export interface TenantOptions {
  readonly key: string;
  /** Plain data, functions and a client. There are no getters, and nothing changes later. */
  readonly options: RequestOptions;
}

/**
 * Reads the options that `resolveOptions` returns, each property once. An instance found by fingerprint was therefore
 * created from exactly the values that were fingerprinted.
 */
export class TenantOptionsReader {
  private readonly fingerprints = new Fingerprints();
  /** Recognizes an object that is returned again, by comparing its properties without hashing them. */
  private readonly cached = new WeakMap<object, TenantOptions & { readonly own: OwnProperties }>();
  private readonly counts = new LRUCache<string, number>({ max: MAX_COUNTED });
  private hasWarned = false;

  /** @throws ClerkConfigurationError if the value is not valid options. */
  read(returned: unknown): TenantOptions {
    if (Object(returned) !== returned) assertTenantOptions(returned);
    const object = returned as object;
    const own = readOwn(object);
    const cached = this.cached.get(object);
    if (cached && isSame(cached.own, own)) return cached;
    assertTenantOptions(object);
    const options = snapshotOf(own) as RequestOptions;
    const read = { key: this.fingerprints.compute(options), options, own };
    if (isFlat(own)) this.cached.set(object, read);
    return read;
  }

  /** Counts options that an instance was created for. Warns once if many differ only in functions or clients. */
  countNew({ options }: TenantOptions): void {
    const names = Object.entries(options).flatMap(([name, value]) => (isUsedAsItIs(name, value) ? [name] : []));
    if (this.hasWarned || names.length === 0) return;
    const data = this.fingerprints.computeFromData(options);
    const count = (this.counts.get(data) ?? 0) + 1;
    this.counts.set(data, count);
    if (count < WARN_AFTER) return;
    this.hasWarned = true;
    new Logger('ClerkModule').warn(
      `resolveOptions keeps returning the same options with new functions or clients (${names.join(', ')}). Each result ` +
        'counts as another tenant, so no verified caller is cached for the next request. Define them once, outside of ' +
        'resolveOptions.',
    );
  }
}
