import type { TokenType } from '../authentication/identity/token-types.js';
import type { BuiltInTransport } from '../transports/transport-kinds.js';

/** A requirement as text, and where it is declared. */
export interface RouteRequirement {
  /** Such as `permission org:invoices:create`, or `any of (role org:admin, plan org:pro)`. */
  readonly requirement: string;
  /** The class (`InvoicesController`) or the handler (`InvoicesController.create`) that declares it. */
  readonly from: string;
  /**
   * The accepted token types that it applies to. Absent if it applies to all of them, empty if to none.
   */
  readonly appliesTo?: readonly TokenType[];
}

/**
 * One entry point of the application, and who may call it. A handler with several paths, versions or patterns has several
 * of them. Plain data, which can be serialized as JSON and compared.
 */
export interface ProtectedRoute {
  /**
   * The transport, as Nest's `ExecutionContext.getType()` names it: `http`, `graphql`, `ws`, `rpc`, or a type of the option
   * `transports`.
   */
  // With `{}`, editors still suggest the built-in types.
  readonly transport: BuiltInTransport | (string & {});
  /**
   * HTTP: the method, or `ALL`. GraphQL: `Query`, `Mutation`, `Subscription` or `field`. WebSockets: `message`.
   * Microservices: `message` or `event`.
   */
  readonly method: string;
  /**
   * HTTP: the full path, with global prefix, version and module path. GraphQL: the name; `Type.field` for a field.
   * Otherwise the event or the pattern, as JSON unless it is a string.
   */
  readonly path: string;
  /** The versions, if they are not part of the path (header, media type or custom versioning). */
  readonly version?: readonly string[];
  /** The hosts that the controller is limited to, if any. */
  readonly host?: readonly string[];
  /** The namespace of a WebSocket gateway, if it has one. */
  readonly namespace?: string;
  /** `InvoicesController.create`. */
  readonly handler: string;
  /**
   * `strict` denies callers who are not authenticated, `lax` checks credentials but denies no caller, `skip` does not
   * check credentials. `unguarded`: no `ClerkGuard` runs before the handler (`guard: false`), so its decorators have no
   * effect and no caller is denied.
   */
  readonly protection: 'strict' | 'lax' | 'skip' | 'unguarded';
  /** The accepted token types; empty if credentials are not checked. */
  readonly acceptsToken: readonly TokenType[];
  /** Callers must fulfil all of them. */
  readonly requirements: readonly RouteRequirement[];
  /** Where protection and accepted tokens come from: the name of a class or handler, or `default`. */
  readonly from: { readonly protection: string; readonly acceptsToken: string };
  /** Present if sessions with an open task count as signed in. */
  readonly allowsPendingSession?: true;
  /** Present if browsers are redirected to the sign-in page instead of getting 401. */
  readonly redirectsToSignIn?: true;
}

/**
 * A second injection token of the map. A registered symbol, so that the command and `nest-clerk/testing` find the map
 * whichever copy of this library (ES module or CommonJS) the application has loaded.
 */
export const PROTECTION_MAP: unique symbol = Symbol.for('nest-clerk:protection-map') as never;
