import type { AcceptsToken } from '../authentication/identity/token-types.js';
import type { Requirement } from './requirement.js';

/**
 * How a handler is protected: `strict` denies callers who are not authenticated, `lax` checks credentials but denies no
 * caller, `skip` does not check credentials. Also the metadata values of the protection decorators.
 */
export type Protection = 'strict' | 'lax' | 'skip';

const PROTECTIONS: readonly unknown[] = ['strict', 'lax', 'skip'] satisfies Protection[];

/** Whether this copy of the library knows the metadata value; another version may have written it. */
export function isProtection(value: unknown): value is Protection {
  return PROTECTIONS.includes(value);
}

/** The decorators of one level (a class or a handler). All of them are kept, so that contradictions are found. */
export interface PolicyLevel {
  /** `Controller`, or `Controller.handler`. */
  readonly name: string;
  readonly isClass: boolean;
  readonly protections: readonly Protection[];
  /** The arguments of each `@AcceptsToken()`, not validated. */
  readonly acceptsToken: readonly (readonly unknown[])[];
  /** One entry for each `@AllowPendingSession()`. */
  readonly allowPendingSession: readonly unknown[];
  /** One entry for each `@RedirectToSignIn()`. */
  readonly redirectToSignIn: readonly unknown[];
  readonly requirements: readonly Requirement[];
  /** The argument of each `@Auth()`. Only handlers have any. */
  readonly authParameters: readonly (string | undefined)[];
  /** One entry for each `@CurrentUser()`. Only handlers have any. */
  readonly currentUser: readonly unknown[];
}

/** The level of the handler itself, which is the last one. */
export function handlerOf(levels: readonly PolicyLevel[]): PolicyLevel {
  return levels.at(-1) as PolicyLevel;
}

/** A requirement, with the name of the class or handler that declares it. */
export type DeclaredRequirement = Requirement & { readonly from: string };

/** What a handler requires of its callers, compiled from all levels. */
export interface RoutePolicy {
  /** `Controller.handler`. */
  readonly name: string;
  readonly protection: Protection;
  readonly acceptsToken: AcceptsToken;
  /** Whether a session with an open task counts as signed in. */
  readonly allowsPendingSession: boolean;
  /** Whether page navigations that are not signed in are redirected to the sign-in page. */
  readonly redirectsToSignIn: boolean;
  readonly requirements: readonly DeclaredRequirement[];
  /** Whether a 403 tells the client what is missing. */
  readonly explainsDenials: boolean;
  /** Where protection and accepted tokens come from: the name of a class or handler, or `default`. */
  readonly sources: { readonly protection: string; readonly acceptsToken: string };
  /** Problems of the decorators, each with a fix. Every call to a handler with problems is denied. */
  readonly problems: readonly string[];
}
