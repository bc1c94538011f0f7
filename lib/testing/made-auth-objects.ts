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
import { MADE_UP_ISSUER } from './made-up-options.js';
import { ClerkTestingError } from './testing.error.js';

/** Who is signed in by {@link signedIn}; all of it optional. The names are those of Clerk's auth object. */
export interface SignedInOptions {
  /** @default a made-up one */
  readonly userId?: string;
  /** @default a made-up one */
  readonly sessionId?: string;
  /** The active organization. @default none; a made-up one where anything else here belongs to an organization */
  readonly orgId?: string;
  /** @default 'test-organization', where an organization is active */
  readonly orgSlug?: string;
  /** @default 'org:member', where an organization is active */
  readonly orgRole?: RoleKey;
  /** Custom permissions in the organization, `org:<feature>:<name>`. @default none */
  readonly permissions?: readonly PermissionKey[];
  /** Of the organization, `name` or `org:name`; of the user, `user:name`. @default those of the permissions */
  readonly features?: readonly FeatureKey[];
  /** Billing plans, written like features. @default none */
  readonly plans?: readonly PlanKey[];
  /** Minutes since first and second factor were verified; -1 for never. @default [0, -1] */
  readonly factorVerificationAge?: readonly [number, number];
  /** Pending while a session task is open. @default 'active' */
  readonly sessionStatus?: 'active' | 'pending';
  /** Who impersonates the user. @default nobody */
  readonly actor?: { readonly sub: string } & Record<string, unknown>;
  /** Custom claims, and others that shall be different. */
  readonly claims?: Readonly<Partial<SignedInAuthObject['sessionClaims']>>;
  /** What `getToken()` resolves to, for JWT templates too. @default 'test_session_token' */
  readonly token?: string;
}

/** What a machine token of any kind is made of; all of it optional. */
interface MachineObjectOptions {
  /** Of the token. @default a made-up one */
  readonly id?: string;
  readonly scopes?: readonly string[];
  /** What `getToken()` resolves to. @default 'test_' and the type of the token */
  readonly token?: string;
}

/** What {@link apiKey} is made of; all of it optional. `scopes` are none unless given. */
export interface ApiKeyObjectOptions extends MachineObjectOptions {
  /** Whom the key belongs to, by id: `user_…` or `org_…`. @default a made-up user */
  readonly subject?: string;
  /** @default 'key' */
  readonly name?: string;
  /** @default null */
  readonly claims?: Readonly<Record<string, unknown>> | null;
}

/** What {@link m2mToken} is made of; all of it optional. `scopes` are none unless given. */
export interface M2MTokenObjectOptions extends MachineObjectOptions {
  /** @default a made-up one */
  readonly machineId?: string;
  /** @default null */
  readonly claims?: Readonly<Record<string, unknown>> | null;
}

/** What {@link oauthToken} is made of; all of it optional. `scopes` are profile and email unless given. */
export interface OAuthTokenObjectOptions extends MachineObjectOptions {
  /** @default a made-up one */
  readonly userId?: string;
  /** @default a made-up one */
  readonly clientId?: string;
}

/**
 * Clerk's auth object of a user who is signed in: what `@Auth()` gives, for unit tests and for `TestCaller`.
 *
 * It is made by Clerk's own constructor from the claims of a version 2 session token, so `has()` is Clerk's own, and
 * system permissions (`org:sys_…`) are in no token here either. What belongs to an organization (`orgSlug`, `orgRole`,
 * `permissions`, plans and features of one) brings one along. `getToken()` never calls Clerk.
 *
 * A pending session is the object that a handler with `@AllowPendingSession()` gets; others never see one, and a
 * `TestCaller` that is given it is treated as Clerk treats pending sessions.
 *
 * @example
 * const auth = signedIn({ userId: 'user_1', permissions: ['org:invoices:create'], plans: ['user:pro'] });
 * auth.has({ permission: 'org:invoices:create' }); // true
 */
export function signedIn(options: SignedInOptions = {}): SignedInAuthObject {
  const { userId = newId('user'), sessionId = newId('sess'), token = 'test_session_token' } = options;
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: MADE_UP_ISSUER, azp: 'http://localhost:3000', sub: userId, sid: sessionId, jti: randomText(20) },
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
  // What was made are claims of version 2, which Clerk's type tells from those of version 1 one by one.
  // A copy, since what is given stays the test's to change.
  const auth = signedInAuthObject(
    {},
    token,
    structuredClone(claims) as unknown as Parameters<typeof signedInAuthObject>[2],
  );
  // Clerk's own would ask the Backend API for the token of a template.
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

/**
 * Clerk's auth object of a caller who is not signed in: what `@Auth()` gives on a `@Public()` handler.
 *
 * @example
 * signedOut().userId; // null
 */
export function signedOut(): SignedOutAuthObject {
  return safeAuthObject(signedOutAuthObject());
}

/**
 * Clerk's auth object of an API key, which belongs to a user or to an organization.
 *
 * @throws ClerkTestingError with code `invalid-subject` where the subject is neither a `user_…` nor an `org_…`.
 * @example
 * apiKey({ subject: 'org_acme', scopes: ['invoices:read'] }).orgId; // 'org_acme'
 */
export function apiKey(options: ApiKeyObjectOptions = {}): AuthenticatedMachineObject<'api_key'> {
  const { id = newId('ak'), subject = newId('user'), scopes = [], name = 'key', claims = null } = options;
  if (!/^(user|org)_/.test(subject)) {
    throw new ClerkTestingError(
      'invalid-subject',
      "Clerk knows by its beginning whom an API key belongs to: let the subject start with 'user_' or 'org_'.",
    );
  }
  return machineObject('api_key', { id, subject, scopes, name, claims }, options);
}

/**
 * Clerk's auth object of a machine that calls with an M2M token.
 *
 * @example
 * m2mToken({ machineId: 'mch_reports', scopes: ['mch_billing'] });
 */
export function m2mToken(options: M2MTokenObjectOptions = {}): AuthenticatedMachineObject<'m2m_token'> {
  const { id = newId('mt'), machineId = newId('mch'), scopes = [], claims = null } = options;
  return machineObject('m2m_token', { id, subject: machineId, scopes, claims }, options);
}

/**
 * Clerk's auth object of an application that calls with the OAuth access token of a user.
 *
 * @example
 * oauthToken({ userId: 'user_1', scopes: ['profile'] });
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
  // Of the resource that Clerk's type wants, its constructor reads no more than is given.
  return safeAuthObject(authenticatedMachineObject(type, token, structuredClone(verified) as unknown as Verified));
}
