import {
  authenticatedMachineObject,
  signedInAuthObject,
  signedOutAuthObject,
  type AuthenticatedMachineObject,
  type SignedInAuthObject,
  type SignedOutAuthObject,
} from '@clerk/backend/internal';

import { safeAuthObject } from '../authentication/identity/safe-auth-object.js';
import type { FeatureKey, PermissionKey, PlanKey, RoleKey } from '../policy/requirement.js';
import { newId, randomText } from './local-clerk/ids.js';
import { sessionClaims } from './local-clerk/session-claims.js';
import { PLACEHOLDER_ISSUER } from './placeholder-options.js';
import { ClerkTestingError } from './testing.error.js';

/** Options of {@link signedIn}, named as in Clerk's auth object. */
export interface SignedInOptions {
  /** @default a generated id */
  readonly userId?: string;
  /** @default a generated id */
  readonly sessionId?: string;
  /** The active organization. @default none; a generated id if another option needs an organization */
  readonly orgId?: string;
  /** @default 'test-organization', if an organization is active */
  readonly orgSlug?: string;
  /** @default 'org:member', if an organization is active */
  readonly orgRole?: RoleKey;
  /** Custom permissions in the organization, `org:<feature>:<name>`. @default none */
  readonly permissions?: readonly PermissionKey[];
  /** Features of the organization (`name` or `org:name`) or the user (`user:name`). @default those of the permissions */
  readonly features?: readonly FeatureKey[];
  /** Billing plans, written like features. @default none */
  readonly plans?: readonly PlanKey[];
  /** Minutes since the first and second factor were verified; -1 for never. @default [0, -1] */
  readonly factorVerificationAge?: readonly [number, number];
  /** Pending while a session task is open. @default 'active' */
  readonly sessionStatus?: 'active' | 'pending';
  /** Who impersonates the user. @default none */
  readonly actor?: { readonly sub: string } & Record<string, unknown>;
  /** Custom claims, and overrides of other claims. */
  readonly claims?: Readonly<Partial<SignedInAuthObject['sessionClaims']>>;
  /** What `getToken()` resolves to, for JWT templates too. @default 'test_session_token' */
  readonly token?: string;
}

/** Options of every machine token. */
interface MachineObjectOptions {
  /** The id of the token. @default a generated id */
  readonly id?: string;
  readonly scopes?: readonly string[];
  /** What `getToken()` resolves to. @default `test_${tokenType}` */
  readonly token?: string;
}

/** Options of {@link apiKey}. `scopes` are empty by default. */
export interface ApiKeyObjectOptions extends MachineObjectOptions {
  /** The id of the owner: `user_…` or `org_…`. @default a generated user id */
  readonly subject?: string;
  /** @default 'key' */
  readonly name?: string;
  /** @default null */
  readonly claims?: Readonly<Record<string, unknown>> | null;
}

/** Options of {@link m2mToken}. `scopes` are empty by default. */
export interface M2MTokenObjectOptions extends MachineObjectOptions {
  /** @default a generated id */
  readonly machineId?: string;
  /** @default null */
  readonly claims?: Readonly<Record<string, unknown>> | null;
}

/** Options of {@link oauthToken}. `scopes` are profile and email by default. */
export interface OAuthTokenObjectOptions extends MachineObjectOptions {
  /** @default a generated id */
  readonly userId?: string;
  /** @default a generated id */
  readonly clientId?: string;
}

/**
 * Creates the auth object of a signed-in user, as `@Auth()` returns it, for unit tests and for `TestCaller`.
 *
 * Clerk's own constructor creates it from the claims of a version 2 session token, so `has()` is Clerk's own, and system
 * permissions (`org:sys_…`) are never in it. Options that need an organization (`orgSlug`, `orgRole`, `permissions`, its
 * plans and features) add one. `getToken()` never calls Clerk.
 *
 * A pending session is the object that a handler with `@AllowPendingSession()` receives. With `TestCaller`, other
 * handlers treat it as Clerk treats pending sessions.
 *
 * @example
 * ```ts
 * const auth = signedIn({ userId: 'user_1', permissions: ['org:invoices:create'], plans: ['user:pro'] });
 * auth.has({ permission: 'org:invoices:create' }); // true
 * ```
 */
