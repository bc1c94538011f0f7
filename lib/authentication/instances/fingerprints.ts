import { hash } from 'node:crypto';

import { isRecord } from '../../options/own-properties.js';
import { isPlain, isUsedAsItIs } from '../../options/snapshot.js';

/** Returns a unique ID of an object that is compared by reference. */
type GetObjectId = (value: object) => string;

/**
 * Fingerprints of options: equal for equal options in any order, and different otherwise. No methods of the options'
 * objects (`toJSON`, `valueOf`) are called. Keys cannot be recovered from a fingerprint.
 */
export class Fingerprints {
  private readonly objectIds = new WeakMap<object, number>();
  private lastObjectId = 0;

  /** @param options A snapshot (see `snapshotOf`), so that the fingerprint matches the options in use. */
  compute(options: object): string {
    return fingerprint(options, (value) => `#${this.getObjectId(value)}`);
  }

  /** Computes a fingerprint that ignores differences in functions and clients. */
  computeFromData(options: object): string {
    return fingerprint(options, () => '#');
  }

  private getObjectId(value: object): number {
    let id = this.objectIds.get(value);
    if (id === undefined) this.objectIds.set(value, (id = ++this.lastObjectId));
    return id;
  }
}

function fingerprint(options: object, getObjectId: GetObjectId): string {
  const entries = Object.entries(options).map(
    ([name, value]) =>
      lengthPrefixed(name) + (isUsedAsItIs(name, value) ? getObjectId(value as object) : serialize(value, getObjectId)),
  );
  // UTF-16, because UTF-8 encodes all lone surrogates alike.
  return hash('sha256', Buffer.from(entries.sort().join(), 'utf16le'), 'base64');
}

/** The length prefix makes the encoding unambiguous. */
const lengthPrefixed = (value: string) => `${value.length}"${value}`;

/** Serializes a value unambiguously, for every kind of value that valid options can contain. */
function serialize(value: unknown, getObjectId: GetObjectId): string {
  if (typeof value === 'string') return lengthPrefixed(value);
  // `String(-0)` is `0`.
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function'
      ? getObjectId(value)
      : `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => serialize(item, getObjectId)).join()}]`;
  return isRecord(value) ? serializeFields(value, getObjectId) : getObjectId(value);
}

function serializeFields(record: object, getObjectId: GetObjectId): string {
  const prototype = Object.getPrototypeOf(record) as object | null;
  const fields = Object.getOwnPropertyNames(record).map((name) => {
    const { value, enumerable } = Object.getOwnPropertyDescriptor(record, name) as PropertyDescriptor;
    return lengthPrefixed(name) + (enumerable ? '' : 'hidden ') + serialize(value, getObjectId);
  });
  // Inherited properties make options invalid, so the prototype counts too.
  return `{${isPlain(prototype) ? '' : getObjectId(prototype as object)} ${fields.sort().join()}}`;
}
