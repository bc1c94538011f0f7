/**
 * Does what `instanceToPlain()` of class-transformer does without decorators: it visits enumerable properties, calls
 * functions among them without arguments, and visits their results, including promises. Replaces the package, of which
 * `ClassSerializerInterceptor` needs nothing else.
 */
export function callEverything(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(callEverything);
  if (value instanceof Promise) return value.then(callEverything);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.keys(value).map((key) => {
      const inner = (value as Record<string, unknown>)[key];
      // As a method, as the package does.
      const called = inner instanceof Function ? (value as Record<string, () => unknown>)[key]!() : inner;
      return [key, callEverything(called)];
    }),
  );
}
