import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

import type { RequestOptions } from '../../options/tenant-options.js';
import { assertAnswer } from '../../options/resolve-options.js';
import { isFlat, isSame, isUsedAsItIs, readOwn, snapshotOf, type OwnProperties } from '../../options/snapshot.js';
import { Fingerprints } from './fingerprints.js';

/** From how many new answers on that differ only in their functions a warning is logged. */
const WARN_AFTER = 10;
/** How many groups of such answers are counted. */
const MAX_COUNTED = 100;

/** A snapshot of what `resolveOptions` answered, and its fingerprint. */
export interface TenantOptions {
  readonly key: string;
  /** Plain data, functions and a client: no getter, nothing that changes. */
  readonly options: RequestOptions;
}

/**
 * Reads the answers of `resolveOptions`, each of their properties once. An instance that is found by the fingerprint of an
 * answer was set up from the very values that were fingerprinted.
 */
export class TenantOptionsReader {
  private readonly fingerprints = new Fingerprints();
  /** An object that is answered again is recognised by comparing what was read, without hashing. */
  private readonly known = new WeakMap<object, TenantOptions & { readonly own: OwnProperties }>();
  private readonly counts = new LRUCache<string, number>({ max: MAX_COUNTED });
  private hasWarned = false;

  /** @throws ClerkConfigurationError where the answer is no options. */
  read(answer: unknown): TenantOptions {
    if (Object(answer) !== answer) assertAnswer(answer);
    const given = answer as object;
    const own = readOwn(given);
    const known = this.known.get(given);
    if (known && isSame(known.own, own)) return known;
    assertAnswer(given);
    const options = snapshotOf(own) as RequestOptions;
    const read = { key: this.fingerprints.of(options), options, own };
    if (isFlat(own)) this.known.set(given, read);
    return read;
  }

  /** Counts an answer that an instance was set up for; warns once where answers differ only in their functions. */
  countNew({ options }: TenantOptions): void {
    const names = Object.entries(options).flatMap(([name, value]) => (isUsedAsItIs(name, value) ? [name] : []));
    if (this.hasWarned || names.length === 0) return;
    const data = this.fingerprints.ofData(options);
    const count = (this.counts.get(data) ?? 0) + 1;
    this.counts.set(data, count);
    if (count < WARN_AFTER) return;
    this.hasWarned = true;
    new Logger('ClerkModule').warn(
      `resolveOptions keeps answering the same options with new functions or clients (${names.join(', ')}): each answer is ` +
        'set up as another tenant, and no verified caller is cached for the next request. Define them once, outside of ' +
        'resolveOptions.',
    );
  }
}
