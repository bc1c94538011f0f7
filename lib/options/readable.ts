/**
 * Whether a value is an object that says things by name: a plain one, an instance of a class, a module. A Map, a Promise
 * and the like say nothing that way, and would pass for an object that leaves everything to its defaults.
 */
export function isRecord(value: unknown): value is object {
  return ['[object Object]', '[object Module]'].includes(Object.prototype.toString.call(value));
}

/**
 * The names under which an object has something that a copy of it would lose: a getter of its class, a field that is
 * inherited or hidden.
 */
export function nonOwnProperties(value: object, names: readonly string[]): string[] {
  return names.filter((name) => name in value && !Object.prototype.propertyIsEnumerable.call(value, name));
}

/** How to mend that. */
export const MUST_BE_OWN =
  'must be a property of the object itself: a getter of its class, or what it inherits, is not read';
