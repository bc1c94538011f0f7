import type { User } from '@clerk/backend';
import type { ExecutionContext } from '@nestjs/common';

import type { Authenticator } from '../authentication/lanes/authenticator.js';
import type { Identity } from '../authentication/identity/identity.js';
import { tokenTypesOf, type AcceptsToken } from '../authentication/identity/token-types.js';

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
  /** Whose it is. Copies of a request take the property along, and present something else. */
  readonly carrier: object;
  /** What was found there for another carrier: a Proxy hands on what is kept on it to its target. */
  readonly beside: Attached | undefined;
  identity: Identity | undefined;
  userLoader: UserLoader | undefined;
  asked: Asked | undefined;
}

interface Carrier {
  [ATTACHED]?: Attached;
}

function attachedOn(carrier: Carrier): Attached | undefined {
  let one = carrier[ATTACHED];
  while (one && one.carrier !== carrier) one = one.beside;
  return one;
}

function attachedTo(carrier: Carrier): Attached {
  const known = attachedOn(carrier);
  if (known) return known;
  const beside = carrier[ATTACHED];
  // Stryker disable next-line ObjectLiteral: what is missing is undefined too; all are named so that objects are of one shape.
  const attached = { carrier, beside, identity: undefined, userLoader: undefined, asked: undefined };
  try {
    carrier[ATTACHED] = attached;
  } catch {
    // Frozen, or a Proxy that takes nothing: whoever needs what is kept hears of it from attachIdentity().
  }
  return attached;
}

/**
 * Keeps what was found out, and of the guard how the user who calls is loaded, should a handler ask.
 * @returns whether it could be kept: nothing is on a frozen object.
 */
export function attachIdentity(carrier: object, identity: Identity | undefined, userLoader?: UserLoader): boolean {
  const attached = attachedTo(carrier);
  attached.identity = identity;
  attached.userLoader = userLoader;
  return attachedOn(carrier) === attached;
}

/** Whether the guard has been here, though it may not have looked who is calling. */
export function hasAttached(carrier: object): boolean {
  return attachedOn(carrier) !== undefined;
}

/** Whether ClerkGuard has judged the call. ClerkMiddleware attaches an identity too, and judges nobody. */
export function isJudged(carrier: object): boolean {
  return attachedUserLoader(carrier) !== undefined;
}

/** What the guard found out about this request, if it looked. */
export function attachedIdentity(carrier: object): Identity | undefined {
  return attachedOn(carrier)?.identity;
}

/** How the user who calls is loaded, if the guard looked. */
export function attachedUserLoader(carrier: object): UserLoader | undefined {
  return attachedOn(carrier)?.userLoader;
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