export function signedIn(options: SignedInOptions = {}): SignedInAuthObject {
  const { userId = newId('user'), sessionId = newId('sess'), token = 'test_session_token' } = options;
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: PLACEHOLDER_ISSUER, azp: 'http://localhost:3000', sub: userId, sid: sessionId, jti: randomText(20) },
    ...{ iat: issuedAt, nbf: issuedAt - 10, exp: issuedAt + 60 },
    ...sessionClaims({
      status: options.sessionStatus ?? 'active',
      organization: organizationOf(options),
      features: options.features,
      plans: options.plans,
      factorVerificationAge: options.factorVerificationAge ?? [0, -1],
      actor: options.actor,
    }),
    ...options.claims,
  };
  // Cast, since Clerk's type distinguishes version 1 and 2 by single claims. Cloned, since the test may change its input.
  const auth = signedInAuthObject(
    {},
    token,
    structuredClone(claims) as unknown as Parameters<typeof signedInAuthObject>[2],
  );
  // Clerk's own getToken() would call the Backend API for a JWT template.
  return safeAuthObject({ ...auth, getToken: () => Promise.resolve(token) });
}

/** A session has permissions, a role or an organization's plan only while an organization is active. */
function organizationOf({ orgId, orgSlug, orgRole, permissions, features = [], plans = [] }: SignedInOptions) {
  const ofOrganization = [...features, ...plans].some((name) => !name.startsWith('user:'));
  if ([orgId, orgSlug, orgRole, permissions].every((given) => given === undefined) && !ofOrganization) return undefined;
  return {
    id: orgId ?? newId('org'),
    slug: orgSlug ?? 'test-organization',
    role: orgRole ?? 'org:member',
    permissions: permissions ?? [],
  };
}

/** Creates the auth object of an anonymous caller, as `@Auth()` returns it on a `@Public()` handler. */
export function signedOut(): SignedOutAuthObject {
  return safeAuthObject(signedOutAuthObject());
}

/**
 * Creates the auth object of an API key of a user or an organization.
 *
 * @throws ClerkTestingError with code `invalid-subject` if the subject is neither a `user_…` nor an `org_…`.
 * @example
 * ```ts
 * apiKey({ subject: 'org_acme', scopes: ['invoices:read'] }).orgId; // 'org_acme'
 * ```
 */
export function apiKey(options: ApiKeyObjectOptions = {}): AuthenticatedMachineObject<'api_key'> {
  const { id = newId('ak'), subject = newId('user'), scopes = [], name = 'key', claims = null } = options;
  if (!/^(user|org)_/.test(subject)) {
    throw new ClerkTestingError(
      'invalid-subject',
      "The subject of an API key must be the id of a user or an organization: it must start with 'user_' or 'org_'.",
    );
  }
  return machineObject('api_key', { id, subject, scopes, name, claims }, options);
}

/**
 * Creates the auth object of a machine that calls with an M2M token.
 *
 * @example
 * ```ts
 * m2mToken({ machineId: 'mch_reports', scopes: ['mch_billing'] });
 * ```
 */
export function m2mToken(options: M2MTokenObjectOptions = {}): AuthenticatedMachineObject<'m2m_token'> {
  const { id = newId('mt'), machineId = newId('mch'), scopes = [], claims = null } = options;
  return machineObject('m2m_token', { id, subject: machineId, scopes, claims }, options);
}

/**
 * Creates the auth object of an application that calls with the OAuth access token of a user.
 *
 * @example
 * ```ts
 * oauthToken({ userId: 'user_1', scopes: ['profile'] });
 * ```
 */
export function oauthToken(options: OAuthTokenObjectOptions = {}): AuthenticatedMachineObject<'oauth_token'> {
  const { id = newId('oat'), userId = newId('user'), clientId = newId('client') } = options;
  const { scopes = ['profile', 'email'] } = options;
  return machineObject('oauth_token', { id, subject: userId, scopes, clientId }, options);
}

type Verified = Parameters<typeof authenticatedMachineObject>[2];

function machineObject<T extends 'api_key' | 'm2m_token' | 'oauth_token'>(
  type: T,
  verified: Readonly<Record<string, unknown>> & { readonly scopes: readonly string[] },
  { token = `test_${type}` }: MachineObjectOptions,
): AuthenticatedMachineObject<T> {
  // Cast, since Clerk's constructor reads only these fields of the resource.
  return safeAuthObject(authenticatedMachineObject(type, token, structuredClone(verified) as unknown as Verified));
}
