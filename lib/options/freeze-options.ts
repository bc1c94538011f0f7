import { inspect } from 'node:util';

import { isRecord } from './readable.js';
import type { ResolvedClerkOptions } from './resolved-options.js';

/** How many characters of a key are shown: only its prefix, as Clerk shows keys. */
const SHOWN_CHARACTERS = 7;

/** Returns a deeply frozen copy of the options that hides keys when logged. Class instances are kept as they are. */
export function freezeOptions(options: ResolvedClerkOptions): ResolvedClerkOptions {
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return Object.freeze(value.map(copy));
    if (!isRecord(value)) return value;
    return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copy(field)])));
  };
  const { clerkClient, rpc, transports, ...data } = options;
  return Object.freeze(hideKeys({ ...(copy(data) as typeof data), clerkClient, rpc, transports }));
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
    secretKey: options.secretKey.slice(0, SHOWN_CHARACTERS),
    machineSecretKey: options.machineSecretKey?.slice(0, SHOWN_CHARACTERS),
  });
  // Not enumerable, so that copies of the options have the same properties as before.
  return Object.defineProperties(options, { [inspect.custom]: { value: shown }, toJSON: { value: shown } });
}
