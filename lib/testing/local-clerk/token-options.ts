import type { Ref } from './ids.js';
import type { MachineTokenJSON } from './machine-tokens.js';
import type { TokenKey } from './signing-keys.js';

/** Everything about a JWT that can be bent. */
export interface TokenOptions {
  /** Replaces, adds, or with `undefined` removes claims. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Names of claims to leave out. */
  readonly omit?: readonly string[];
  /** Replaces, adds, or with `undefined` removes fields of the protected header; `alg` is obeyed. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** In seconds since 1970, or as a date. @default now */
  readonly issuedAt?: number | Date;
  /** In seconds after `issuedAt`; negative for a token that expired before it was made. @default 60 */
  readonly expiresIn?: number;
  /** In seconds since 1970, or as a date. @default 10 s before `issuedAt` */
  readonly notBefore?: number | Date;
  /** Signs with another key, for forgeries and for key rotation. @default the current key */
  readonly key?: TokenKey;
}

/** What a session token is made of. With nothing given, a user and a session are made for it. */
export interface SessionTokenOptions extends TokenOptions {
  readonly user?: Ref;
  /** A session made before; gives user, organization and the rest where they are not given. */
  readonly session?: Ref;
  /** The active organization. */
  readonly organization?: Ref;
  /** @default the user's role in the organization, else 'org:member' */
  readonly role?: string;
  /** Custom permissions, `org:<feature>:<name>`. @default the user's in the organization, else none */
  readonly permissions?: readonly string[];
  /** Of the organization, `name` or `org:name`; of the user, `user:name`. @default the session's, else none */
  readonly features?: readonly string[];
  /** Written like features. @default the session's, else none */
  readonly plans?: readonly string[];
  /** Pending while a session task is open. @default the session's, else 'active' */
  readonly sessionStatus?: 'active' | 'pending';
  /** Minutes since first and second factor; -1 for never. @default [0, -1] */
  readonly factorVerificationAge?: readonly [number, number];
  /** Who impersonates the user. */
  readonly actor?: { readonly sub: string } & Record<string, unknown>;
  /** The frontend's origin, the `azp` claim. @default 'http://localhost:3000' */
  readonly authorizedParty?: string;
}

/** What a token of a JWT template is made of. With nothing given, a user is made for it. */
export interface TemplateTokenOptions extends TokenOptions {
  readonly user?: Ref;
  /** A template made before, its id or its name; gives claims and lifetime. @default no claims of a template */
  readonly template?: Ref;
}

/** What a machine token of any kind is made of. */
export interface MachineTokenOptions {
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>> | null;
  /** Negative for a token that expired in the past. @default never (opaque tokens), an hour (JWTs) */
  readonly secondsUntilExpiration?: number | null;
}

/** What an API key is made of. */
export interface ApiKeyOptions extends MachineTokenOptions {
  /** A user or an organization. */
  readonly subject: Ref;
  /** @default 'key' */
  readonly name?: string;
  readonly description?: string;
  /** The user who made it. */
  readonly createdBy?: Ref;
}

/** An API key; `secret` is what callers send. */
export type IssuedApiKey = MachineTokenJSON & { readonly secret: string };

/** Machine tokens that are opaque or JWTs. `header` and `key` bend JWTs. */
export interface FormattedTokenOptions extends MachineTokenOptions, Pick<TokenOptions, 'header' | 'key'> {
  /** Opaque ones are verified by the Backend API each time and can be revoked; JWTs neither. @default 'opaque' */
  readonly format?: 'opaque' | 'jwt';
}

/** What an M2M token is made of. `scopes` are the machines it may speak to, by default those of its machine. */
export interface M2MTokenOptions extends FormattedTokenOptions {
  readonly machine: Ref;
}

/** What an OAuth access token is made of. `scopes` are profile and email unless given. */
export interface OAuthTokenOptions extends FormattedTokenOptions {
  readonly user: Ref;
  /** @default a made-up one */
  readonly clientId?: string;
}

/** A machine token; `token` is what callers send. */
export type IssuedMachineToken = MachineTokenJSON & { readonly token: string };
