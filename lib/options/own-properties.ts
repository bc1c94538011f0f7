/**
 * Whether a value is an object with named properties: a plain object, a class instance or a module. A Map, a Promise and
 * the like have none, and would pass for options that leave everything at its default.
 */
export function isRecord(value: unknown): value is object {
  return ['[object Object]', '[object Module]'].includes(Object.prototype.toString.call(value));
}

/** The given properties that a copy of the object would lose: getters of its class, inherited and non-enumerable ones. */
export function nonOwnProperties(value: object, names: readonly string[]): string[] {
  return names.filter((name) => name in value && !Object.prototype.propertyIsEnumerable.call(value, name));
}

export const MUST_BE_OWN =
  'must be a property of the object itself: inherited properties and getters of its class are not read';
