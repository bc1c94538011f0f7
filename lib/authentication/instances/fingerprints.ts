import { hash } from 'node:crypto';

import { isRecord } from '../../options/readable.js';
import { isPlain, isUsedAsItIs } from '../../options/snapshot.js';

/** Names an object that counts by identity. */
type Identify = (value: object) => string;

/**
 * Fingerprints of options: equal for equal options in any order, and different for all others. No method of an object among
 * them (`toJSON`, `valueOf`) is called. No key can be read from a fingerprint.
 */
export class Fingerprints {
  private readonly identities = new WeakMap<object, number>();
  private identified = 0;

  /** @param options Read once (see `snapshotOf`), so that what is fingerprinted is what is used. */
  of(options: object): string {
    return fingerprint(options, (value) => `#${this.identityOf(value)}`);
  }

  /** The same for options that only differ in functions and clients. */
  ofData(options: object): string {
    return fingerprint(options, () => '#');
  }

  private identityOf(value: object): number {
    let identity = this.identities.get(value);
    // Stryker disable next-line UpdateOperator: any number will do that no other has.
    if (identity === undefined) this.identities.set(value, (identity = ++this.identified));
    return identity;
  }
}

function fingerprint(options: object, identify: Identify): string {
  const spelled = Object.entries(options).map(
    ([name, value]) => text(name) + (isUsedAsItIs(name, value) ? identify(value as object) : spell(value, identify)),
  );
  // As UTF-16: in UTF-8 all halves of surrogate pairs are alike.
  return hash('sha256', Buffer.from(spelled.sort().join(), 'utf16le'), 'base64');
}

/** With its length before it, no text can be taken for something else. */
const text = (value: string) => `${value.length}"${value}`;

/** A value in words that no other value has, as far as options can be valid with it. */
function spell(value: unknown, identify: Identify): string {
  if (typeof value === 'string') return text(value);
  // Of numbers, -0 is not 0.
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function'
      ? identify(value)
      : `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => spell(item, identify)).join()}]`;
  return isRecord(value) ? spellFields(value, identify) : identify(value);
}

function spellFields(record: object, identify: Identify): string {
  const prototype = Object.getPrototypeOf(record) as object | null;
  const fields = Object.getOwnPropertyNames(record).map((name) => {
    const { value, enumerable } = Object.getOwnPropertyDescriptor(record, name) as PropertyDescriptor;
    return text(name) + (enumerable ? '' : 'hidden ') + spell(value, identify);
  });
  // What is inherited makes options invalid, so it counts as well.
  return `{${isPlain(prototype) ? '' : identify(prototype as object)} ${fields.sort().join()}}`;
}
