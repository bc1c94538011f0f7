import type { User } from '@clerk/backend';
import type { ExecutionContext } from '@nestjs/common';

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

/** Loads the user who calls, when a handler asks for it. */
export interface UserLoader {
  load(context: ExecutionContext): Promise<User>;
}

/** One question about a request, and those before it. There is hardly ever more than one. */
interface Asked {
  readonly authenticator: Authenticator;
  readonly acceptsToken: AcceptsToken;
  readonly answer: Identity | Promise<Identity>;
  readonly before: Asked | undefined;
}

interface Carrier {
  [IDENTITY]?: Identity;
  [USER]?: UserLoader;
  [ASKED]?: Asked;
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
export function attachUserLoader(carrier: object, loader: UserLoader): void {
  (carrier as Carrier)[USER] = loader;
}

/** How the user who calls is loaded, if the guard looked. */
export function attachedUserLoader(carrier: object): UserLoader | undefined {
  return (carrier as Carrier)[USER];
}

/**
 * Asks at most once per request, accepted types and Clerk instance, however often the guard runs. What ClerkMiddleware
 * found out, asking for any type, is taken over where it signed in somebody whom the handler accepts.
 */
export function identifyOnce(
  carrier: object,
  authenticator: Authenticator,
  acceptsToken: AcceptsToken,
  ask: () => Identity | Promise<Identity>,
): Identity | Promise<Identity> {
  const before = (carrier as Carrier)[ASKED];
  const first = (): Identity | Promise<Identity> => {
    const answer = ask();
    (carrier as Carrier)[ASKED] = { authenticator, acceptsToken, answer, before: (carrier as Carrier)[ASKED] };
    return answer;
  };
  if (!before) return first();
  const again = (): Identity | Promise<Identity> => answerTo(before, authenticator, acceptsToken) ?? first();
  const ofAny = answerTo(before, authenticator, 'any');
  if (!ofAny) return again();
  return Promise.resolve(ofAny).then((known) =>
    known.tokenType && tokenTypesOf(acceptsToken).includes(known.tokenType) ? known : again(),
  );
}

function answerTo(
  asked: Asked,
  authenticator: Authenticator,
  acceptsToken: AcceptsToken,
): Identity | Promise<Identity> | undefined {
  for (let one: Asked | undefined = asked; one; one = one.before) {
    if (one.authenticator === authenticator && String(one.acceptsToken) === String(acceptsToken)) return one.answer;
  }
  return undefined;
}
