import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

import type { RequestOptions } from '../options/request-options.js';
import { assertAnswer } from '../options/resolve-options.js';
import { isFlat, isSame, isUsedAsItIs, readOwn, snapshotOf, type OwnProperties } from '../options/snapshot.js';
import { Fingerprints } from './fingerprints.js';

/** So many answers that differ in nothing but their functions are no coincidence. */
const ALIKE = 10;
/** How many kinds of answers are counted. */
const MAX_COUNTED = 100;

/** What `resolveOptions` answered, as it was when it was read. */
export interface ReadAnswer {
  /** Its fingerprint. */
  readonly key: string;
  /** Plain data, functions, and a client: no getter, nothing that changes. */
  readonly options: RequestOptions;
}

/**
 * Reads the answers of `resolveOptions`: each of their properties once. What is found by the fingerprint of an answer was set
 * up from the very values that were fingerprinted.
 */
export class Answers {
  private readonly fingerprints = new Fingerprints();
  /** Answers that are given again and again are recognised by comparing what was read, without taking a fingerprint. */
  private readonly known = new WeakMap<object, ReadAnswer & { readonly own: OwnProperties }>();
  private readonly counts = new LRUCache<string, number>({ max: MAX_COUNTED });
  private hasWarned = false;

  /** @throws ClerkConfigurationError where the answer is no options. */
  read(answer: unknown): ReadAnswer {
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

  /** Takes note of an answer that none before was like; says once when that is for functions that are ever new. */
  noteNew({ options }: ReadAnswer): void {
    const names = Object.entries(options).flatMap(([name, value]) => (isUsedAsItIs(name, value) ? [name] : []));
    if (this.hasWarned || names.length === 0) return;
    const data = this.fingerprints.ofData(options);
    const count = (this.counts.get(data) ?? 0) + 1;
    this.counts.set(data, count);
    if (count < ALIKE) return;
    this.hasWarned = true;
    new Logger('ClerkModule').warn(
      `resolveOptions answers the same options with ever new functions or clients (${names.join(', ')}): each such answer ` +
        'is set up anew, and nothing that was verified is remembered for the next request. Define them once, outside of ' +
        'resolveOptions.',
    );
  }
}
