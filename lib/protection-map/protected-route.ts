import type { TokenType } from '../authentication/identity/token-types.js';

/** A requirement in words, and where it is stated. */
export interface RouteRequirement {
  /** As `permission org:invoices:create`, or `any of (role org:admin, plan org:pro)`. */
  readonly requirement: string;
  /** The class (`InvoicesController`) or the handler (`InvoicesController.create`) that states it. */
  readonly from: string;
  /**
   * The accepted token types that it applies to, present where they are not all: callers with another type are held to
   * other requirements. An empty list where it applies to none of them.
   */
  readonly appliesTo?: readonly TokenType[];
}

/**
 * One way into the application, and who may take it. A handler has several of them where it has several paths, versions
 * or patterns. Plain data: it can be written as JSON and compared.
 */
export interface ProtectedRoute {
  /** How calls get there, in the words of Nest's `ExecutionContext.getType()`. */
  readonly transport: 'http' | 'graphql' | 'ws' | 'rpc';
  /**
   * HTTP: the method, or `ALL`. GraphQL: `Query`, `Mutation`, `Subscription` or `field`. WebSockets: `message`.
   * Microservices: `message` or `event`.
   */
  readonly method: string;
  /**
   * HTTP: the path with everything Nest puts before it: global prefix, version, module path. GraphQL: the name, of a
   * field `Type.field`. Otherwise the event or the pattern, as JSON unless it is a text.
   */
  readonly path: string;
  /** The versions it answers to, where they do not stand in the path (header, media type or custom versioning). */
  readonly version?: readonly string[];
  /** The hosts it is bound to, if any. */
  readonly host?: readonly string[];
  /** The namespace of a WebSocket gateway, if it has one. */
  readonly namespace?: string;
  /** `InvoicesController.create`. */
  readonly handler: string;
  /**
   * `strict` denies unless authenticated, `lax` looks at credentials and denies nobody, `skip` does not even look.
   * `unguarded`: no `ClerkGuard` runs before it (`guard: false`), so whatever its decorators say, nobody is denied.
   */
  readonly protection: 'strict' | 'lax' | 'skip' | 'unguarded';
  /** The token types that are looked at; none where nobody looks. */
  readonly acceptsToken: readonly TokenType[];
  /** All of them have to be fulfilled. */
  readonly requirements: readonly RouteRequirement[];
  /** Where protection and accepted tokens come from: the name of a class or handler, or `default`. */
  readonly from: { readonly protection: string; readonly acceptsToken: string };
  /** Present where sessions with an open task are let in. */
  readonly allowsPendingSession?: true;
  /** Present where browsers are sent to the sign-in page instead of a 401. */
  readonly redirectsToSignIn?: true;
}

/**
 * The name under which the map is provided besides its class. It is registered, so that the command and
 * `nest-clerk/testing` find the map whichever copy of this library (ES modules, CommonJS) the application has loaded.
 */
export const PROTECTION_MAP: unique symbol = Symbol.for('nest-clerk:protection-map') as never;
