import { isRecord } from './readable.js';

/** Options that are used as they are, since they may be instances of classes: they count by identity. */
const USED_AS_THEY_ARE: readonly string[] = ['clerkClient', 'rpc', 'transports'];

/** How deep lists and objects nest in any option that is valid. */
const DEPTH = 2;

/** Stands for what nests deeper: no option is valid with it, and a cycle ends there. */
const TOO_DEEP = Symbol('too deep');

/** Stands for the value of a property that no copy has. */
const HIDDEN = Symbol('hidden');

/** The own properties of an object, each read exactly once: a getter or a Proxy may answer otherwise the next time. */
export interface OwnProperties {
  readonly prototype: object | null;
  readonly names: readonly string[];
  /** In the order of the names. */
  readonly values: readonly unknown[];
}

export function readOwn(object: object): OwnProperties {
  const names = Object.getOwnPropertyNames(object);
  const values = names.map((name) => (isEnumerable(object, name) ? (object as Record<string, unknown>)[name] : HIDDEN));
  return { prototype: Object.getPrototypeOf(object) as object | null, names, values };
}

export function isSame(one: OwnProperties, other: OwnProperties): boolean {
  return (
    one.prototype === other.prototype &&
    one.names.length === other.names.length &&
    one.names.every((name, index) => name === other.names[index] && Object.is(one.values[index], other.values[index]))
  );
}

/** Whether equal properties always mean equal options: of a plain object without nested ones, which may change unseen. */
export function isFlat({ prototype, names, values }: OwnProperties): boolean {
  return (
    isPlain(prototype) &&
    values.every((value, index) => !isObject(value) || isUsedAsItIs(names[index] as string, value))
  );
}

/** Whether an option counts by identity: a function or a client. */
export function isUsedAsItIs(name: string, value: unknown): boolean {
  return typeof value === 'function' || (isObject(value) && USED_AS_THEY_ARE.includes(name));
}

/** Of a plain object; any other may have getters, which are lost when it is copied. */
export function isPlain(prototype: object | null): boolean {
  return prototype === null || prototype === Object.prototype;
}

/**
 * Options as they were at this moment. They are validated, fingerprinted and settled from it and nothing else: an object
 * that answers otherwise the second time it is read is one thing here, and another nowhere.
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
  // Dates, Maps and the like are no valid options, and stay what they are.
  if (!isList && !isRecord(value)) return value;
  if (depth === 0) return TOO_DEEP;
  if (isList) return Array.from({ length: value.length }, (_, index) => copyOf(value[index], depth - 1));
  // With its prototype, and with what is hidden: the validation refuses names under which something would be lost.
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
