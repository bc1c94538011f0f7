import { isRecord, nonOwnProperties, MUST_BE_OWN } from './own-properties.js';

/**
 * Returns what is wrong with a value and how to fix it, or `undefined` if it is valid. Never repeats the value. A problem
 * of a field starts with the field: `.path must be …`.
 */
export interface Check<Value = unknown> {
  (value: unknown): string | undefined;
  /** Never set: carries the type that the check accepts, from which the type of the option is derived. */
  readonly accepts?: Value;
}

/** A problem of an option or field, after its name. */
export function problemOf(name: string, problem: string): string {
  return problem.startsWith('.') ? name + problem : `${name} ${problem}`;
}

export const nonEmptyString: Check<string> = (value) =>
  typeof value === 'string' && value.trim() !== '' ? undefined : 'must be a non-empty string';

export const oneOf =
  <Value extends string>(...allowed: readonly Value[]): Check<Value> =>
  (value) =>
    (allowed as readonly unknown[]).includes(value)
      ? undefined
      : `must be one of ${allowed.map((item) => `'${item}'`).join(', ')}`;

export const boolean: Check<boolean> = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');

/** Also accepts `true` and `false`. */
export const booleanOr =
  <Value>(check: Check<Value>): Check<boolean | Value> =>
  (value) =>
    typeof value === 'boolean' ? undefined : check(value);

const wholeNumber =
  (of: string, minimum: number, maximum: number): Check<number> =>
  (value) =>
    Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
      ? undefined
      : `must be a whole number${of}, at least ${minimum} and at most ${maximum}`;

/** Beyond the default maximum (24 days), timers of Node fire immediately. */
export const milliseconds = (minimum: number, maximum = 2 ** 31 - 1): Check<number> =>
  wholeNumber(' of milliseconds', minimum, maximum);

export const bytes = (minimum: number, maximum: number): Check<number> => wholeNumber(' of bytes', minimum, maximum);

export const count = (minimum: number, maximum: number): Check<number> => wholeNumber('', minimum, maximum);

export const listOfStrings: Check<string[]> = (value) =>
  // every() skips the holes of a sparse array.
  Array.isArray(value) && value.length > 0 && Array.from<unknown>(value).every((item) => !nonEmptyString(item))
    ? undefined
    : 'must be a non-empty list of non-empty strings';

/**
 * A value, or a function that returns it for the URL of a request as the browser sees it: with the forwarded host where
 * the application trusts its proxy (Express' `trust proxy`, Fastify's `trustProxy`) or lists that origin in
 * `authorizedParties`.
 */
export type ValueOrFunction<T> = T | ((url: URL) => T);

/** Also accepts a function of the request's URL, whose results are checked for each request. */
export const orFunction =
  <Value>(check: Check<Value>): Check<ValueOrFunction<Value>> =>
  (value) =>
    typeof value === 'function' ? undefined : check(value);

type AnyFunction = (...parameters: never[]) => unknown;

export const functionOf =
  <Value extends AnyFunction>(): Check<Value> =>
  (value) =>
    typeof value === 'function' ? undefined : 'must be a function';

/** An object with some of these fields, each with a check of its own. */
export const fields =
  <Value extends object>(checks: {
    readonly [Name in keyof Value]-?: Check<NonNullable<Value[Name]>>;
  }): Check<Value> =>
  (value) => {
    const names = Object.keys(checks);
    if (!isRecord(value)) return `must be an object with any of these fields: ${names.join(', ')}`;
    const [lost] = nonOwnProperties(value, names);
    if (lost) return `.${lost} ${MUST_BE_OWN}`;
    const [problem] = Object.entries(value).flatMap(([name, field]) => {
      if (!Object.hasOwn(checks, name)) return [`has no field "${name}": it takes ${names.join(', ')}`];
      const wrong = field === undefined ? undefined : (checks as Readonly<Record<string, Check>>)[name]?.(field);
      return wrong ? [problemOf(`.${name}`, wrong)] : [];
    });
    return problem;
  };
