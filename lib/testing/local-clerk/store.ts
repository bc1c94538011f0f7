import type { JwtTemplateJSON, OrganizationJSON, OrganizationMembershipJSON, UserJSON } from '@clerk/backend';

import { idOf, newId, randomText, type Ref } from './ids.js';
import { LocalClerkError } from './local-clerk.error.js';
import { MachineTokens } from './machine-tokens.js';
import {
  newMembership,
  newOrganization,
  newSession,
  newUser,
  type CreateOrganizationOptions,
  type CreateSessionOptions,
  type CreateUserOptions,
  type MachineJSON,
  type StoredSession,
} from './resources.js';

/** A JWT template: the claims of its tokens. */
export interface TemplateOptions {
  readonly name: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** In seconds. @default 60 */
  readonly lifetime?: number;
}

/** The resources of an instance, in the order of creation. */
export class Store {
  readonly users = new Map<string, UserJSON>();
  readonly organizations = new Map<string, OrganizationJSON>();
  readonly sessions = new Map<string, StoredSession>();
  readonly machines = new Map<string, MachineJSON>();
  readonly templates = new Map<string, JwtTemplateJSON>();
  readonly machineTokens = new MachineTokens();
  memberships: OrganizationMembershipJSON[] = [];

  constructor(readonly instanceId = newId('ins')) {}

  createUser(options: CreateUserOptions = {}): UserJSON {
    return add(this.users, newUser(options));
  }

  createOrganization(options: CreateOrganizationOptions = {}): OrganizationJSON {
    return add(this.organizations, newOrganization(options));
  }

  /** @param permissions The permissions of the role; by default those of other members with the same role. */
  addMember(organization: Ref, user: Ref, role: string, permissions?: readonly string[]): OrganizationMembershipJSON {
    const { id } = this.organization(organization);
    const granted = permissions ?? this.permissionsOf(id, role);
    const membership = newMembership(this.organization(id), this.user(user), role, granted);
    this.memberships.push(membership);
    return membership;
  }

  /** The permissions of a role in an organization. */
  permissionsOf(organizationId: string, role: string): readonly string[] {
    const holder = this.memberships.find((one) => one.organization.id === organizationId && one.role === role);
    return holder?.permissions ?? [];
  }

  /** Sessions of the user with this active organization continue without one. */
  removeMember(membership: OrganizationMembershipJSON): void {
    this.memberships = this.memberships.filter((other) => other !== membership);
    this.deactivate(membership.organization.id, membership.public_user_data.user_id);
  }

  /** Deletes the user's memberships and ends the user's sessions too, as Clerk does. */
  deleteUser(id: string): void {
    this.users.delete(id);
    this.memberships = this.memberships.filter(({ public_user_data }) => public_user_data.user_id !== id);
    this.endSessions(id, 'removed');
  }

  endSessions(userId: string, status: 'removed' | 'revoked'): void {
    for (const session of this.sessions.values()) {
      if (session.user_id === userId) Object.assign(session, { status, updated_at: Date.now() });
    }
  }

  /** Deletes its memberships too. Sessions with this active organization continue without one. */
  deleteOrganization(id: string): void {
    this.organizations.delete(id);
    this.memberships = this.memberships.filter(({ organization }) => organization.id !== id);
    this.deactivate(id);
  }

  private deactivate(organizationId: string, userId?: string): void {
    for (const session of this.sessions.values()) {
      const isAffected = userId === undefined || session.user_id === userId;
      if (isAffected && session.last_active_organization_id === organizationId) {
        session.last_active_organization_id = undefined;
      }
    }
  }

  createSession(options: CreateSessionOptions): StoredSession {
    this.user(options.user);
    if (options.organization !== undefined) this.organization(options.organization);
    return add(this.sessions, newSession(options));
  }

  createMachine(name = 'machine', scopedMachines: readonly Ref[] = [], defaultTokenTtl = 3600): MachineJSON {
    const now = Date.now();
    return add(this.machines, {
      object: 'machine',
      id: newId('mch'),
      name,
      instance_id: this.instanceId,
      created_at: now,
      updated_at: now,
      default_token_ttl: defaultTokenTtl,
      scoped_machines: scopedMachines.map((machine) => this.machine(machine)),
      secret_key: `ask_${randomText(40)}`,
    });
  }

  createTemplate({ name, claims = {}, lifetime = 60 }: TemplateOptions): JwtTemplateJSON {
    const now = Date.now();
    return add(this.templates, {
      object: 'jwt_template',
      id: newId('jtmp'),
      name,
      claims,
      lifetime,
      allowed_clock_skew: 5,
      custom_signing_key: false,
      signing_algorithm: 'RS256',
      created_at: now,
      updated_at: now,
    });
  }

  user(ref: Ref): UserJSON {
    return existing(this.users, ref, 'user', 'createUser');
  }

  organization(ref: Ref): OrganizationJSON {
    return existing(this.organizations, ref, 'organization', 'createOrganization');
  }

  session(ref: Ref): StoredSession {
    return existing(this.sessions, ref, 'session', 'createSession');
  }

  machine(ref: Ref): MachineJSON {
    return existing(this.machines, ref, 'machine', 'createMachine');
  }

  /** Finds a template by object, id or name. */
  template(ref: Ref): JwtTemplateJSON {
    const named = [...this.templates.values()].find(({ name }) => name === ref);
    return named ?? existing(this.templates, ref, 'JWT template', 'createJwtTemplate');
  }

  membership(organizationId: string, userId: string): OrganizationMembershipJSON | undefined {
    return this.memberships.find(
      ({ organization, public_user_data }) => organization.id === organizationId && public_user_data.user_id === userId,
    );
  }

  clear(): void {
    for (const all of [this.users, this.organizations, this.sessions, this.machines, this.templates]) all.clear();
    this.machineTokens.clear();
    this.memberships = [];
  }
}

function add<T extends { readonly id: string }>(resources: Map<string, T>, resource: T): T {
  resources.set(resource.id, resource);
  return resource;
}

/** @param method The method that creates such resources, for the error. */
function existing<T>(resources: Map<string, T>, ref: Ref, kind: string, method: string): T {
  const found = resources.get(idOf(ref));
  if (!found) {
    throw new LocalClerkError(
      'unknown-resource',
      `The local Clerk has no such ${kind}: create it with ${method}() first.`,
    );
  }
  return found;
}
