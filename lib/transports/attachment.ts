import type { User } from '@clerk/backend';

import type { Authenticator } from '../authentication/authenticator.js';
import type { Identity } from '../authentication/identity.js';
import { tokenTypesOf, type AcceptsToken } from '../authentication/token-types.js';

/**
 * Under symbols, so that no body, query or other library can put something in their place; registered ones, so that
 * two copies of this library in one process find each other's.
 */
const IDENTITY = Symbol.for('nest-clerk:identity');
const ASKED = Symbol.for('nest-clerk:asked');
const USER = Symbol.for('nest-clerk:user');

interface Carrier {
  [IDENTITY]?: Identity;
  [USER]?: () => Promise<User>;
  [ASKED]?: Map<Authenticator, Map<string, Promise<Identity>>>;
}

/** Keeps what the guard found out. */
export function attachIdentity(carrier: object, identity: Identity | undefined): void {
  (carrier as Carrier)[IDENTITY] = identity;
}

/** What the guard found out about this request, if it looked. */
export function attachedIdentity(carrier: object): Identity | undefined {
  return (carrier as Carrier)[IDENTITY];
}

/** Keeps how the user who calls is loaded, should a handler ask. */
export function attachUserLoader(carrier: object, load: () => Promise<User>): void {
  (carrier as Carrier)[USER] = load;
}

/** How the user who calls is loaded, if the guard looked. */
export function attachedUserLoader(carrier: object): (() => Promise<User>) | undefined {
  return (carrier as Carrier)[USER];
}

/**
 * Asks at most once per request, accepted types and Clerk instance, however often the guard runs. What ClerkMiddleware
 * found out, asking for any type, is taken over where it signed in somebody whom the handler accepts.
 */
export async function identifyOnce(
  carrier: object,
  authenticator: Authenticator,
  acceptsToken: AcceptsToken,
  ask: () => Promise<Identity>,
): Promise<Identity> {
  const asked = ((carrier as Carrier)[ASKED] ??= new Map());
  let byType = asked.get(authenticator);
  if (!byType) asked.set(authenticator, (byType = new Map()));
  const known = await byType.get('any');
  if (known?.tokenType && tokenTypesOf(acceptsToken).includes(known.tokenType)) return known;
  const key = String(acceptsToken);
  let identity = byType.get(key);
  if (!identity) byType.set(key, (identity = ask()));
  return identity;
}
