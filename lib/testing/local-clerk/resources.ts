import type { OrganizationJSON, OrganizationMembershipJSON, SessionJSON, UserJSON } from '@clerk/backend';

import { idOf, newId, randomText, type Ref } from './ids.js';

type Metadata = Record<string, unknown>;

/** Options of a new user. */
export interface CreateUserOptions {
  readonly id?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly username?: string;
  /** @default a generated address at example.com */
  readonly emailAddress?: string;
  readonly externalId?: string;
  readonly publicMetadata?: Metadata;
  readonly privateMetadata?: Metadata;
  readonly unsafeMetadata?: Metadata;
  readonly banned?: boolean;
}

/** Options of a new organization. */
export interface CreateOrganizationOptions {
  readonly id?: string;
  readonly name?: string;
  /** @default derived from the name */
  readonly slug?: string;
  readonly createdBy?: Ref;
  readonly publicMetadata?: Metadata;
  readonly privateMetadata?: Metadata;
}

/** Options of a new session. */
export interface CreateSessionOptions {
  readonly id?: string;
  readonly user: Ref;
  /** The active organization. */
  readonly organization?: Ref;
  /** @default 'active' */
  readonly status?: 'active' | 'pending' | 'ended' | 'expired' | 'removed' | 'revoked';
  /** Who impersonates the user. */
  readonly actor?: { readonly sub: string } & Record<string, unknown>;
  /** Minutes since the first and second factor were verified; -1 for never. @default [0, -1] */
  readonly factorVerificationAge?: readonly [number, number];
  /** Features of the organization (`name` or `org:name`) or the user (`user:name`). */
  readonly features?: readonly string[];
  /** Billing plans, written like features. */
  readonly plans?: readonly string[];
}

/** A session, with data that Clerk's resource does not show. */
export interface StoredSession extends SessionJSON {
  readonly claimed: Pick<CreateSessionOptions, 'factorVerificationAge' | 'features' | 'plans'>;
}

/** One machine, with its secret. */
export interface MachineJSON {
  readonly object: 'machine';
  readonly id: string;
  readonly name: string;
  readonly instance_id: string;
  readonly created_at: number;
  readonly updated_at: number;
  /** In seconds. */
  readonly default_token_ttl: number;
  readonly scoped_machines: readonly MachineJSON[];
  readonly secret_key: string;
}

export function newUser(options: CreateUserOptions): UserJSON {
  const { id = newId('user'), firstName = null, lastName = null, username = null } = options;
  const now = Date.now();
  const email = {
    object: 'email_address' as const,
    id: newId('idn'),
    email_address: options.emailAddress ?? `${id.slice(5, 13).toLowerCase()}@example.com`,
    verification: { status: 'verified', strategy: 'admin', attempts: null, expire_at: null },
    linked_to: [],
  };
  return {
    object: 'user',
    id,
    username,
    first_name: firstName,
    last_name: lastName,
    image_url: `https://img.clerk.com/${id}`,
    has_image: false,
    primary_email_address_id: email.id,
    primary_phone_number_id: null,
    primary_web3_wallet_id: null,
    password_enabled: false,
    two_factor_enabled: false,
    totp_enabled: false,
    backup_code_enabled: false,
    email_addresses: [email],
    phone_numbers: [],
    web3_wallets: [],
    organization_memberships: null,
    external_accounts: [],
    enterprise_accounts: [],
    password_last_updated_at: null,
    public_metadata: options.publicMetadata ?? {},
    private_metadata: options.privateMetadata ?? {},
    unsafe_metadata: options.unsafeMetadata ?? {},
    external_id: options.externalId ?? null,
    last_sign_in_at: null,
    banned: options.banned ?? false,
    locked: false,
    lockout_expires_in_seconds: null,
    verification_attempts_remaining: null,
    created_at: now,
    updated_at: now,
    last_active_at: null,
    // The Backend API does not return the rest of UserJSON for such a user.
  } as unknown as UserJSON;
}

export function newOrganization(options: CreateOrganizationOptions): OrganizationJSON {
  const { id = newId('org'), name = `Organization ${randomText(6)}` } = options;
  const now = Date.now();
  return {
    object: 'organization',
    id,
    name,
    slug: options.slug ?? name.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    image_url: `https://img.clerk.com/${id}`,
    has_image: false,
    max_allowed_memberships: 5,
    admin_delete_enabled: true,
    public_metadata: options.publicMetadata ?? {},
    private_metadata: options.privateMetadata ?? {},
    created_by: options.createdBy === undefined ? undefined : idOf(options.createdBy),
    created_at: now,
    updated_at: now,
  };
}

export function newMembership(
  organization: OrganizationJSON,
  user: UserJSON,
  role: string,
  permissions: readonly string[],
): OrganizationMembershipJSON {
  const now = Date.now();
  return {
    object: 'organization_membership',
    id: newId('orgmem'),
    role,
    permissions: [...permissions],
    public_metadata: {},
    private_metadata: {},
    organization,
    public_user_data: {
      identifier: user.email_addresses[0]?.email_address ?? user.username ?? user.id,
      first_name: user.first_name,
      last_name: user.last_name,
      image_url: user.image_url,
      has_image: user.has_image,
      user_id: user.id,
    },
    created_at: now,
    updated_at: now,
  };
}

export function newSession(options: CreateSessionOptions): StoredSession {
  const now = Date.now();
  const day = 24 * 60 * 60_000;
  return {
    object: 'session',
    id: options.id ?? newId('sess'),
    client_id: newId('client'),
    user_id: idOf(options.user),
    status: options.status ?? 'active',
    last_active_organization_id: options.organization === undefined ? undefined : idOf(options.organization),
    actor: options.actor ?? null,
    last_active_at: now,
    expire_at: now + 7 * day,
    abandon_at: now + 30 * day,
    created_at: now,
    updated_at: now,
    claimed: {
      factorVerificationAge: options.factorVerificationAge,
      features: options.features,
      plans: options.plans,
    },
  };
}

/** The session as Clerk's API returns it. */
export function resource({ claimed: _, ...session }: StoredSession): object {
  return session;
}
