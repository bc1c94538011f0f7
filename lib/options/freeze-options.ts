import { inspect } from 'node:util';

import { isRecord } from './readable.js';
import type { ResolvedClerkOptions } from './resolved-options.js';

/** How many characters of a key are shown, as Clerk shows them: its kind, and nothing of the rest. */
const SHOWN_CHARACTERS = 7;

/** The options as they stay: frozen throughout, and showing no key. Instances of classes stay what they are. */
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
 * Makes the options show no key where they, or a service that holds them, are logged or sent as JSON. Nobody means to
 * log them, but `console.log(this)` in a class that injects one of our services does.
 *
 * @returns the same object.
 */
function hideKeys(options: ResolvedClerkOptions): ResolvedClerkOptions {
  const shown = () => ({
    ...options,
    secretKey: options.secretKey.slice(0, SHOWN_CHARACTERS),
    machineSecretKey: options.machineSecretKey?.slice(0, SHOWN_CHARACTERS),
  });
  // Neither is enumerable, so a copy of the options has the same properties as before.
  return Object.defineProperties(options, { [inspect.custom]: { value: shown }, toJSON: { value: shown } });
}
