import type { User } from '@clerk/backend';
import type { ExecutionContext } from '@nestjs/common';

import type { Authenticator } from '../authentication/lanes/authenticator.js';
import type { Identity } from '../authentication/identity/identity.js';
import { tokenTypesOf, type AcceptsToken } from '../authentication/identity/token-types.js';

/**
 * A symbol, so that no body, query or other library can overwrite the property. It is registered, so that copies of
 * this library in one process share it.
 */
const ATTACHED = Symbol.for('nest-clerk:attached');

/** Loads the user of the caller, if a handler needs it. */
export interface UserLoader {
  load(context: ExecutionContext): Promise<User>;
}

/** An authentication of the request, linked to earlier ones. There is rarely more than one. */
interface PastAuthentication {
  readonly authenticator: Authenticator;
  readonly acceptsToken: AcceptsToken;
  readonly result: Identity | Promise<Identity>;
  readonly previous: PastAuthentication | undefined;
}

/** Everything stored on a request. It is one property, because each property costs every request. */
interface Attached {
  /** The request that this belongs to. A copy of a request copies the property, but may have other credentials. */
  readonly carrier: object;
  /** State of another carrier that was stored here before. A Proxy writes properties to its target. */
  readonly other: Attached | undefined;
  /** Whether it is stored on the carrier. A frozen object stores nothing. */
  isStored: boolean;
  identity: Identity | undefined;
  userLoader: UserLoader | undefined;
  authentications: PastAuthentication | undefined;
}

interface Carrier {
  [ATTACHED]?: Attached;
}

function attachedOn(carrier: Carrier): Attached | undefined {
  return findOwn(carrier[ATTACHED], carrier);
}

function findOwn(stored: Attached | undefined, carrier: object): Attached | undefined {
  let one = stored;
  while (one && one.carrier !== carrier) one = one.other;
  return one;
}

/**
 * What is stored on a request; created if nothing is. It reads and writes the property as rarely as it can: on Express each
 * request has a hidden class of its own, so that each access is a full lookup.
 */
export function attachedTo(carrier: Carrier): Attached {
  const other = carrier[ATTACHED];
  const existing = findOwn(other, carrier);
  if (existing) return existing;
  // Listing all properties gives the objects one shape.
  const attached: Attached = {
    carrier,
    other,
    isStored: false,
    identity: undefined,
    userLoader: undefined,
    authentications: undefined,
  };
  try {
    carrier[ATTACHED] = attached;
    attached.isStored = attachedOn(carrier) === attached;
  } catch {
    // The carrier is frozen, or a Proxy that rejects writes.
  }
  return attached;
}

/**
 * Stores the identity, and if the guard calls it, the loader for `@CurrentUser()`.
 * @returns whether it was stored; a frozen object stores nothing
 */
export function attachIdentity(carrier: object, identity: Identity | undefined, userLoader?: UserLoader): boolean {
  const attached = attachedTo(carrier);
  attached.identity = identity;
  attached.userLoader = userLoader;
  return attached.isStored;
}

/** Whether the guard or ClerkMiddleware ran, even if it skipped authentication. */
export function hasAttached(carrier: object): boolean {
  return attachedOn(carrier) !== undefined;
}

/** Whether ClerkGuard authorized the call. ClerkMiddleware attaches an identity too, but authorizes nothing. */
export function isGuarded(carrier: object): boolean {
  return attachedUserLoader(carrier) !== undefined;
}

/** The identity of the call, if it was authenticated. */
export function attachedIdentity(carrier: object): Identity | undefined {
  return attachedOn(carrier)?.identity;
}

/** The user loader of the call, if the guard ran. */
export function attachedUserLoader(carrier: object): UserLoader | undefined {
  return attachedOn(carrier)?.userLoader;
}

/**
 * Authenticates at most once per request, accepted token types and Clerk instance, however often the guard runs. The
 * result of ClerkMiddleware, which accepts any type, is reused if the handler accepts the caller's token type.
 */
export function authenticateOnce(
  carrier: object,
  authenticator: Authenticator,
  acceptsToken: AcceptsToken,
  authenticate: () => Identity | Promise<Identity>,
): Identity | Promise<Identity> {
  const attached = attachedTo(carrier);
  const start = (): Identity | Promise<Identity> => {
    const result = authenticate();
    attached.authentications = { authenticator, acceptsToken, result, previous: attached.authentications };
    return result;
  };
  // Most calls.
  if (!attached.authentications) return start();
  // Look it up on each call: while one authentication was pending, another call may have started the same.
  const reuseOrStart = (): Identity | Promise<Identity> =>
    findAuthentication(attached.authentications, authenticator, acceptsToken) ?? start();
  const anyType = findAuthentication(attached.authentications, authenticator, 'any');
  if (!anyType) return reuseOrStart();
  return Promise.resolve(anyType).then((known) =>
    known.tokenType && tokenTypesOf(acceptsToken).includes(known.tokenType) ? known : reuseOrStart(),
  );
}

function findAuthentication(
  authentications: PastAuthentication | undefined,
  authenticator: Authenticator,
  acceptsToken: AcceptsToken,
): Identity | Promise<Identity> | undefined {
  for (let one = authentications; one; one = one.previous) {
    if (one.authenticator === authenticator && String(one.acceptsToken) === String(acceptsToken)) return one.result;
  }
  return undefined;
}
