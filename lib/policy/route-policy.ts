import type { AcceptsToken } from '../authentication/identity/token-types.js';
import type { Requirement } from './requirement.js';

/** What a protection decorator says. */
export type ProtectionWord = 'public' | 'require-auth' | 'skip-auth';

const PROTECTION_WORDS: readonly string[] = ['public', 'require-auth', 'skip-auth'] satisfies ProtectionWord[];

/** Whether this copy of the library knows the word; another one may have written it. */
export function isProtectionWord(word: string): word is ProtectionWord {
  return PROTECTION_WORDS.includes(word);
}

/**
 * How a handler is protected: `strict` denies unless authenticated, `lax` looks at credentials and denies nobody,
 * `skip` does not even look.
 */
export type Protection = 'strict' | 'lax' | 'skip';

/** What one level (a class, or a handler) says by decorators. All that was said is kept, so that contradictions show. */
export interface PolicyLevel {
  /** `Controller`, or `Controller.handler`. */
  readonly name: string;
  readonly isClass: boolean;
  readonly protections: readonly ProtectionWord[];
  /** The arguments of each `@AcceptsToken()`, unchecked. */
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

/** The level of the handler itself, which stands behind those of its classes. */
export function handlerOf(levels: readonly PolicyLevel[]): PolicyLevel {
  return levels.at(-1) as PolicyLevel;
}

/** A requirement, and the name of the class or handler that states it. */
export type HeldRequirement = Requirement & { readonly from: string };

/** What a handler asks of its callers, settled from all levels. */
export interface RoutePolicy {
  /** `Controller.handler`. */
  readonly name: string;
  readonly protection: Protection;
  readonly acceptsToken: AcceptsToken;
  /** Whether a session with an open task counts as signed in. */
  readonly allowsPendingSession: boolean;
  /** Whether a document navigation that is not signed in is sent to the sign-in page. */
  readonly redirectsToSignIn: boolean;
  readonly requirements: readonly HeldRequirement[];
  /** Whether a 403 tells the client what is missing. */
  readonly explainsDenials: boolean;
  /** Where protection and accepted tokens come from: the name of a class or handler, or `default`. */
  readonly sources: { readonly protection: string; readonly acceptsToken: string };
  /** What is wrong with the decorators, each with its cure. A handler with problems is denied to everybody. */
  readonly problems: readonly string[];
}
