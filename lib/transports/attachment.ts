import type { User } from '@clerk/backend';
import type { ExecutionContext } from '@nestjs/common';

import type { Authenticator } from '../authentication/authenticator.js';
import type { Identity } from '../authentication/identity.js';
import { tokenTypesOf, type AcceptsToken } from '../authentication/token-types.js';

/**
 * Under a symbol, so that no body, query or other library can put something in its place; a registered one, so that two
 * copies of this library in one process find each other's.
 */
const ATTACHED = Symbol.for('nest-clerk:attached');

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

/** Everything that is kept on a request: one property, since each one more costs every request. */
interface Attached {
  identity: Identity | undefined;
  userLoader: UserLoader | undefined;
  asked: Asked | undefined;
}

interface Carrier {
  [ATTACHED]?: Attached;
}

function attachedTo(carrier: Carrier): Attached {
  // Stryker disable next-line ObjectLiteral: what is missing is undefined too; all are named so that objects are of one shape.
  return (carrier[ATTACHED] ??= { identity: undefined, userLoader: undefined, asked: undefined });
}

/** Keeps what the guard found out, and how the user who calls is loaded, should a handler ask. */
export function attachIdentity(carrier: object, identity: Identity | undefined, userLoader?: UserLoader): void {
  const attached = attachedTo(carrier);
  attached.identity = identity;
  attached.userLoader = userLoader;
}

/** Whether the guard has been here, though it may not have looked who is calling. */
export function hasAttached(carrier: object): boolean {
  return ATTACHED in carrier;
}

/** What the guard found out about this request, if it looked. */
export function attachedIdentity(carrier: object): Identity | undefined {
  return (carrier as Carrier)[ATTACHED]?.identity;
}

/** How the user who calls is loaded, if the guard looked. */
export function attachedUserLoader(carrier: object): UserLoader | undefined {
  return (carrier as Carrier)[ATTACHED]?.userLoader;
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
  const attached = attachedTo(carrier);
  const first = (): Identity | Promise<Identity> => {
    const answer = ask();
    attached.asked = { authenticator, acceptsToken, answer, before: attached.asked };
    return answer;
  };
  // Asked anew each time: while one call waits for an answer, another may have begun to ask the same.
  const again = (): Identity | Promise<Identity> => answerTo(attached.asked, authenticator, acceptsToken) ?? first();
  const ofAny = answerTo(attached.asked, authenticator, 'any');
  if (!ofAny) return again();
  return Promise.resolve(ofAny).then((known) =>
    known.tokenType && tokenTypesOf(acceptsToken).includes(known.tokenType) ? known : again(),
  );
}

function answerTo(
  asked: Asked | undefined,
  authenticator: Authenticator,
  acceptsToken: AcceptsToken,
): Identity | Promise<Identity> | undefined {
  for (let one = asked; one; one = one.before) {
    if (one.authenticator === authenticator && String(one.acceptsToken) === String(acceptsToken)) return one.answer;
  }
  return undefined;
}
