import { ApiError, invalidFormat, missingParameter } from '../api-error.js';

type Body = Readonly<Record<string, unknown>>;

/** Parses a JSON body; empty if there is none. */
export function jsonObject(body: string): Body {
  if (body === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new ApiError(
      400,
      'request_body_invalid',
      'The request body is invalid. Please consult the API documentation.',
    );
  }
  if (!isObject(parsed)) throw new ApiError(400, 'request_body_invalid', 'The request body must be a JSON object');
  return parsed as Body;
}

const malformed = (name: string, kind: string) => invalidFormat(name, `be ${kind}`);

/** Reads one field of a JSON body; `null` counts as absent, as in the Backend API. */
function reader<T>(kind: string, fits: (value: unknown) => value is T) {
  return (body: Body, name: string): T | undefined => {
    const value = body[name];
    if (value === undefined || value === null) return undefined;
    if (!fits(value)) throw malformed(name, kind);
    return value;
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

export const text = reader('text', isText);
export const number = reader('a number', (value): value is number => typeof value === 'number');
export const texts = reader(
  'an array of texts',
  (value): value is string[] => Array.isArray(value) && value.every(isText),
);
export const object = reader(
  'an object',
  (value): value is Record<string, unknown> => typeof value === 'object' && !Array.isArray(value),
);

/** @throws ApiError 422 if it is not a whole number within these bounds. */
export function wholeNumber(body: Body, name: string, minimum: number, maximum: number): number | undefined {
  const value = number(body, name);
  if (value === undefined || (Number.isInteger(value) && value >= minimum && value <= maximum)) return value;
  throw malformed(name, `a whole number from ${minimum} to ${maximum}`);
}

/** @throws ApiError 422 if it is absent or empty. */
export function requiredText(body: Body, name: string): string {
  const value = text(body, name);
  if (!value) throw missingParameter(name);
  return value;
}

/** The fields of a body that may be changed. */
export function changes(body: Body, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => names.includes(name)));
}

/** Replaces metadata; fields that are not in the body stay as they are. */
export function replacedMetadata(body: Body, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name in body).map((name) => [name, object(body, name) ?? {}]));
}

/** Merges metadata, at every level; a key that is set to `null` is removed. */
export function mergedMetadata(resource: object, body: Body, names: readonly string[]): Record<string, unknown> {
  const old = Object.entries(resource).filter(([name]) => names.includes(name) && name in body);
  return Object.fromEntries(old.map(([name, value]) => [name, merge(value, object(body, name) ?? {})]));
}

function merge(old: unknown, change: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...(isObject(old) ? old : {}) };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? merge(merged[key], value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
