import type { Ref } from './ids.js';
import type { MachineTokenJSON } from './machine-tokens.js';
import type { TokenKey } from './signing-keys.js';

/** Options of every JWT, including invalid ones. */
export interface TokenOptions {
  /** Replaces, adds, or with `undefined` removes claims. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Names of claims to leave out. */
  readonly omit?: readonly string[];
  /** Replaces, adds, or with `undefined` removes fields of the protected header; `alg` takes effect. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** In seconds since 1970, or as a date. @default now */
  readonly issuedAt?: number | Date;
  /** In seconds after `issuedAt`; negative for a token that is expired from the start. @default 60 */
  readonly expiresIn?: number;
  /** In seconds since 1970, or as a date. @default 10 s before `issuedAt` */
  readonly notBefore?: number | Date;
  /** Signs with another key, for forgeries and for key rotation. @default the current key */
  readonly key?: TokenKey;
}

/** Options of a session token. By default a user and a session are created for it. */
export interface SessionTokenOptions extends TokenOptions {
  readonly user?: Ref;
  /** An existing session, which determines user, organization and the rest unless given here. */
  readonly session?: Ref;
  /** The active organization. */
  readonly organization?: Ref;
  /** @default the user's role in the organization, else 'org:member' */
  readonly role?: string;
  /** Custom permissions, `org:<feature>:<name>`. @default the user's in the organization, else none */
  readonly permissions?: readonly string[];
  /** Features of the organization (`name` or `org:name`) or the user (`user:name`). @default the session's, else none */
  readonly features?: readonly string[];
  /** Billing plans, written like features. @default the session's, else none */
  readonly plans?: readonly string[];
  /** Pending while a session task is open. @default the session's, else 'active' */
  readonly sessionStatus?: 'active' | 'pending';
  /** Minutes since the first and second factor were verified; -1 for never. @default [0, -1] */
  readonly factorVerificationAge?: readonly [number, number];
  /** Who impersonates the user. */
  readonly actor?: { readonly sub: string } & Record<string, unknown>;
  /** The frontend's origin, the `azp` claim. @default 'http://localhost:3000' */
  readonly authorizedParty?: string;
}

/** Options of a token of a JWT template. By default a user is created for it. */
export interface TemplateTokenOptions extends TokenOptions {
  readonly user?: Ref;
  /** An existing template, its id or its name, which determines claims and lifetime. @default none */
  readonly template?: Ref;
}

/** Options of every machine token. */
export interface MachineTokenOptions {
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>> | null;
  /** Negative for a token that expired in the past. @default never (opaque tokens), an hour (JWTs) */
  readonly secondsUntilExpiration?: number | null;
}

/** Options of an API key. */
export interface ApiKeyOptions extends MachineTokenOptions {
  /** A user or an organization. */
  readonly subject: Ref;
  /** @default 'key' */
  readonly name?: string;
  readonly description?: string;
  /** The user who created it. */
  readonly createdBy?: Ref;
}

/** An API key; callers send its `secret`. */
export type IssuedApiKey = MachineTokenJSON & { readonly secret: string };

/** Options of machine tokens that are opaque or JWTs. `header` and `key` apply to JWTs. */
export interface FormattedTokenOptions extends MachineTokenOptions, Pick<TokenOptions, 'header' | 'key'> {
  /** The Backend API verifies opaque tokens each time, and they can be revoked; neither is true of JWTs. @default 'opaque' */
  readonly format?: 'opaque' | 'jwt';
}

/** Options of an M2M token. `scopes` are the machines that it may call, by default those of its machine. */
export interface M2MTokenOptions extends FormattedTokenOptions {
  readonly machine: Ref;
}

/** Options of an OAuth access token. `scopes` are profile and email by default. */
export interface OAuthTokenOptions extends FormattedTokenOptions {
  readonly user: Ref;
  /** @default a generated id */
  readonly clientId?: string;
}

/** A machine token; callers send its `token`. */
export type IssuedMachineToken = MachineTokenJSON & { readonly token: string };
