import { inspect } from 'node:util';

import { SECRET_OPTIONS } from './option-table.js';
import { isRecord } from './own-properties.js';
import type { ResolvedClerkOptions } from './resolved-options.js';
import { isUsedAsItIs } from './snapshot.js';

/** How many characters of a key are shown: only its prefix, as Clerk shows keys. */
const SHOWN_CHARACTERS = 7;

/** Returns a deeply frozen copy of the options that hides keys when logged. Class instances are kept as they are. */
export function freezeOptions(options: ResolvedClerkOptions): ResolvedClerkOptions {
  const entries = Object.entries(options).map(([name, value]) => [
    name,
    isUsedAsItIs(name, value) ? (value as unknown) : frozenCopyOf(value),
  ]);
  // The copy has the same properties.
  return Object.freeze(hideKeys(Object.fromEntries(entries) as ResolvedClerkOptions));
}

function frozenCopyOf(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopyOf));
  if (!isRecord(value)) return value;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, field]) => [name, frozenCopyOf(field)])));
}

/**
 * Hides the keys when the options, or a service that holds them, are logged or serialized as JSON. `console.log(this)`
 * in a class that injects one of our services would log them by accident.
 *
 * @returns the same object.
 */
function hideKeys(options: ResolvedClerkOptions): ResolvedClerkOptions {
  const shown = () => ({
    ...options,
    ...Object.fromEntries(SECRET_OPTIONS.map((name) => [name, beginningOf(options[name])])),
  });
  // Not enumerable, so that copies of the options have the same properties as before.
  return Object.defineProperties(options, { [inspect.custom]: { value: shown }, toJSON: { value: shown } });
}

function beginningOf(key: unknown): string | undefined {
  return typeof key === 'string' ? key.slice(0, SHOWN_CHARACTERS) : undefined;
}
