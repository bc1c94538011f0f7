import { hash } from 'node:crypto';

import { isRecord } from '../../options/own-properties.js';
import { isPlain, isUsedAsItIs } from '../../options/snapshot.js';

/** Returns an identifier of an object that is compared by identity. */
type Identify = (value: object) => string;

/**
 * Fingerprints of options: equal for equal options in any order, and different otherwise. No methods of the options'
 * objects (`toJSON`, `valueOf`) are called. Keys cannot be recovered from a fingerprint.
 */
export class Fingerprints {
  private readonly identities = new WeakMap<object, number>();
  private identified = 0;

  /** @param options A snapshot (see `snapshotOf`), so that the fingerprint matches the options in use. */
  of(options: object): string {
    return fingerprint(options, (value) => `#${this.identityOf(value)}`);
  }

  /** A fingerprint that ignores differences in functions and clients. */
  ofData(options: object): string {
    return fingerprint(options, () => '#');
  }

  private identityOf(value: object): number {
    let identity = this.identities.get(value);
    // Stryker disable next-line UpdateOperator: any unused number works.
    if (identity === undefined) this.identities.set(value, (identity = ++this.identified));
    return identity;
  }
}

function fingerprint(options: object, identify: Identify): string {
  const entries = Object.entries(options).map(
    ([name, value]) =>
      lengthPrefixed(name) + (isUsedAsItIs(name, value) ? identify(value as object) : serialize(value, identify)),
  );
  // UTF-16, because UTF-8 encodes all lone surrogates alike.
  return hash('sha256', Buffer.from(entries.sort().join(), 'utf16le'), 'base64');
}

/** The length prefix makes the encoding unambiguous. */
const lengthPrefixed = (value: string) => `${value.length}"${value}`;

/** Serializes a value unambiguously, for every kind of value that valid options can contain. */
function serialize(value: unknown, identify: Identify): string {
  if (typeof value === 'string') return lengthPrefixed(value);
  // `String(-0)` is `0`.
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function'
      ? identify(value)
      : `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => serialize(item, identify)).join()}]`;
  return isRecord(value) ? serializeFields(value, identify) : identify(value);
}

function serializeFields(record: object, identify: Identify): string {
  const prototype = Object.getPrototypeOf(record) as object | null;
  const fields = Object.getOwnPropertyNames(record).map((name) => {
    const { value, enumerable } = Object.getOwnPropertyDescriptor(record, name) as PropertyDescriptor;
    return lengthPrefixed(name) + (enumerable ? '' : 'hidden ') + serialize(value, identify);
  });
  // Inherited properties make options invalid, so the prototype counts too.
  return `{${isPlain(prototype) ? '' : identify(prototype as object)} ${fields.sort().join()}}`;
}
