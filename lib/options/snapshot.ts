import { OPTIONS_BY_IDENTITY } from './option-table.js';
import { isRecord } from './own-properties.js';

/** How deep lists and objects nest in a valid option. */
const DEPTH = 2;

/** Replaces deeper values, which makes the option invalid and ends cycles. */
const TOO_DEEP = Symbol('too deep');

/** Replaces the value of a non-enumerable property, which is not copied. */
const HIDDEN = Symbol('hidden');

/** The own properties of an object, each read exactly once: a getter or a Proxy may return another value next time. */
export interface OwnProperties {
  readonly prototype: object | null;
  readonly names: readonly string[];
  /** In the order of the names. */
  readonly values: readonly unknown[];
}

export function readOwn(object: object): OwnProperties {
  const names = Object.getOwnPropertyNames(object);
  // Checking each name takes much longer.
  const areAllEnumerable = Object.keys(object).length === names.length;
  const values = names.map((name) =>
    areAllEnumerable || isEnumerable(object, name) ? (object as Record<string, unknown>)[name] : HIDDEN,
  );
  return { prototype: Object.getPrototypeOf(object) as object | null, names, values };
}

export function isSame(one: OwnProperties, other: OwnProperties): boolean {
  return (
    one.prototype === other.prototype &&
    one.names.length === other.names.length &&
    one.names.every((name, index) => name === other.names[index] && Object.is(one.values[index], other.values[index]))
  );
}

/** Whether equal properties mean equal options: a plain object without nested ones, which could be changed in place. */
export function isFlat({ prototype, names, values }: OwnProperties): boolean {
  return (
    isPlain(prototype) &&
    values.every((value, index) => !isObject(value) || isUsedAsItIs(names[index] as string, value))
  );
}

/** Whether an option is compared by identity and never copied: a function, a client or an adapter. */
export function isUsedAsItIs(name: string, value: unknown): boolean {
  return typeof value === 'function' || (isObject(value) && OPTIONS_BY_IDENTITY.includes(name));
}

/** Whether this is the prototype of a plain object. Others may have getters, which a copy loses. */
export function isPlain(prototype: object | null): boolean {
  return prototype === null || prototype === Object.prototype;
}

/**
 * A copy of the options as they are now. Validation, fingerprint and resolution all use this copy, so an object that
 * returns another value on the second read cannot make them differ.
 */
export function snapshotOf(own: OwnProperties): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [name, value] of entriesOf(own)) {
    if (value !== HIDDEN) entries.push([name, isUsedAsItIs(name, value) ? value : copyOf(value, DEPTH)]);
  }
  return Object.fromEntries(entries);
}

function copyOf(value: unknown, depth: number): unknown {
  if (!isObject(value)) return value;
  const isList = Array.isArray(value);
  // Dates, Maps and the like are not copied: no option is valid with them.
  if (!isList && !isRecord(value)) return value;
  if (depth === 0) return TOO_DEEP;
  if (isList) return Array.from({ length: value.length }, (_, index) => copyOf(value[index], depth - 1));
  // Keep the prototype and non-enumerable properties: the validation rejects options that a copy would lose.
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as object;
  for (const [name, field] of entriesOf(readOwn(value))) {
    const enumerable = field !== HIDDEN;
    Object.defineProperty(copy, name, { value: enumerable ? copyOf(field, depth - 1) : undefined, enumerable });
  }
  return copy;
}

function entriesOf({ names, values }: OwnProperties): [string, unknown][] {
  return names.map((name, index) => [name, values[index]]);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isEnumerable(object: object, name: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(object, name);
}
